#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# install.sh FOLDER: installs a small Linux from Debian's packages onto a disk, as FOLDER/linux.qcow2: a partition that
# UEFI boots from, with systemd-boot, kernel and initrd, and one with the system, in which busybox plays init and
# shell, and qemu-guest-agent runs. The kernel is that of the lab (tests/lab/build.sh), which is made if it is not there.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=$(cd "$here/../../lab" && pwd)
folder=$1
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=../../lab/base.sh
. "$lab/base.sh"
# shellcheck source=../../lab/initrd.sh
. "$lab/initrd.sh"

work=$(mktemp -d -p "$folder")
trap 'rm -rf "$work"' EXIT
"$lab/build.sh" --no-project --output "$work/nothing"
image=$(base_path "$lab" "$base_suite")/disk.img
release=$(debugfs -R 'ls -p /lib/modules' "$image" 2>/dev/null | cut -d/ -f6 | grep '^[0-9]')
modules=/lib/modules/$release number=100

# fetch FILE…: out of the lab's disk, to the same place below $work/fetched; nobody has to mount it for that.
fetch() {
        local file
        for file; do
                mkdir -p "$work/fetched/${file%/*}"
                echo "dump \"$file\" \"$work/fetched/$file\""
        done | debugfs -f /dev/stdin "$image" >/dev/null 2>&1
}

# needed MODULE…: the files of modules and of what they need, in the order of loading. Not by modprobe, which thinks of what
# the kernel of this machine has built in.
needed() {
        awk -v names="$*" '
                {
                        name = $1
                        gsub(/.*\/|\.ko:$/, "", name)
                        gsub("-", "_", name)
                        files[name] = $0
                }
                END {
                        n = split(names, wanted, " ")
                        for (i = 1; i <= n; i++)
                                for (j = split(files[wanted[i]], file, ":? "); j > 0; j--) {
                                        sub(/:$/, "", file[j])
                                        print file[j]
                                }
                }' "$work/fetched/$modules/modules.dep"
}

# modules ROOT MODULE…: into ROOT/modules, named so that they are loaded in order; those that are somewhere already not again.
modules() {
        local root=$1 file
        shift
        mkdir -p "$root/modules"
        while read -r file; do
                [ ! -e "$work/fetched/$modules/$file" ] || continue
                fetch "$modules/$file"
                cp "$work/fetched/$modules/$file" "$root/modules/$((number++))-${file##*/}"
        done < <(needed "$@")
}

# The initrd: as much as it takes to mount the system.
make_initrd() {
        mkdir -p "$work/initrd"/{bin,dev,proc,system}
        cp /bin/busybox "$work/initrd/bin/"
        install -m 0755 "$here/initrd-init" "$work/initrd/init"
        modules "$work/initrd" virtio_pci virtio_blk ext4 crc32c_generic
        initrd_pack "$work/initrd" "$work/initrd.cpio"
}

make_system() {
        local file root=$work/system
        mkdir -p "$root"/{bin,dev,etc,mnt,proc,root,run,sbin,srv,sys,tmp,var}
        cp /bin/busybox "$root/bin/"
        for file in $(busybox --list); do
                [ -e "$root/bin/$file" ] || ln -s busybox "$root/bin/$file"
        done
        install -m 0755 "$here/init" "$root/sbin/init"
        install -m 0755 "$here/shutdown" "$here/dhcp" "$root/sbin/"
        # The agent and what it is linked with, the loader under the name that it is known by.
        for file in /usr/sbin/qemu-ga $(ldd /usr/sbin/qemu-ga | grep -o '/[^ ]*'); do
                install -D "$(readlink -f "$file")" "$root/$file"
        done
        printf '%s\n' root::0:0::/root:/bin/sh user::1000:1000::/:/bin/sh >"$root/etc/passwd"
        echo 'Hello from the guest.' >"$root/srv/hello"
        modules "$root" virtio_console virtio_net ahci sr_mod 9p 9pnet_virtio virtiofs efivarfs virtio_input evdev virtio_rng
}

make_boot_partition() {
        fetch "/boot/vmlinuz-$release"
        truncate -s 30M "$work/boot.img"
        mkfs.vfat -n BOOT "$work/boot.img" >/dev/null
        printf '%s\n' 'title Linux' 'linux /vmlinuz' 'initrd /initrd' \
                'options console=ttyS0 quiet loglevel=2 nokaslr mitigations=off audit=0 cryptomgr.notests=1 panic=-1' >"$work/linux.conf"
        mmd -i "$work/boot.img" ::EFI ::EFI/BOOT ::loader ::loader/entries
        mcopy -i "$work/boot.img" /usr/lib/systemd/boot/efi/systemd-bootx64.efi ::EFI/BOOT/BOOTX64.EFI
        mcopy -i "$work/boot.img" "$work/linux.conf" ::loader/entries/linux.conf
        mcopy -i "$work/boot.img" "$work/fetched/boot/vmlinuz-$release" ::vmlinuz
        mcopy -i "$work/boot.img" "$work/initrd.cpio" ::initrd
}

# The two partitions at the megabytes 1 and 31.
make_disk() {
        truncate -s 96M "$work/disk.img"
        sfdisk --quiet "$work/disk.img" <<'END'
label: gpt
start=1MiB, size=30MiB, type=uefi
start=31MiB, size=64MiB, type=linux
END
        mke2fs -q -t ext4 -d "$work/system" -E offset=$((31 << 20)) "$work/disk.img" 64M
        dd if="$work/boot.img" of="$work/disk.img" bs=1M seek=1 conv=notrunc status=none
        qemu-img convert -O qcow2 "$work/disk.img" "$folder/linux.qcow2"
}

fetch "$modules/modules.dep"
make_initrd
make_system
make_boot_partition
make_disk
