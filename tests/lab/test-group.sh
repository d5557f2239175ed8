#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What comes of scenarios that fail once, or more often, in machines that the test plays: each case says what
# the report would show.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/report.sh"
. "$here/group.sh"

# run_machine NUMBER GROUP PATH…
# Plays run.sh's, and sets its variables, `machine` among them. The word at its turn in fates[NAME] says what
# becomes of a scenario: well, broken, still (its guest came to nothing), or stuck (as the CPUs are from then
# on).
run_machine() {
        local path name fate
        # shellcheck disable=SC2034 # of machine.sh, too, which knows no local variables
        machine=(qemu) log=$work/$1
        mkdir "$log"
        : >"$log/console.log"
        : >"$log/qemu.log"
        turn=$((turn + 1))
        shift 2
        report_expect "$@"
        for path in "$@"; do
                name=$(basename "$path" .sh)
                read -ra fate <<<"${fates[$name]}"
                report_line "%start $name 1"
                report_line "ok $name: It begins"
                case ${fate[turn - 1]} in
                        broken) report_line "not ok $name: It ends" ;;
                        still)
                                report_line "not ok $name: It gets ready"
                                echo "    wait_until 120 guest_said demo usher-guest: ready (status 1)" >>"$log/report.log"
                                ;;
                        stuck) echo 'watchdog: BUG: soft lockup' >"$log/console.log"; break ;;
                        *) report_line "ok $name: It ends" ;;
                esac
                report_line "%finished $name"
                report_line "%end $name 0 1"
        done
        report_close "$log"
}

failed=0
# it SENTENCE FATES… = MACHINES PASSED FAILED
# FATES are NAME=WORD,WORD…, a word for each machine.
it() {
        local sentence=$1 paths=() result
        shift
        declare -gA fates=()
        while [ "$1" != = ]; do
                fates[${1%%=*}]=$(tr , ' ' <<<"${1#*=}")
                paths+=("scenarios/${1%%=*}.sh")
                shift
        done
        shift
        rm -rf "${work:?}"/*
        turn=0 report_passed=0 report_failed=0 group_again=()
        run_group 1 default "${paths[@]}" >"$work/said" 2>&1
        result="$turn $report_passed $report_failed"
        if [ "$result" = "$*" ]; then
                echo "ok: $sentence"
        else
                echo "not ok: $sentence: $result instead of $*"
                sed 's/^/    /' "$work/said"
                failed=1
        fi
}

it "What passes is run once" a=well b=well = 1 4 0
it "What fails is run once more, alone" a=well b=broken,well = 2 4 0
it "What fails twice has failed" a=broken,broken,well = 2 1 1
it "What the emulator failed is run once more, and what came after it" a=well b=stuck,well c=never,well = 2 6 0
it "What the emulator failed twice is run a third time" a=stuck,stuck,well = 3 2 0
it "What fails, and then the emulator, is run a third time" a=broken,stuck,well = 3 2 0
it "A guest that stood still twice is given a third machine" a=still,still,well b=well = 3 4 0
it "What fails a third time has failed" a=stuck,stuck,broken = 3 1 1
it "What the emulator fails three times has failed" a=stuck,stuck,stuck = 3 1 1
exit $failed
