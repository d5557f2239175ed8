# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What run.sh and shell.sh share: the options that choose the suite, the kernel
# and the project, and the initrd put together from the lab host's, the project's
# and the scenarios. Sourced by both; expects `here`, `work`, `suite` and `kernel`
# ("" is Debian's), and sets `base` and `boot`, the folders of disk and kernel.

. "$here/base.sh"
. "$here/initrd.sh"
. "$here/kernel.sh"
. "$here/machine.sh"

# boot_prepare BUILD_OPTION…
# With options, as build.sh takes them, the project is packed for this run
# alone; without, it is the one that build.sh packed last.
boot_prepare() {
        local project=${USHER_LAB_CACHE:-/var/cache/usher-lab}/project-$suite.cpio
        base=$(base_path "$here" "$suite")
        boot=$base
        [ -z "$kernel" ] || boot=$(kernel_path "$here" "$kernel")
        if [ $# -gt 0 ]; then
                project=$work/project.cpio
                "$here/build.sh" --suite "$suite" ${kernel:+"--kernel=$kernel"} "$@" --output "$project"
        elif [ ! -e "$base/disk.img" ] || [ ! -e "$boot/vmlinux" ] || [ ! -e "$project" ]; then
                echo "The lab is not built, or not from these files: run" \
                        "$here/build.sh --suite $suite${kernel:+ --kernel=$kernel} --builddir DIR first." >&2
                exit 1
        fi
        cp "$project" "$work/project"
}

# boot_package
# Makes $work/package: instead of the project as meson installs it, its Debian package (from `packages`, else built from what is
# committed), a later version of it, and the README that says what to do with it.
boot_package() {
        local stage lib
        [ ! -e "$work/package" ] || return 0
        if [ -z "$packages" ]; then
                packages=$work/packages
                suite_package "$suite" "$packages" >&2
        fi
        stage=$(mktemp -d -p "$work")
        lib=$stage/overlay/usr/lib/usher-lab/package
        mkdir -p "$lib/later"
        cp "$packages"/usher_*.deb "$lib/"
        cp "$packages"/later/usher_*.deb "$lib/later/"
        cp "$here/../../README.md" "$lib/"
        initrd_pack "$stage" "$work/package"
        rm -rf "$stage"
}

# boot_initrd project|package [FILE…]
# Makes $work/initrd with one of both; the files go beside the scenarios.
boot_initrd() {
        local project=$work/$1 stage lib
        shift
        stage=$(mktemp -d -p "$work")
        lib=$stage/overlay/usr/lib/usher-lab
        mkdir -p "$lib"
        cp -a "$here/scenarios" "$lib/"
        mv "$lib/scenarios/lib.sh" "$lib/"
        install -m 0755 -t "$lib" "$here/inside/run-scenarios" "$here/../bus/flood.py"
        [ $# -eq 0 ] || cp "$@" "$lib/scenarios/"
        initrd_pack "$stage" "$work/scenarios"
        cat "$boot/initrd.cpio" "$project" "$work/scenarios" >"$work/initrd"
        rm -rf "$stage"
}
