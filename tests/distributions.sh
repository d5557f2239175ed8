#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/distributions.sh [--bus] [SUITE…]
#
# Builds the committed sources in a root of each Debian suite (trixie, if none is named) and runs the unit tests there; with
# --bus, those on a private bus, too. A warning of the compiler counts as a failure. The kernel is this machine's. Roots are made
# by mmdebstrap from the mirror that apt is set up with, and kept in $USHER_ROOTS (/var/cache/usher-roots). For each suite a line
# of docs/distributions.md is printed; the last line says "N passed, N failed". Install tests/install-packages.sh's packages first.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
roots=${USHER_ROOTS:-/var/cache/usher-roots}
units=(base core edge engine api client)
passed=0 failed=0

# packages SUITE
# What the tests need on Debian 12, and what Debian split off later: systemd.pc, QEMU's SPICE, virtiofsd.
packages() {
        local names
        names=$(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$here/packages" | grep -vxE 'clang-format|shellcheck|valgrind')
        [ "$1" = bookworm ] || names+=$'\nsystemd-dev\nqemu-system-modules-spice\nvirtiofsd'
        paste -sd, <<<"$names"
}

# mirror
# The first of Debian's that apt knows.
mirror() {
        # shellcheck disable=SC2016 # for apt to expand
        apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | head -n 1
}

# root_name SUITE
# Another list of packages is another root.
root_name() {
        echo "$roots/$1-$(packages "$1" | sha256sum | cut -c1-12)"
}

# make_root SUITE
# Under another name first: half a root is never taken for one.
make_root() {
        local root
        root=$(root_name "$1")
        if [ ! -d "$root" ]; then
                rm -rf "$roots/$1"-* && mkdir -p "$roots"
                mmdebstrap --quiet --variant=minbase --include="$(packages "$1")" "$1" "$root.new" "$(mirror)" && mv "$root.new" "$root"
        fi
        rm -rf "$root/src" && mkdir "$root/src" && git -C "$top" archive HEAD | tar -x -C "$root/src"
}

# inside SUITE COMMAND…
# In the suite's root, which is a mount there as tests expect it of /, in the folder of the sources, with a /run and a /tmp that
# nobody else sees.
inside() {
        local root
        root=$(root_name "$1")
        shift
        # shellcheck disable=SC2016 # for the shell inside
        unshare --mount --propagation slave /bin/sh -c '
                mount --bind "$1" "$1" && mount -t tmpfs tmpfs "$1/run" && mount -t tmpfs tmpfs "$1/tmp" || exit
                for d in proc sys dev; do mount --rbind "/$d" "$1/$d" || exit; done
                exec chroot "$1" /bin/sh -c "cd /src && exec \"\$@\"" "$@"' sh "$root" "$@"
}

# builds SUITE LOG
builds() {
        inside "$1" meson setup build --prefix=/usr --sysconfdir=/etc --localstatedir=/var >/dev/null && inside "$1" ninja -C build >"$2" 2>&1
}

# silent LOG
# The compiler had nothing to say.
silent() {
        ! grep -E 'warning:|error:' "$1"
}

# tests_pass SUITE TESTS…
tests_pass() {
        local suite=$1 arguments=() name
        shift
        for name in "$@"; do arguments+=(--suite "$name"); done
        inside "$suite" meson test -C build --no-rebuild --print-errorlogs "${arguments[@]}"
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

bus=
if [ "${1:-}" = --bus ]; then
        bus=yes
        shift
fi
lines=()
for suite in "${@:-trixie}"; do
        line="| $suite |" log=$(mktemp)
        if ! make_root "$suite"; then
                echo "not ok - $suite: its root cannot be made"
                failed=$((failed + 1))
                continue
        fi
        versions=$(inside "$suite" sh -c 'gcc -dumpversion; pkg-config --modversion glib-2.0 libsystemd; qemu-system-x86_64 --version | sed -n "s/.*version \([^ ]*\).*/\1/p"' | paste -sd' ')
        line+=" ${versions// / | } |"
        outcome "$suite: usher is built" builds "$suite" "$log"
        outcome "$suite: the compiler warns of nothing" silent "$log"
        outcome "$suite: the unit tests pass" tests_pass "$suite" "${units[@]}"
        [ -z "$bus" ] || outcome "$suite: the tests on a bus pass" tests_pass "$suite" bus
        [ -n "$bus" ] || line+=" not run |"
        lines+=("$line")
        rm -f "$log"
done
printf '\n%s\n' '| suite | gcc | glib | systemd | QEMU | builds | no warning | unit tests | bus tests |' '|---|---|---|---|---|---|---|---|---|' "${lines[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
