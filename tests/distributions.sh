#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/distributions.sh [--commit COMMIT] [--unit] [--bus] [--lab] [--package] [--document] [SUITE…]
#
# Builds a commit (HEAD) in a root of each Debian suite (trixie, if none is named), and runs there what is asked for: unit tests
# (also if nothing is), those on a private bus, the main scenarios of the lab in a lab host of that suite, the build of the package
# (tests/packages.sh). A warning of the compiler counts as a failure. Roots have this machine's kernel, lab hosts that of the suite.
# For each suite a line of docs/distributions.md is printed, and with --document written there: it names the commit, and what was
# not run this time is as an earlier run of that commit left it. So a line can be filled in step by step; what is built already is
# not built again. The last line says "N passed, N failed". Install tests/install-packages.sh's packages first.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
build=${USHER_BUILD:-$top/build}
document=$top/docs/distributions.md
units=(base core edge engine api client)
passed=0 failed=0
# shellcheck source=suites.sh
. "$here/suites.sh"

# scenarios SUITE
# The main ones; of a suite that changes from day to day the very first alone.
scenarios() {
        case $1 in
                sid) echo guest-gpu ;;
                *) printf '%s\n' guest-gpu boot-guest daemon-restart holders drift hot-plug shares companions ;;
        esac
}

# versions SUITE
# Cells of the table: what the suite has of that which usher is built of or works with.
versions() {
        # shellcheck disable=SC2016 # for the shell inside
        suite_inside "$1" "$build-$1" sh -c '
                gcc -dumpversion
                pkg-config --modversion glib-2.0 libsystemd
                qemu-system-x86_64 --version | sed -n "s/.*version \([^ ]*\).*/\1/p"' | sed 's/.*/ & |/' | tr -d '\n'
}

# compiles SUITE
# A second run of a commit has nothing to compile, so what the compiler said is kept.
compiles() {
        local status=0
        suite_build "$1" "$build-$1" || status=$?
        cat "$build-$1/compile.log" >>"$build-$1/compiled.log"
        return $status
}

# silent SUITE
# The compiler had nothing to say. What ninja says of its own files, after it was killed, is not the compiler's.
silent() {
        [ -s "$build-$1/compiled.log" ] && ! grep -v '^ninja: ' "$build-$1/compiled.log" | grep -E 'warning:|error:'
}

# tests_pass SUITE TESTS…
tests_pass() {
        local suite=$1 arguments=() name
        shift
        for name in "$@"; do arguments+=(--suite "$name"); done
        suite_inside "$suite" "$build-$suite" meson test -C /build --no-rebuild --print-errorlogs "${arguments[@]}"
}

# package_builds SUITE
# Once: the lab wants it, too.
package_builds() {
        [ -e "$build-$1/packages/good" ] ||
                { suite_package "$1" "$build-$1/packages" && touch "$build-$1/packages/good"; }
}

# asked_for PART
asked_for() {
        [[ " ${parts[*]} " == *" $1 "* ]]
}

# lab_passes SUITE
# The package's scenario comes along if the package was asked for, too.
lab_passes() {
        local stage=$build-$1/lab-stage names packages=()
        mapfile -t names < <(scenarios "$1")
        if asked_for package; then
                package_builds "$1" || return
                names+=(package) packages=(--packages "$build-$1/packages")
        fi
        rm -rf "$stage"
        suite_install "$1" "$build-$1" "$stage" &&
                "$suites_top/tests/lab/run.sh" --suite "$1" --destdir "$stage" "${packages[@]}" \
                        --logs "$build-$1/lab-logs" "${names[@]}"
}

# prepare SUITE
# The sources of the commit, and a folder to build in: that of an earlier run, if it was of the same. What is tested stays as it is
# while somebody works on.
prepare() {
        suites_top=$build-$1/source
        [ "$(cat "$build-$1/commit" 2>/dev/null)" != "$commit" ] || return 0
        rm -rf "$build-$1"
        mkdir -p "$suites_top" && git -C "$top" archive "$commit" | tar -x -C "$suites_top" && echo "$commit" >"$build-$1/commit"
}

# cell SUITE NUMBER
# What the document's line of the suite has there, if it is of this commit.
cell() {
        awk -F ' *[|] *' -v suite="$1" -v commit="$commit" -v number="$2" '
                $2 == suite && $3 == commit { value = $number }
                END { print value == "" ? "not run" : value }' "$document"
}

# outcome WHAT COMMAND…
# Adds a cell to the suite's line, and counts.
outcome() {
        local what=$1
        shift
        if "$@"; then
                echo "ok - $what"
                passed=$((passed + 1)) line+=" yes |"
        else
                echo "not ok - $what"
                failed=$((failed + 1)) line+=" **no** |"
        fi
}

# part SUITE NAME NUMBER WHAT COMMAND…
# The same, if that part was asked for; else what there was.
part() {
        local suite=$1 name=$2 number=$3
        shift 3
        if asked_for "$name"; then
                outcome "$suite: $1" "${@:2}" "$suite"
        else
                line+=" $(cell "$suite" "$number") |"
        fi
}

# tests_on_a_bus_pass SUITE, unit_tests_pass SUITE
tests_on_a_bus_pass() { tests_pass "$1" bus; }
unit_tests_pass() { tests_pass "$1" "${units[@]}"; }

# try SUITE
# Sets `line`.
try() {
        line="| $1 | $commit |"
        if ! prepare "$1" || ! suite_root_make "$1"; then
                echo "not ok - $1: its root cannot be made"
                failed=$((failed + 1)) line=
                return
        fi
        line+=$(versions "$1")
        outcome "$1: usher is built" compiles "$1"
        outcome "$1: the compiler warns of nothing" silent "$1"
        part "$1" unit 10 'the unit tests pass' unit_tests_pass
        part "$1" bus 11 'the tests on a bus pass' tests_on_a_bus_pass
        part "$1" lab 12 'the main scenarios of the lab pass' lab_passes
        part "$1" package 13 'the package is built' package_builds
}

# write_down LINE
# In the place of the suite's line, or after the last one.
write_down() {
        local suite
        suite=$(cut -d' ' -f2 <<<"$1")
        awk -v line="$1" -v suite="$suite" '
                $1 == "|" && $2 == suite { print line; written = 1; next }
                /^\|/ { table = 1 }
                table && !/^\|/ && !written { print line; written = 1 }
                { print }
                END { if (!written) print line }' "$document" >"$document.new"
        cat "$document.new" >"$document"
        rm "$document.new"
}

commit=HEAD parts=() written=''
while [[ ${1:-} == --* ]]; do
        case $1 in
                --commit) commit=$2; shift ;;
                --unit | --bus | --lab | --package) parts+=("${1#--}") ;;
                --document) written=yes ;;
                *) sed -n '4s/^# /usage: /p' "$0" >&2; exit 2 ;;
        esac
        shift
done
[ ${#parts[@]} -gt 0 ] || parts=(unit)
commit=$(git -C "$top" rev-parse --verify --short=12 "$commit^{commit}")
lines=()
for suite in "${@:-trixie}"; do
        try "$suite"
        [ -n "$line" ] || continue
        lines+=("$line")
        [ -z "$written" ] || write_down "$line"
done
printf '\n| suite | commit | gcc | glib | systemd | QEMU | builds | no warning | unit tests | bus tests | lab scenarios | package |\n'
printf '|---|---|---|---|---|---|---|---|---|---|---|---|\n'
[ ${#lines[@]} -eq 0 ] || printf '%s\n' "${lines[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
