# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the part of the lab that does not change with the project: a Debian of
# a suite with its disk image, kernel and initrds. Sourced by build.sh.

. "$(dirname "${BASH_SOURCE[0]}")/../suites.sh"

# The suite of a lab host when none is named.
# shellcheck disable=SC2034 # for those that source this
base_suite=bookworm

# What nobody reads in it.
base_excluded=(
        --dpkgopt='path-exclude=/usr/share/doc/*'
        --dpkgopt='path-exclude=/usr/share/locale/*'
        --dpkgopt='path-exclude=/usr/share/man/*'
)

# base_path HERE SUITE
# Prints where the base belongs: its name holds a hash of all that it is made
# of, so that a change makes another.
base_path() {
        local key
        key=$(cd "$1" && cat packages.inner packages.module base.sh initrd.sh \
                inside/{host-init,guest-init,usher-lab.service} inside/modules/* | sha256sum)
        echo "${USHER_LAB_CACHE:-/var/cache/usher-lab}/base-$2-${key:0:16}"
}

# base_build HERE SUITE BASE
base_build() {
        local here=$1 suite=$2 base=$3 work release
        work=$(mktemp -d "$base.XXXXXX")
        # shellcheck disable=SC2064 # the value of now
        trap "rm -rf '$work'" EXIT
        base_install "$here" "$suite" "$work/rootfs"
        base_modules "$here" "$suite" "$work"
        base_configure "$here" "$work/rootfs"
        release=$(cd "$work/rootfs/lib/modules" && echo *)
        base_vmlinux "$work/rootfs/boot/vmlinuz-$release" "$work/vmlinux"
        initrd_make "$work/rootfs" "$release" "$here/inside/host-init" "$work/initrd.cpio" \
                virtio_pci virtio_blk ext4 crc32c_generic
        initrd_make "$work/rootfs" "$release" "$here/inside/guest-init" "$work/guest.cpio" \
                button evdev pvpanic-pci
        install -D -m 0644 -t "$work/rootfs/usr/lib/usher-lab" "$work/guest.cpio"
        install -D -m 0644 "$work/vmlinux" "$work/rootfs/usr/lib/usher-lab/vmlinuz"
        mke2fs -q -t ext4 -L usher-lab -d "$work/rootfs" "$work/disk.img" 3G
        rm -rf "$work/rootfs"
        chmod 0755 "$work"
        mv "$work" "$base"
        trap - EXIT
}

# base_install HERE SUITE ROOTFS
base_install() {
        INITRD=No suite_debian "$2" "$(suite_packages "$2" "$1/packages.inner" | paste -sd,)" "$3" --variant=minbase \
                "${base_excluded[@]}"
}

# base_modules HERE SUITE WORK
# The lab host's own modules (inside/modules), against the headers of the very
# kernel that it has. What compiles them is only unpacked: seconds, not a minute,
# and nothing of it stays. From Debian 13 on packages have their files in /usr
# alone, and expect the links to it. Since Linux 7 objtool reads its limits.
base_modules() {
        local here=$1 suite=$2 rootfs=$3/rootfs builder=$3/builder release packages
        release=$(cd "$rootfs/lib/modules" && echo *)
        packages=$(suite_packages "$suite" "$here/packages.module" | paste -sd,)
        # shellcheck disable=SC2016 # $1 is for the hook's shell
        suite_debian "$suite" "$packages,linux-headers-$release" "$builder" --variant=extract \
                --setup-hook='for d in bin lib lib64 sbin; do mkdir -p "$1/usr/$d" && ln -s "usr/$d" "$1/$d"; done'
        cp -r "$here/inside/modules" "$builder/modules"
        mkdir -p "$builder/proc"
        # mawk is awk by an alternative, which would have had to be set up.
        # shellcheck disable=SC2016 # $1 is for the shell inside
        unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$builder" \
                /usr/bin/make -s -C "/usr/src/linux-headers-$release" M=/modules AWK=mawk modules >&2
        install -D -m 0644 -t "$rootfs/lib/modules/$release/extra" "$builder"/modules/*.ko
        chroot "$rootfs" depmod "$release"
        rm -rf "$builder"
}

# base_vmlinux VMLINUZ OUTPUT
# Debian's kernel is packed with xz, from 13 on with zstd; unpacking it takes an
# emulated CPU many seconds, and QEMU boots the ELF file inside just as well (PVH).
base_vmlinux() {
        base_unpack '\xfd7zXZ\x00' "$1" "$2" xz --decompress --single-stream --stdout ||
                base_unpack '\x28\xb5\x2f\xfd' "$1" "$2" zstd --decompress --stdout
}

# base_unpack MAGIC VMLINUZ OUTPUT COMMAND…
# What follows the packed part is not for the command, which complains of it.
base_unpack() {
        local magic=$1 from=$2 to=$3 offset
        shift 3
        offset=$(LC_ALL=C grep -aboP -m1 "$magic" "$from" | head -n1 | cut -d: -f1)
        [ -n "$offset" ] || return 1
        tail -c "+$((offset + 1))" "$from" | "$@" >"$to" 2>/dev/null || true
        [ "$(head -c4 "$to" | tr -d '\0')" = $'\x7fELF' ]
}

# base_configure HERE ROOTFS
base_configure() {
        local here=$1 rootfs=$2 unit
        rm -f "$rootfs"/boot/initrd.img-*
        echo lab >"$rootfs/etc/hostname"
        echo '127.0.0.1 localhost lab' >"$rootfs/etc/hosts"
        echo 75736865722d6c61622d6c61622d6c61 >"$rootfs/etc/machine-id"
        chroot "$rootfs" passwd --quiet --delete root

        # Work for a machine that lives longer than this one, or has more in it.
        for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
                e2scrub_all.timer e2scrub_reap.service fstrim.timer \
                ldconfig.service proc-sys-fs-binfmt_misc.automount systemd-binfmt.service \
                systemd-firstboot.service systemd-hwdb-update.service \
                systemd-journal-catalog-update.service systemd-journal-flush.service \
                systemd-network-generator.service systemd-networkd-wait-online.service \
                systemd-pstore.service systemd-random-seed.service \
                systemd-rfkill.socket systemd-timesyncd.service \
                systemd-update-utmp.service systemd-update-utmp-runlevel.service \
                dev-mqueue.mount sys-kernel-debug.mount \
                sys-kernel-tracing.mount sys-fs-fuse-connections.mount; do
                ln -sf /dev/null "$rootfs/etc/systemd/system/$unit"
        done

        # Big modules that the lab has no card for: amdgpu tries itself on every
        # Radeon, and systemd-networkd asks for wireless.
        cat >"$rootfs/etc/modprobe.d/lab.conf" <<'EOF'
blacklist amdgpu
install cfg80211 /bin/false
EOF

        # The card that carries the default route: QEMU's user network, without
        # the wait for DHCP.
        cat >"$rootfs/etc/systemd/network/lab.network" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:05
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
IPv6AcceptRA=no
LinkLocalAddressing=no
EOF
        chroot "$rootfs" systemctl --quiet enable systemd-networkd.service

        install -D -m 0644 /dev/stdin "$rootfs/etc/systemd/system/serial-getty@ttyS0.service.d/lab.conf" <<'EOF'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200 %I $TERM
EOF
        install -m 0644 -t "$rootfs/etc/systemd/system" "$here/inside/usher-lab.service"
        chroot "$rootfs" systemctl --quiet enable usher-lab.service
        # Up to date as far as systemd is concerned, until a project comes.
        touch "$rootfs/etc/.updated"
}
