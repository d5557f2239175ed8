#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds everything and runs every test: unit, bus, lab. tests/distributions.sh does the same in other suites of Debian.
# Installs what is missing first. The last line says "N passed, N failed"; a skip counts as a failure. Logs stay in
# $USHER_BUILD (default build/) and its lab-logs.

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

# Who takes from whom, held against docs/design.md, and the prose.
check_house() {
        heading 'the house and its words'
        local check
        for check in house.py words.py; do
                if "$here/$check"; then count 1 0; else count 0 1; fi
        done
}

check_format() {
        heading 'the layout of sources'
        if (cd "$top" && git ls-files -z 'client/*.[ch]' 'daemon/*.[ch]' | xargs -0 clang-format --dry-run -Werror); then
                count 1 0
        else
                count 0 1
        fi
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
        done < <(git -C "$top" ls-files '*.sh' .ci/run packaging/usher-lent systemd/usher-generator.in | sed "s|^|$top/|")
}

# count_report COMMAND…
# Runs a script whose last line says "N passed, N failed", and adds its numbers.
count_report() {
        local report=$build/report line
        "$@" | tee "$report" || true
        line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$report" | tail -n 1 || true)
        # shellcheck disable=SC2046 # two numbers
        count $(sed -E 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/' <<<"${line:-0 passed, 1 failed}")
}

check_packages() {
        heading 'packages'
        count_report "$here/packages.sh" --output "$build/packages"
}

run_lab() {
        heading 'lab'
        rm -rf "$build/lab-logs"
        count_report "$here/lab/run.sh" --timeout 600 --builddir "$build" --packages "$build/packages" --logs "$build/lab-logs"
}

"$here/install-packages.sh"
configure_and_build
run_meson_tests
check_house
check_format
check_scripts
check_packages
run_lab

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
