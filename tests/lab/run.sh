#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs scenarios in lab hosts, those that want the same machine in one boot,
# and tells live how they go. Only what said that it finished has passed.

set -euo pipefail

usage() {
        cat <<'EOF'
usage: run.sh [OPTION…] [SCENARIO…]

Scenarios are names (files in scenarios/) or paths; none means all that the
kernel is for.

  --timeout SEC    deadline of one scenario, and of one phase of it (600)
  --logs DIR       where console, report and journal of each machine go
  --keep           keep them after a success, too
  --suite SUITE, --kernel=NAME, --builddir DIR, --destdir DIR, --no-project
                   as build.sh; without one, the project it packed last
  --packages DIR   where tests/packages.sh has put the suite's Debian package,
                   for scenarios that install it; it is built for them otherwise
EOF
}

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/usher-lab.XXXXXX")
qemu='' logs='' log='' keep=no
stop_machine() {
        [ -n "$qemu" ] || return 0
        kill -KILL "$qemu" 2>/dev/null || true
        wait "$qemu" 2>/dev/null || true
        qemu=''
}
cleanup() {
        stop_machine
        rm -rf "$work"
        [ $keep = yes ] || rm -rf "$logs"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
. "$here/boot.sh"
. "$here/report.sh"
. "$here/group.sh"

suite=$base_suite kernel='' build=() packages='' paths=()
while [ $# -gt 0 ]; do
        case $1 in
                --timeout) scenario_deadline=$2; shift 2 ;;
                --logs) logs=$2 keep=yes; shift 2 ;;
                --keep) keep=yes; shift ;;
                --suite) suite=$2; shift 2 ;;
                --kernel=*) kernel=${1#*=}; kernel_known "$here" "$kernel" || exit 2; shift ;;
                --builddir | --destdir) build=("$1" "$2"); shift 2 ;;
                --no-project) build=("$1"); shift ;;
                --packages) packages=$(realpath "$2"); shift 2 ;;
                --help) usage; exit 0 ;;
                -*) usage >&2; exit 2 ;;
                */* | *.sh) paths+=("$(realpath "$1")"); shift ;;
                *) paths+=("$here/scenarios/$1.sh"); shift ;;
        esac
done

# header PATH KEY: the value of a `# lab-KEY: value` line.
header() {
        sed -n "s/^# lab-$2: *//p" "$1" | head -n 1
}

if [ ${#paths[@]} -eq 0 ]; then
        for path in "$here"/scenarios/*.sh; do
                wants=$(header "$path" kernel)
                if [ "${path##*/}" = lib.sh ]; then
                        continue
                elif [ "$wants" = "$kernel" ]; then
                        paths+=("$path")
                elif [ -n "$wants" ]; then
                        echo "# left out: $(basename "$path" .sh), which wants --kernel=$wants"
                fi
        done
fi

# Sorts the scenarios into groups that can share a boot; `order` keeps that in
# which they were named.
declare -A groups=()
order=()
for path in "${paths[@]}"; do
        if [ ! -f "$path" ]; then
                echo "No such scenario: $path" >&2
                exit 2
        fi
        name=$(header "$path" machine)
        if ! machine_exists "${name:=default}"; then
                echo "$path wants the machine \"$name\", which machine.sh does not know." >&2
                exit 2
        fi
        wants=$(header "$path" kernel)
        if [ -n "$wants" ] && [ "$wants" != "$kernel" ]; then
                echo "$path wants --kernel=$wants." >&2
                exit 2
        fi
        group="$name|$(header "$path" append)|$(header "$path" project)|"
        [ "$(header "$path" reboots)" != yes ] || group+=$path
        [ -n "${groups[$group]:-}" ] || order+=("$group")
        groups[$group]+="$path"$'\n'
done

# run_machine NUMBER GROUP PATH…: sets `log`
run_machine() {
        local number=$1 name append project reboots path
        IFS='|' read -r name append project reboots <<<"$2"
        shift 2
        log=$logs/$number-$name
        mkdir -p "$log"
        for path in console report journal; do
                : >"$log/$path.log"
        done

        report_expect "$@"
        printf '%s\n' "$scenario_deadline" "${report_names[@]}" >"$work/to-run"
        [ "$project" != package ] || boot_package
        boot_initrd "${project:-project}" "$work/to-run" "$@"

        machine_command "$name" "$work" "$base" "$boot" "panic=-1 systemd.mask=serial-getty@ttyS0.service $append"
        machine+=(
                -chardev "file,id=console,path=$log/console.log,append=on" -serial chardev:console
                -chardev "file,id=report,path=$log/report.log,append=on" -serial chardev:report
                -chardev "file,id=journal,path=$log/journal.log,append=on" -serial chardev:journal
        )
        # Without a reboot in the scenario, a reset is a crash and ends it.
        [ -n "$reboots" ] || machine+=(-no-reboot)

        # Killed with this script, whatever kills that.
        setpriv --pdeathsig KILL "${machine[@]}" </dev/null >"$log/qemu.log" 2>&1 8>&- &
        qemu=$!
        report_follow "$log" "$qemu"
        stop_machine
        report_close "$log"
}

boot_prepare "${build[@]}"
logs=${logs:-$(mktemp -d "${TMPDIR:-/var/tmp}/usher-lab-logs.XXXXXX")}
# Two labs at once take longer than one after the other: each wants the whole machine.
mkdir -p "${USHER_LAB_CACHE:-/var/cache/usher-lab}"
exec 8>"${USHER_LAB_CACHE:-/var/cache/usher-lab}/run.lock"
flock 8
number=0
for group in "${order[@]}"; do
        number=$((number + 1))
        mapfile -t members <<<"${groups[$group]%$'\n'}"
        run_group "$number" "$group" "${members[@]}"
done

if [ "$report_failed" -gt 0 ]; then
        keep=yes
fi
[ ${#group_again[@]} -eq 0 ] || echo "# failed at first, and counted as when run once more: ${group_again[*]}"
[ $keep = no ] || echo "Logs: $logs" >&2
echo "$report_passed passed, $report_failed failed"
[ "$report_failed" -eq 0 ] && [ "$report_passed" -gt 0 ]
