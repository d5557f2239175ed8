#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A file server that never answers: a guest's file there is named and refused, its devices stay with the host,
# and nobody else waits.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe fuse
modprobe vfio-pci
mkdir -p /mnt/dead
usherd=$(systemctl show -P MainPID usherd)
before=$(host_snapshot)

# FUSE without anybody who reads from /dev/fuse: whoever touches a path below waits in the kernel.
exec 9<>/dev/fuse
it "A mount that nobody serves comes up" mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0,allow_other dead /mnt/dead

# guest_with LINE…: the guest that gets a device, too, so that a refusal has something to leave alone
guest_with() {
        {
                printf '[CPU]\nCores=1\n[Memory]\nSize=256M\n[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' \
                        "$GUEST_KERNEL" "$GUEST_INITRD" "$GUEST_APPEND"
                printf '[PCI gpu]\nAddress=%s\n' "$GPU"
                printf '%s\n' "$@"
        } | define_guest dead
}
same() {
        [ "$(host_snapshot)" = "$before" ] && [ "$(guest_pid dead)" = 0 ]
}
# While somebody waits for the dead server, everybody else is answered within two seconds.
others_are_answered() {
        local pid

        usherctl start --dry-run dead >/dev/null 2>&1 &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
                timeout 2 usherctl list >/dev/null || return 1
        done
}

none_hangs() {
        ! pgrep -r D -f usher-bind
}

guest_with 'ROM=/mnt/dead/rom'
it "Who asks for others meanwhile is answered" others_are_answered
refused "A ROM that does not answer is named" "\[PCI gpu\] ROM=/mnt/dead/rom does not answer \(a dead NFS or FUSE mount\?\)" \
        runuser -u nobody -- usherctl start --dry-run dead
refused "By a start in the same words" "\[PCI gpu\] ROM=/mnt/dead/rom does not answer" usherctl start dead
guest_with '[Share docs]' 'Path=/mnt/dead/docs'
refused "So is a share" "\[Share docs\] Path=/mnt/dead/docs does not answer" usherctl start dead
guest_with '[Disk data]' 'Path=/mnt/dead/a.img' 'Format=raw'
refused "So is a disk, by who only checks" "\[Disk data\] Path=/mnt/dead/a.img does not answer" usherctl validate dead
refused "And by a start" "\[Disk data\] Path=/mnt/dead/a.img does not answer" usherctl start dead
it "No device has left its driver" same
expect_eq "usherd is the same process" "$(systemctl show -P MainPID usherd)" "$usherd"

exec 9>&-
umount /mnt/dead
refused "When the mount has gone, what is missing is told" "\[Disk data\] Path=/mnt/dead/a.img" usherctl start dead
# The helpers have come back from the kernel.
it "No helper hangs any more" wait_until 30 none_hangs
finished
