#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A device that is on vfio-pci already, by somebody else's doing, and that a QEMU or a program of theirs has open.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
at_first=$(host_snapshot)
group=$(basename "$(readlink "/sys/bus/pci/devices/$EDU/iommu_group")")
node=/dev/vfio/$group

# As libvirt, driverctl, or a script at boot would.
echo vfio-pci >"/sys/bus/pci/devices/$EDU/driver_override"
echo "$EDU" >/sys/bus/pci/drivers_probe
wait_until 20 test -c "$node"
udevadm settle
before=$(host_snapshot)
define_linux_guest foreign "$EDU"
define_linux_guest plain "$GPU"

same() {
        [ "$(host_snapshot)" = "$before" ]
}

# holds TEXT: usherctl holders says it of the device
holds() {
        usherctl holders --no-pager --no-legend "$EDU" | grep -Eq -e "$1"
}

# ended PID: nobody holds anything by it any more
ended() {
        kill -KILL "$1"
        wait "$1" || true
}

# refuses WHO REGEX: everything that would take the device names whoever has it open
refuses() {
        refused "A guest that wants what $1 has does not start" "$2" usherctl start foreign
        refused "Nor is that start planned" "$2" usherctl start --dry-run foreign
        it "Nor does it when systemd starts its unit" bash -c '! systemctl start usher-guest@foreign'
        refused "It is not plugged into a guest that runs" "$2" usherctl attach plain "$EDU"
        refused "Nor is that planned" "$2" usherctl attach --dry-run plain "$EDU"
        it "The host is as before" same
        expect_eq "The device is on vfio-pci still" "$(basename "$(readlink "/sys/bus/pci/devices/$EDU/driver")")" vfio-pci
}

it "A start is planned while nobody has it open" usherctl start --dry-run foreign
it "A guest runs beside it" usherctl start plain
before=$(host_snapshot)

# This QEMU runs as root, as a script's does.
qemu_by_hand "$EDU"
it "A QEMU that usher knows nothing of opens it" wait_until 60 holder_has_device
it "It is told as a holder" holds "file +$node +$holder +qemu-system-x86 "
refuses "a QEMU of root's" "qemu-system-x86 \\(pid $holder.*\\) has $node of $EDU open; close it"
it "The QEMU goes on" kill -0 "$holder"
ended "$holder"

# Another user's program.
chown nobody "$node"
before=$(host_snapshot)
# shellcheck disable=SC2016 # the inner shell's
systemd-run --quiet --scope --unit=lab-program runuser -u nobody -- bash -c 'exec sleep infinity <>"$0"' "$node" &
wait_until 20 holds "$node .*sleep"
holder=$(pgrep -x -u nobody sleep)
refuses "a program of another user's" "sleep \\(pid $holder, lab-program.scope\\) has $node of $EDU open; close sleep"
kill -KILL "$holder"
wait_until 20 bash -c '! systemctl is-active lab-program.scope'
chown root "$node"
it "usher's own guest is killed" usherctl kill plain

# It is free, and usher's own guest has it next.
it "When nobody has it open the guest starts" usherctl start foreign
it "It is lent" wait_until 120 guest_said foreign 'usher-guest: ready'
define_linux_guest second "$EDU"
refused "A second guest is told the first one's name" "$EDU \\(group $group\\) is claimed by guest foreign; stop it first: usherctl stop foreign" \
        usherctl start second
refused "In the plan, too" "is claimed by guest foreign" usherctl start --dry-run second
it "The guest is killed" usherctl kill foreign
expect_eq "The device stays where others had put it" "$(basename "$(readlink "/sys/bus/pci/devices/$EDU/driver")")" vfio-pci

echo "$EDU" >"/sys/bus/pci/devices/$EDU/driver/unbind"
echo >"/sys/bus/pci/devices/$EDU/driver_override"
udevadm settle
expect_eq "After all of it the host is as before" "$(host_snapshot)" "$at_first"
finished
