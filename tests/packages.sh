#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/packages.sh [--output FOLDER] [deb]
#
# Builds packages from the committed sources (without a repository, from those that lie there) and checks them. Without a name all
# are built. The Debian package stays in FOLDER, if one is named. Install tests/install-packages.sh's packages first. The last line
# says "N passed, N failed".

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# outcome WHAT COMMAND…
outcome() {
        local what=$1
        shift
        if "$@"; then
                echo "ok - $what"
                passed=$((passed + 1))
        else
                echo "not ok - $what"
                failed=$((failed + 1))
        fi
}

# quietly COMMAND…
# What it said is of interest only if it failed.
quietly() {
        "$@" >"$work/log" 2>&1 || {
                tail -n 40 "$work/log"
                return 1
        }
}

# sources FOLDER
sources() {
        mkdir "$1"
        if [ -e "$top/.git" ]; then
                git -C "$top" archive HEAD
        else
                tar -c -C "$top" --exclude=./build .
        fi | tar -x -C "$1"
}

deb_builds() {
        (cd "$work/usher" && DEB_BUILD_OPTIONS=nocheck quietly dpkg-buildpackage -b -us -uc)
}

deb_pleases_lintian() {
        quietly lintian --allow-root --fail-on error,warning "$work"/usher_*.changes
}

# deb_has PATH…
# The paths end like this: where units go differs between Debian's releases.
deb_has() {
        local path
        dpkg-deb --contents "$work"/usher_*.deb >"$work/contents"
        for path in "$@"; do
                grep -q -- "$path\$" "$work/contents" || {
                        echo "$path is not in the package"
                        return 1
                }
        done
}

# one_version
# Each package says the version that meson says.
one_version() {
        local version
        version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$top/meson.build")
        grep -qF "usher ($version)" "$top/debian/changelog"
}

check_deb() {
        outcome 'The Debian package is built' deb_builds
        outcome 'lintian neither complains nor warns' deb_pleases_lintian
        outcome 'It has programs, manual pages, completions and units' deb_has bin/usherctl \
                libexec/usher/{usherd,usher-bind,usher-launch,usher-lent} \
                man1/usherctl.1.gz man5/usher.guest.5.gz man5/usherd.conf.5.gz man8/usherd.8.gz completions/usherctl \
                systemd/system/{usherd.service,usherd.socket,usher-guest@.service,usher-bind@.service,usher.target,usher.slice} \
                system.d/org.usher1.conf actions/org.usher1.policy
        [ -z "$output" ] || cp "$work"/usher_*.deb "$output/"
}

output=
if [ "${1:-}" = --output ]; then
        mkdir -p "$2"
        output=$(realpath "$2")
        rm -f "$output"/usher_*.deb
        shift 2
fi
sources "$work/usher"
outcome 'All packages have one version' one_version
[ $# -gt 0 ] || set -- deb
for kind in "$@"; do
        "check_$kind"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
