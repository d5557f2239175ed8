#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A Linux guest with qemu-guest-agent in it: its addresses, a backup's freeze, reboot and shutdown in order.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

stage=$(mktemp -d)
disk=/var/lib/usher/agent.img
initrd=/var/lib/usher/agent.cpio

# The agent, what it is linked with, and modules for its port, a network card and a disk.
mkdir -p "$stage"/{sbin,mnt,run}
for file in /usr/sbin/qemu-ga $(ldd /usr/sbin/qemu-ga | grep -o '/[^ ]*'); do
        install -D "$(readlink -f "$file")" "$stage/$file"
done
stage_modules "$stage" virtio_pci virtio_console virtio_net virtio_blk ext4 crc32c_generic
cat >"$stage/sbin/shutdown" <<'EOF'
#!/bin/busybox sh
echo "usher-guest: shutdown $*" >/dev/ttyS0
case " $* " in
        *' -r '*) reboot -f ;;
        *) poweroff -f ;;
esac
EOF
cat >"$stage/start" <<'EOF'
#!/bin/busybox sh
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
mount -t ext4 /dev/vda /mnt
while sleep 1; do
        date >/mnt/now && sync && echo "usher-guest: wrote"
done &
/usr/sbin/qemu-ga --daemonize --path /dev/vport*p1 --statedir /run --pidfile /run/qga.pid
EOF
chmod +x "$stage/sbin/shutdown" "$stage/start"
extend_initrd "$stage" $initrd
truncate -s 16M $disk
mkfs.ext4 -q $disk
chmod 644 $disk

GUEST_INITRD=$initrd define_linux_guest_with demo '' '[Disk data]' "Path=$disk" Format=raw '[Network nat]' \
        '[Agent]' Enabled=yes '[Stop]' AgentSec=60s
usherctl reload

shows() {
        usherctl status demo | grep -E -e "$1"
}

up_again() {
        [ "$(guest_console demo | grep -c 'usher-guest: up')" -ge 2 ]
}

writes() {
        guest_console demo | grep -c 'usher-guest: wrote' || true
}

writes_again() {
        [ "$(writes)" -gt "$1" ]
}

it "The guest starts" usherctl start demo
it "It is up" wait_until 180 guest_said demo 'usher-guest: ready'
it "Its agent answers" wait_until 60 shows 'Agent: answers'
it "It tells its address" wait_until 60 shows 'Addresses: 10\.0\.2\.15'

it "It writes to its disk" wait_until 60 guest_said demo 'usher-guest: wrote'
it "Its file system is frozen" usherctl freeze demo
it "That is shown" shows 'State: running \(frozen\)'
sleep 3
frozen=$(writes)
sleep 4
expect_eq "It writes no more" "$(writes)" "$frozen"
it "It is thawed" usherctl thaw demo
it "It writes again" wait_until 30 writes_again "$frozen"

it "It is asked to reboot" usherctl reboot demo
it "It does so in order" wait_until 60 guest_said demo 'usher-guest: shutdown -h -r'
it "It comes up again" wait_until 180 up_again
it "Under the same QEMU" guest_is demo running
it "With its agent" wait_until 120 shows 'Agent: answers'

it "It is stopped" usherctl stop demo
expect_match "By its agent" "$(guest_console demo)" 'usher-guest: shutdown -h -P'
expect_eq "Nobody pressed a button" "$(guest_console demo | grep -c 'power button')" 0
refused "A guest that does not run has no agent" 'guest demo is stopped' usherctl freeze demo

rm $initrd $disk
finished
