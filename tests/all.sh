#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds everything and runs every test: unit, bus, lab. Installs what is missing first. The last line says
# "N passed, N failed"; a skip counts as a failure. Logs stay in $USHER_BUILD (default build/) and its lab-logs.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
build=${USHER_BUILD:-$top/build}
passed=0 failed=0

# heading WORDS…
heading() {
        printf '\n== %s\n' "$*"
}

# count PASSED FAILED
count() {
        passed=$((passed + $1)) failed=$((failed + $2))
}

configure_and_build() {
        heading "building in $build"
        [ -e "$build/build.ninja" ] || meson setup "$build" "$top" --prefix=/usr --sysconfdir=/etc --localstatedir=/var
        ninja -C "$build"
}

run_meson_tests() {
        heading 'unit and bus tests'
        rm -f "$build/meson-logs/testlog.json"
        USHER_BUILD=$build meson test -C "$build" --no-rebuild --print-errorlogs || true
        # shellcheck disable=SC2046 # two numbers
        count $("$here/tally.py" "$build/meson-logs/testlog.json" || echo 0 1)
}

check_scripts() {
        heading 'shell scripts'
        local script
        while read -r script; do
                if (cd "$(dirname "$script")" && shellcheck -x "$(basename "$script")"); then
                        count 1 0
                else
                        echo "not ok: shellcheck $script"
                        count 0 1
                fi
        done < <(git -C "$top" ls-files '*.sh' .ci/run | sed "s|^|$top/|")
}

# lab_once LOGS: the lab's result is in lab_passed and lab_failed
lab_once() {
        local report=$build/lab-report line
        rm -rf "$1"
        "$here/lab/run.sh" --timeout 1200 --builddir "$build" --logs "$1" | tee "$report" || true
        line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$report" | tail -n 1 || true)
        read -r lab_passed lab_failed < <(sed -E 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/' <<<"${line:-0 passed, 1 failed}")
}

# QEMU 7.2 now and then fails an emulated machine that runs nested guests: its processors spin, and the kernel in them reports itself locked up, or they
# reset without a word, as after a triple fault.
machine_failed() {
        grep -qs 'watchdog: BUG: soft lockup' "$build"/lab-logs/*/console.log && return
        grep -q 'the lab host went off .*: nobody asked it to' "$build/lab-report" &&
                ! grep -qs 'Kernel panic' "$build"/lab-logs/*/console.log
}

# That says nothing of us, so such a lab is run once more, whole; any other failure stands.
run_lab() {
        heading 'lab'
        lab_once "$build/lab-logs"
        if [ "$lab_failed" -gt 0 ] && machine_failed; then
                heading 'lab, once more: the emulated machine failed'
                lab_once "$build/lab-logs-again"
        fi
        count "$lab_passed" "$lab_failed"
}

"$here/install-packages.sh"
configure_and_build
run_meson_tests
check_scripts
run_lab

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
