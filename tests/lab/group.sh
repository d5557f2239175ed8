# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Scenarios that share a machine, and what is done about those that fail.
# Sourced by run.sh, after report.sh.

# The scenarios that had a second machine, in all groups.
group_again=()

# run_group NUMBER GROUP PATH…
# Has run_machine run them in one machine, and those that failed once more in
# another one: a guest in an emulated machine now and then stands still by no
# fault of ours. What fails twice has failed, unless the emulator failed the
# second machine too (report_emulator_fault): then there is a third.
# shellcheck disable=SC2154 # run_machine sets log, report_take_back report_again
run_group() {
        local number=$1 group=$2 attempt fault path paths
        shift 2
        for attempt in 1 2 3; do
                run_machine "$number-$attempt" "$group" "$@"
                fault=$(report_emulator_fault "$log") || fault=''
                if [ $attempt = 3 ] || { [ $attempt = 2 ] && [ -z "$fault" ]; }; then return 0; fi
                report_take_back
                [ ${#report_again[@]} -gt 0 ] || return 0
                group_again+=("${report_again[@]}")
                echo "# once more, in another machine: ${report_again[*]} (${fault:-nothing is known of a failure of the emulator})"
                paths=()
                for path in "$@"; do
                        [[ " ${report_again[*]} " != *" $(basename "$path" .sh) "* ]] || paths+=("$path")
                done
                set -- "${paths[@]}"
        done
}
