#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A disk with sectors of 4096 bytes that is given whole shows its partitions in the guest, too: the host's scsi_debug plays it, in
# memory. A guest that saw sectors of 512 bytes would find none, and might offer to format it.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

stage=$lab_scratch/initrd
initrd=/var/lib/usher/sectors.cpio
modprobe scsi_debug dev_size_mb=64 sector_size=4096 physblk_exp=0
udevadm settle
name=$(find /dev/disk/by-id -name 'wwn-*' | sort | head -n 1)
expect_match "The host has such a disk, with a name that stays" "$name" '^/dev/disk/by-id/wwn-'
disk=$(basename "$(readlink "$name")")
expect_eq "Its sectors have 4096 bytes" "$(cat "/sys/block/$disk/queue/logical_block_size")" 4096

# Two partitions of 20 MiB, of type 83, from sectors 256 and 5376 on.
{
        printf '\0\0\0\0\203\0\0\0\0\001\0\0\0\024\0\0'
        printf '\0\0\0\0\203\0\0\0\0\025\0\0\0\024\0\0'
        head -c 32 /dev/zero
        printf '\125\252'
} | dd of="/dev/$disk" bs=1 seek=446 conv=notrunc,fsync status=none
blockdev --rereadpt "/dev/$disk"
udevadm settle
expect_match "The host sees both partitions" "$(cat /proc/partitions)" " 20480 ${disk}2$"
mkfs.ext4 -q -F "/dev/${disk}2"
before=$(host_snapshot)

mkdir -p "$stage/mnt"
stage_modules "$stage" virtio_pci virtio_blk ext4 crc32c_generic
cat >"$stage/start" <<'END'
#!/bin/busybox sh
echo "usher-guest: sectors of $(cat /sys/block/vda/queue/logical_block_size) and $(cat /sys/block/vda/queue/physical_block_size)"
sed 's/^/usher-guest: partitions /' /proc/partitions
mount -t ext4 /dev/vda2 /mnt && echo "from the guest" >/mnt/made && umount /mnt && echo "usher-guest: wrote"
END
chmod +x "$stage/start"
extend_initrd "$stage" $initrd

# with LINE…: the guest, its disk as these lines say
with() {
        GUEST_INITRD=$initrd define_linux_guest_with sectors '' \
                '[PCI gpu]' "Address=$GPU" '[Disk data]' "Path=$name" Format=raw "$@"
}

with Bus=virtio-blk
it "The disk is lent" usherctl start sectors
it "The guest is up" wait_until 180 guest_said sectors 'usher-guest: ready'
it "It sees sectors of 4096 bytes" guest_said sectors 'usher-guest: sectors of 4096 and 4096'
it "It sees the first partition" guest_said sectors 'usher-guest: partitions .* 20480 vda1'
it "And the second" guest_said sectors 'usher-guest: partitions .* 20480 vda2'
it "It writes to the file system there" guest_said sectors 'usher-guest: wrote'
it "It ends" usherctl stop sectors
expect_eq "The host is as before" "$(host_snapshot)" "$before"
mkdir -p /mnt/lab
it "The host reads what the guest wrote" bash -c "mount /dev/${disk}2 /mnt/lab && grep -q 'from the guest' /mnt/lab/made"
umount /mnt/lab

with Bus=sata
refused "By SATA it is refused, with the sectors and what to do" \
        "is a disk with sectors of 4096 bytes, and Bus=sata has sectors of 512 bytes alone; choose Bus=virtio-scsi" usherctl start sectors
refused "By a dry run alike" "sectors of 4096 bytes, and Bus=sata has sectors of 512" usherctl start --dry-run sectors
expect_eq "Nothing was touched for it" "$(host_snapshot)" "$before"
rmmod scsi_debug
finished
