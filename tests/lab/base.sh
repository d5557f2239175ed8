# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the part of the lab that does not change with the project: a Debian 12
# with its disk image, kernel and initrds. Sourced by build.sh.

# base_path HERE
# Prints where the base belongs: its name holds a hash of all that it is made
# of, so that a change makes another.
base_path() {
        local key
        key=$(cd "$1" && cat packages.inner packages.module base.sh initrd.sh \
                inside/{host-init,guest-init,usher-lab.service} inside/modules/* | sha256sum)
        echo "${USHER_LAB_CACHE:-/var/cache/usher-lab}/base-${key:0:16}"
}

# base_build HERE BASE
base_build() {
        local here=$1 base=$2 work release
        work=$(mktemp -d "$2.XXXXXX")
        # shellcheck disable=SC2064 # the value of now
        trap "rm -rf '$work'" EXIT
        base_install "$here" "$work/rootfs"
        base_modules "$here" "$work"
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

# base_install HERE ROOTFS
base_install() {
        # shellcheck disable=SC2016 # $1 is for the hook's shell
        base_debian "$(base_packages "$1/packages.inner")" "$2" --variant=minbase \
                --dpkgopt=force-confold \
                --essential-hook='mkdir -p "$1/etc/initramfs-tools"' \
                --essential-hook='echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"'
}

# base_modules HERE WORK
# The lab host's own modules (inside/modules), against the headers of the very
# kernel that it has. What compiles them is only unpacked: seconds, not a minute,
# and nothing of it stays.
base_modules() {
        local here=$1 rootfs=$2/rootfs builder=$2/builder release
        release=$(cd "$rootfs/lib/modules" && echo *)
        base_debian "$(base_packages "$here/packages.module"),linux-headers-$release" "$builder" --variant=extract
        cp -r "$here/inside/modules" "$builder/modules"
        # mawk is awk by an alternative, which would have had to be set up.
        chroot "$builder" /usr/bin/make -s -C "/usr/src/linux-headers-$release" M=/modules AWK=mawk modules >&2
        install -D -m 0644 -t "$rootfs/lib/modules/$release/extra" "$builder"/modules/*.ko
        chroot "$rootfs" depmod "$release"
        rm -rf "$builder"
}

# base_packages FILE: the packages that it lists, as mmdebstrap wants them
base_packages() {
        sed '/^#/d' "$1" | paste -sd,
}

# base_debian PACKAGES ROOTFS OPTION…
base_debian() {
        local packages=$1 rootfs=$2 sources
        shift 2
        mapfile -t sources < <(base_sources)
        mmdebstrap --quiet "$@" \
                --aptopt='APT::Install-Recommends "false"' \
                --aptopt='Acquire::Check-Valid-Until "false"' \
                --aptopt='Acquire::Check-Date "false"' \
                --dpkgopt='path-exclude=/usr/share/doc/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' \
                --dpkgopt='path-exclude=/usr/share/man/*' \
                --include="$packages" bookworm "$rootfs" "${sources[@]}" </dev/null
}

# Prints the apt sources to use: on a Debian 12 its own, for they are known to
# be reachable; mmdebstrap's default elsewhere (nothing printed).
base_sources() {
        local file
        if [ -n "${USHER_LAB_MIRROR:-}" ]; then
                echo "$USHER_LAB_MIRROR"
        elif grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
                for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
                        [ ! -s "$file" ] || echo "$file"
                done
        fi
}

# base_vmlinux VMLINUZ OUTPUT
# Debian's kernel is packed with xz; unpacking it takes an emulated CPU many
# seconds, and QEMU boots the ELF file inside just as well (PVH).
base_vmlinux() {
        local offset
        offset=$(LC_ALL=C grep -aboP -m1 '\xfd7zXZ\x00' "$1" | head -n1 | cut -d: -f1)
        tail -c "+$((offset + 1))" "$1" | xz --decompress --single-stream --stdout >"$2" || true
        [ "$(head -c4 "$2")" = $'\x7fELF' ]
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
