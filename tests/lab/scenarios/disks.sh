#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A guest has a disk of the host for itself, or is refused with who uses it, before anything is touched.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

disk=$(basename "$(echo "/sys/bus/pci/devices/$NVME"/nvme/nvme*/nvme*n1)")
# The stable name that udev gave it.
name=$(find /dev/disk/by-id -name 'nvme-QEMU*' -lname "*/$disk" | sort | head -n 1)
before=$(host_snapshot)

# guest_with PATH [LINE…]: the guest that gets a device, too, so that a refusal has something to leave alone
guest_with() {
        local path=$1
        shift
        {
                printf '[CPU]\nCores=1\n[Memory]\nSize=256M\n[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' \
                        "$GUEST_KERNEL" "$GUEST_INITRD" "$GUEST_APPEND"
                printf '[PCI gpu]\nAddress=%s\n[Disk data]\nPath=%s\nFormat=raw\n' "$GPU" "$path"
                [ $# -eq 0 ] || printf '%s\n' "$@"
        } | define_guest disk
}

same() {
        [ "$(host_snapshot)" = "$before" ] && [ "$(guest_pid disk)" = 0 ]
}

expect_match "udev has a name for the disk that stays" "$name" "^/dev/disk/by-id/nvme-QEMU"

guest_with "/dev/$disk"
refused "A name that does not stay is refused, and the one to write is told" \
        "Path=/dev/$disk may be another disk after the next boot; write a name that stays the same: Path=/dev/disk/by-id/" usherctl start disk

guest_with "$name"
mkfs.ext4 -q -F "/dev/$disk"
mkdir -p /mnt/lab
mount "/dev/$disk" /mnt/lab
refused "A disk that is mounted is refused with where" "$disk is needed by the host: mounted at /mnt/lab" usherctl start disk
refused "By a dry run in the same words" "$disk is needed by the host: mounted at /mnt/lab" usherctl start --dry-run disk
it "Nothing was touched for it" same
umount /mnt/lab

mkswap "/dev/$disk" >/dev/null
swapon "/dev/$disk"
refused "A disk that is swapped to is refused" "$disk is needed by the host: swap" usherctl start disk
swapoff "/dev/$disk"

# Two partitions of 20 MB, as a partition table of the PC's has them: type 83, from sectors 2048 and 43008 on.
wipefs -qa "/dev/$disk"
{
        printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\240\0\0'
        printf '\0\0\0\0\203\0\0\0\0\250\0\0\0\240\0\0'
        head -c 32 /dev/zero
        printf '\125\252'
} | dd of="/dev/$disk" bs=1 seek=446 conv=notrunc,fsync status=none
blockdev --rereadpt "/dev/$disk"
udevadm settle
mkfs.ext4 -q -F "/dev/${disk}p2"
mount "/dev/${disk}p2" /mnt/lab
refused "A disk of which a partition is mounted is refused" "${disk}p2 is needed by the host: mounted at /mnt/lab" usherctl start disk
guest_with "$name-part2"
refused "So is the partition" "${disk}p2 is needed by the host: mounted at /mnt/lab" usherctl start disk
guest_with "$name-part1"
it "The other partition is not" usherctl start disk
it "It ends" usherctl kill disk
umount /mnt/lab
guest_with "$name"

echo "0 $(blockdev --getsz "/dev/${disk}p1") linear /dev/${disk}p1 0" | dmsetup create lab-linear
refused "A disk that something is built upon is refused with what" "dm-[0-9]+ on ${disk}p1 of $disk is in use" usherctl start disk
dmsetup remove lab-linear
it "The host is as it was" same

it "A disk that nobody uses is lent" usherctl start disk
it "The guest runs" wait_until 120 guest_said disk 'usher-guest: ready'
cannot_mount() {
        ! mount "/dev/${disk}p2" /mnt/lab
}
it "The host cannot mount it any more" cannot_mount
guest_with "$name" && sed 's/\[PCI gpu\]/[PCI usb]/; s/^Address=.*/Address='"$EDU"'/' /etc/usher/guests/disk.guest | define_guest second
systemctl reload usherd 2>/dev/null || usherctl reload
refused "Another guest is refused with the name of the one that has it" "is in use by guest disk; stop that guest first" usherctl start second
systemctl restart usherd
refused "Also after a restart of usherd" "is in use by guest disk; stop that guest first" usherctl start second
it "It ends" usherctl kill disk
it "The host can mount it again" mount "/dev/${disk}p2" /mnt/lab
umount /mnt/lab
it "All is as before" same
rm -f /etc/usher/guests/second.guest
wipefs -qa "/dev/$disk"
finished
