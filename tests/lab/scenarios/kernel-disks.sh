#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A disk that only the kernel uses keeps its driver, and questions of users who may not take the disk claim
# nothing.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe -a vfio-pci loop nvmet target_core_mod target_core_file
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
disk=$(basename "$(echo "/sys/bus/pci/devices/$NVME"/nvme/nvme*/nvme*n1)")
before=$(host_snapshot)

same() {
        [ "$(host_snapshot)" = "$before" ]
}

driver() {
        basename "$(readlink "/sys/bus/pci/devices/$NVME/driver")"
}

# holds TEXT: usherctl holders says it of the disk's function
holds() {
        usherctl holders --no-pager --no-legend "$NVME" | grep -Eq -e "$1"
}

# kept TEXT REGEX: neither a bind nor its plan takes it, and both say why
kept() {
        refused "$1: a bind is refused" "$2" usherctl bind "$NVME"
        refused "$1: so is its plan" "$2" usherctl bind --dry-run "$NVME"
        expect_eq "$1: the driver is still there" "$(driver)" nvme
        it "$1: the host is as before" same
}

it "Nobody uses the disk" usherctl bind --dry-run "$NVME"

# A file system on another disk, with its journal on this one.
truncate -s 32M /var/tmp/lab-data
mke2fs -q -F -b 4096 -O journal_dev "/dev/$disk"
data=$(losetup -f --show /var/tmp/lab-data)
mke2fs -q -F -b 4096 -J "device=/dev/$disk" "$data"
mkdir -p /mnt/lab
mount "$data" /mnt/lab
kept "A journal" "journal.* on $disk|$disk of $NVME is in use by the kernel"
it "The file system is whole" bash -c 'echo kept >/mnt/lab/file && sync -f /mnt/lab/file && grep -q kept /mnt/lab/file'
it "Who may bind is told of it" holds "journal.* on $disk|kernel +$disk "
umount /mnt/lab
losetup -d "$data"
rm /var/tmp/lab-data
wipefs -q -a "/dev/$disk"

# A file system that is no longer mounted, but lives as long as a process has one of its files open.
mkfs.ext4 -q -F "/dev/$disk"
mount "/dev/$disk" /mnt/lab
sleep infinity >/mnt/lab/file &
sleeper=$!
wait_until 20 grep -q sleep "/proc/$sleeper/comm"
umount -l /mnt/lab
kept "A mount that is gone from every list" "$disk of $NVME is in use by the kernel; find out what uses $disk"
it "Who may bind is told of it, too" holds "kernel +$disk "
define_linux_guest kernel-disk "$NVME"
refused "A guest that wants it does not start" "$disk of $NVME is in use by the kernel" usherctl start kernel-disk
it "The host is as before" same
kill $sleeper
wait $sleeper || true

# Users who have it open without a claim, so that the kernel would let others have the disk.
losetup /dev/loop7 "/dev/$disk"
kept "A loop device" "loop7 on $disk of $NVME is in use"
losetup -d /dev/loop7

subsystem=/sys/kernel/config/nvmet/subsystems/lab
mkdir "$subsystem" "$subsystem/namespaces/1"
echo -n "/dev/$disk" >"$subsystem/namespaces/1/device_path"
echo 1 >"$subsystem/namespaces/1/enable"
kept "An exported namespace" "nvmet lab/1 on $disk of $NVME is in use"
echo 0 >"$subsystem/namespaces/1/enable"
rmdir "$subsystem/namespaces/1" "$subsystem"

lun=/sys/kernel/config/target/core/fileio_0/lab
mkdir -p "$lun"
echo -n "fd_dev_name=/dev/$disk,fd_dev_size=$((64 * 1024 * 1024))" >"$lun/control"
echo 1 >"$lun/enable"
kept "A LUN" "LIO fileio_0/lab on $disk of $NVME is in use"
rmdir "$lun" "${lun%/lab}"

# Questions of a user who may neither bind nor start.
stable=$(find /dev/disk/by-id -lname "*/$disk" | head -n 1)
define_linux_guest_with plain-disk '' '[Disk data]' "Path=$stable" Format=raw
cat >/run/lab-asker <<EOA
#!/bin/bash
while sleep 0.01; do
        busctl call org.usher1 /org/usher1 org.usher1.Manager ListHolders s $NVME && echo holders
        busctl call org.usher1 /org/usher1/guest/plain_2ddisk org.usher1.Guest CheckDisks && echo disks
        busctl call org.usher1 /org/usher1 org.usher1.Manager PlanStart s plain-disk && echo plan
done
EOA
chmod 0755 /run/lab-asker
runuser -u nobody -- /run/lab-asker >/run/lab-asked 2>/run/lab-asker.err &
asker=$!
it "Somebody asks" wait_until 60 grep -q holders /run/lab-asked
failed=0
for _ in {1..150}; do
        if mount "/dev/$disk" /mnt/lab; then umount /mnt/lab; else failed=$((failed + 1)); fi
done
expect_eq "Of 150 mounts none fails while somebody asks" "$failed" 0
it "He was asking all the while" kill -0 $asker
kill $asker
wait $asker || true
it "About holders, again and again" test "$(grep -c holders /run/lab-asked)" -gt 5
# Mostly the answer is that the disk is mounted, as is true at that moment.
it "And about a guest's disks" grep -q -e disks -e "mounted at /mnt/lab" /run/lab-asked /run/lab-asker.err

wipefs -q -a "/dev/$disk"
udevadm settle
it "The host is as before" same
it "The disk is taken when nobody uses it" usherctl bind "$NVME"
it "And given back" usherctl restore "$NVME"
it "The host is as before" same
finished
