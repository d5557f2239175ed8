#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A running Linux guest gets devices and sees them. They go back to the host when the guest lets go of them,
# when QEMU is killed, and after a restart of usherd.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
stage=$(mktemp -d)
initrd=/var/lib/usher/hot-plug.cpio

# Says what PCI functions there are whenever that changes.
cat >"$stage/start" <<'EOF'
#!/bin/busybox sh
while sleep 1; do
        now=$(cat /sys/bus/pci/devices/*/device | sort | tr '\n' ' ')
        [ "$now" = "$seen" ] || echo "usher-guest: sees $now"
        seen=$now
done &
EOF
chmod +x "$stage/start"
extend_initrd "$stage" $initrd

# define NAME [WORD…]: a guest without a device
define() {
        local name=$1
        shift
        GUEST_INITRD=$initrd define_linux_guest_with "$name" "$*"
        usherctl reload
}

id_of() {
        sed 's/^0x//' "/sys/bus/pci/devices/$1/device"
}

# The last list of devices that the guest printed.
sees() {
        guest_console "$1" | tr -d '\r' | grep 'usher-guest: sees' | tail -n 1 | grep -q -e "0x$2"
}

sees_no() {
        ! sees "$@"
}

shows() {
        usherctl status "$1" | grep -F -e "$2"
}

define demo
before=$(host_snapshot)
nic=$(id_of "$NIC2")
native=$(driver_of "$NIC2")
gpu=$(id_of "$GPU")
audio=$(id_of "$GPU_AUDIO")

refused "A guest that does not run gets nothing" 'guest demo is stopped' usherctl attach demo "$NIC2"
it "A guest without a device starts" usherctl start demo
it "It is up" wait_until 180 guest_said demo 'usher-guest: ready'
unchanged "A dry run leaves the host alone" usherctl attach --dry-run demo "$NIC2"
refused "The card with the default route is not plugged in" 'default route' usherctl attach demo "$NIC"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

it "A network card is plugged in" usherctl attach demo "$NIC2"
expect_eq "It is on vfio-pci" "$(driver_of "$NIC2")" vfio-pci
it "The guest sees it" wait_until 60 sees demo "$nic"
it "Status shows it" shows demo "$NIC2"
refused "It is not plugged in twice" 'guest demo has .* already' usherctl attach demo "$NIC2"
refused "Another guest's it is not" 'claimed by guest demo' usherctl bind "$NIC2"
it "The guest lets go of it" usherctl detach demo "$NIC2"
it "It does not see it any more" wait_until 60 sees_no demo "$nic"
expect_eq "The host has its driver back" "$(driver_of "$NIC2")" "$native"
expect_eq "The host is as before" "$(host_snapshot)" "$before"
it "The guest runs on" guest_is demo running

it "A card of two functions is plugged in" usherctl attach demo "$GPU"
it "The guest sees the first" wait_until 60 sees demo "$gpu"
it "And the other" wait_until 60 sees demo "$audio"
it "It lets go of both together" usherctl detach demo "$GPU_AUDIO"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

it "The network card is plugged in again" usherctl attach demo "$NIC2"
it "The guest sees it" wait_until 60 sees demo "$nic"
kill -KILL "$(guest_pid demo)"
it "QEMU is killed" wait_until 60 guest_is demo failed
it "The host is as before" wait_until 30 host_as_before

it "The guest starts again" usherctl start demo
it "It is up" wait_until 180 guest_said demo 'usher-guest: ready'
it "It gets the network card" usherctl attach demo "$NIC2"
it "It sees it" wait_until 60 sees demo "$nic"
systemctl restart usherd
it "After a restart of usherd it runs" wait_until 60 guest_is demo running
it "With the card" shows demo "$NIC2"
it "It lets go of it" wait_until 60 usherctl detach demo "$NIC2"
expect_eq "The host is as before" "$(host_snapshot)" "$before"
it "It is killed" usherctl kill demo

define deaf acpiphp.disable=1
it "A guest starts that knows of no hot-plugging" usherctl start deaf
it "It is up" wait_until 180 guest_said deaf 'usher-guest: ready'
it "It gets the card all the same" usherctl attach deaf "$NIC2"
refused "It does not let go of it" 'guest deaf has not released .* within 30 s, and keeps it' usherctl detach deaf "$NIC2"
expect_eq "The card is on vfio-pci" "$(driver_of "$NIC2")" vfio-pci
it "And the guest's" shows deaf "$NIC2"
it "It is killed" usherctl kill deaf
expect_eq "The host is as before" "$(host_snapshot)" "$before"

rm $initrd
finished
