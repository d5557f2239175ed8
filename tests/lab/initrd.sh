# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes small initrds: a static busybox, an init script and the kernel modules
# it loads, nothing else. The lab host and the guests inside it each boot one;
# without udev and without compression they cost a slow machine least.
# Sourced by build.sh.

# initrd_modules ROOTFS RELEASE MODULE...
# Prints the files of the modules and of what they need, in the order in which
# insmod must see them, relative to ROOTFS; each once; built-in ones not at all.
initrd_modules() {
        local rootfs=$1 release=$2
        shift 2
        chroot "$rootfs" modprobe --set-version="$release" --show-depends --all "$@" |
                awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# initrd_module FILE COPY
# Debian's are packed from 13 on, and busybox loads none that is.
initrd_module() {
        case $1 in
                *.xz) xz --decompress --stdout "$1" >"${2%.xz}" ;;
                *) install -m 0644 "$1" "$2" ;;
        esac
}

# initrd_make ROOTFS RELEASE INIT OUTPUT MODULE...
initrd_make() {
        local rootfs=$1 release=$2 init=$3 output=$4 stage file i=100
        shift 4
        stage=$(mktemp -d)
        mkdir -p "$stage"/{bin,dev,modules,proc,root,run,sys,tmp}
        install -m 0755 "$rootfs/bin/busybox" "$stage/bin/busybox"
        install -m 0755 "$init" "$stage/init"
        while read -r file; do
                initrd_module "$rootfs$file" "$stage/modules/$i-${file##*/}"
                i=$((i + 1))
        done < <(initrd_modules "$rootfs" "$release" "$@")
        initrd_pack "$stage" "$output"
        rm -rf "$stage"
}

# initrd_pack DIR OUTPUT
# Several such archives may be concatenated into one initrd: padded to 4 bytes,
# as cpio pads to 512, the kernel unpacks one after the other.
initrd_pack() {
        (cd "$1" && find . -print0 | LC_ALL=C sort -z |
                cpio --quiet --null --create --format=newc --owner=0:0) >"$2"
}
