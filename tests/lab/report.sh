# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Follows what a lab host reports (inside/run-scenarios says how), prints it,
# counts it, and notices what it does not say: a scenario that never ended, a
# kernel that panicked, a deadline gone by, an emulator that failed. Sourced by
# run.sh.

# In seconds: from power on to the first scenario, and for one scenario.
boot_deadline=240
scenario_deadline=600

report_passed=0
report_failed=0
# The machine under way: its scenarios in order, and for each whether it is waiting, running, finished or
# over, how many assertions held and how many did not, and where it stopped, if it did. Then why the machine
# was given up.
report_names=()
declare -A report_state=() report_held=() report_broken=() report_last=()
report_trouble=''

# report_expect PATH…
report_expect() {
        local path name
        report_names=() report_state=() report_held=() report_broken=() report_last=() report_trouble=''
        for path in "$@"; do
                name=${path##*/}
                name=${name%.sh}
                report_names+=("$name")
                report_state[$name]=waiting
                report_held[$name]=0
                report_broken[$name]=0
        done
}

# report_held NAME, report_broke NAME: one more assertion of the scenario
report_held() {
        report_passed=$((report_passed + 1))
        report_held[$1]=$((${report_held[$1]:-0} + 1))
}

report_broke() {
        report_failed=$((report_failed + 1))
        report_broken[$1]=$((${report_broken[$1]:-0} + 1))
}

# report_fail NAME SENTENCE
report_fail() {
        report_broke "$1"
        echo "not ok $1: $2"
}

# report_line LINE
# Sets `deadline`, of report_follow, to when the next news is due.
report_line() {
        local line=$1 name value
        read -r _ name value <<<"$line"
        case $line in
                "ok "*)
                        report_held "${name%:}"
                        echo "$line"
                        ;;
                "not ok "*)
                        read -r name _ <<<"$value"
                        report_broke "${name%:}"
                        echo "$line"
                        ;;
                %up*) echo "# up after $name s" ;;
                %start*)
                        report_state[$name]=running
                        deadline=$((SECONDS + scenario_deadline + 60))
                        [ "$value" = 1 ] || echo "# $name: phase $value"
                        ;;
                %reboot*) deadline=$((SECONDS + boot_deadline + 120)) ;;
                %stopped*) report_last[$name]=$value ;;
                %finished*) report_state[$name]=finished ;;
                %end*) report_end "$name" "${value% *}" "${value#* }" ;;
                %done) deadline=$((SECONDS + 60)) ;;
                *) echo "$line" ;;
        esac
}

# report_end NAME STATUS SECONDS
report_end() {
        local name=$1
        if [ "${report_state[$name]}" != finished ]; then
                report_fail "$name" "runs to its end"
                [ -z "${report_last[$name]:-}" ] || echo "    it stopped ${report_last[$name]}"
                [ "$2" != 124 ] || echo "    its deadline of $scenario_deadline s went by"
        elif [ $((report_held[$name] + report_broken[$name])) -eq 0 ]; then
                report_fail "$name" "asserts something"
        fi
        report_state[$name]=over
        echo "# $name: $3 s"
        deadline=$((SECONDS + boot_deadline))
}

# report_follow LOG QEMU
# Returns when the machine is off, or is not to be waited for any more.
report_follow() {
        local log=$1 qemu=$2 deadline=$((SECONDS + boot_deadline)) line part='' status report
        exec {report}< <(tail -n +1 -s 0.2 --pid="$qemu" -f "$log/report.log" 2>/dev/null)
        while :; do
                status=0
                IFS= read -r -t 5 -u "$report" line || status=$?
                part+=$line
                if [ $status -eq 0 ]; then
                        report_line "${part%$'\r'}"
                        part=''
                elif [ $status -le 128 ]; then
                        break # the machine is off
                elif grep -aq 'Kernel panic' "$log/console.log"; then
                        report_trouble="its kernel panicked"
                        break
                elif report_processors_stuck "$log"; then
                        report_trouble="its processors were stuck"
                        break
                fi
                if [ $SECONDS -ge "$deadline" ]; then
                        report_trouble="it was not heard of in time"
                        break
                fi
        done
        exec {report}<&-
}

# report_close LOG
# What has not ended by now has failed.
report_close() {
        local log=$1 name died=no
        for name in "${report_names[@]}"; do
                [ "${report_state[$name]}" != over ] || continue
                report_fail "$name" "runs to its end"
                echo "    the lab host went off while the scenario was ${report_state[$name]}: ${report_trouble:-nobody asked it to}"
                died=yes
        done
        if [ $died = yes ]; then
                echo "# the end of the console:"
                tail -n 30 "$log/console.log" "$log/qemu.log" | tr -d '\r' | sed 's/^/    /'
        fi
}

# report_processors_stuck LOG
# QEMU 7.2 now and then fails an emulated machine that runs nested guests: its
# processors spin, or get no timer any more, and the kernel in it says so. It may
# go on for hours then, and nothing in it can be believed.
report_processors_stuck() {
        grep -aqsE 'watchdog: BUG: soft lockup|rcu_preempt (detected stalls|kthread starved)' "$1/console.log"
}

# report_emulator_fault LOG
# Prints why the machine, not what ran in it, is to blame, if it is: its
# processors were stuck; it fell silent, or reset without a word, as after a
# triple fault; or its KVM can't go on, or a guest under it came to nothing.
report_emulator_fault() {
        if report_processors_stuck "$1"; then
                echo "its processors were stuck"
        elif grep -aqsE 'KVM internal error|KVM: entry failed' "$1"/*.log; then
                echo "the KVM in it failed"
        elif grep -aqsE '^ +wait_until [0-9]+ guest_said .* usher-guest: ready \(status 1\)' "$1/report.log"; then
                echo "a guest in it stood still as it booted"
        elif ! grep -aqs 'Kernel panic' "$1/console.log" && ! report_all_over; then
                echo "${report_trouble:-it went off, and nobody asked it to}"
        else
                return 1
        fi
}

report_all_over() {
        local name
        for name in "${report_names[@]}"; do
                [ "${report_state[$name]}" = over ] || return 1
        done
}

# report_take_back: sets `report_again` to the names of the scenarios that
# failed, and counts them no more
report_take_back() {
        local name
        report_again=()
        for name in "${report_names[@]}"; do
                [ "${report_broken[$name]}" -gt 0 ] || continue
                report_again+=("$name")
                report_passed=$((report_passed - report_held[$name]))
                report_failed=$((report_failed - report_broken[$name]))
        done
}
