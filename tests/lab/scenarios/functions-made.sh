#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Virtual functions are made for a guest and gone after it, however it ends.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
at=/sys/bus/pci/devices/$SRIOV
before=$(host_snapshot)

made() {
        cat "$at/sriov_numvfs"
}

as_before() {
        host_as_before && [ "$(made)" = 0 ] && [ "$(cat "$at/sriov_drivers_autoprobe")" = 1 ]
}

shows() {
        usherctl status functions | grep -F -e "$1"
}

define_linux_guest_with functions '' '[PCI nvme]' "Address=$SRIOV" VirtualFunctions=2
usherctl reload

unchanged "A dry run leaves the host alone" usherctl start --dry-run functions
plan=$(usherctl start --dry-run functions)
expect_match "It tells that they are made" "$plan" "virtual-functions +$SRIOV +0 +2"
expect_match "And what is done with the first" "$plan" "driver +${SRIOV%.*}.1 +- +vfio-pci"
expect_match "And with the other" "$plan" "node-owner +group of ${SRIOV%.*}.2"

it "The guest starts" usherctl start functions
expect_eq "They are there" "$(made)" 2
first=$(basename "$(readlink "$at/virtfn0")")
second=$(basename "$(readlink "$at/virtfn1")")
expect_eq "The first is on vfio-pci" "$(driver_of "$first")" vfio-pci
expect_eq "So is the other" "$(driver_of "$second")" vfio-pci
expect_eq "The card has its driver" "$(driver_of "$SRIOV")" nvme
it "The first is the guest's" shows "$first"
it "So is the other" shows "$second"
refused "The card is nobody else's meanwhile" 'is claimed by guest functions' usherctl bind "$SRIOV"
it "The guest gets ready" wait_until 180 guest_said functions 'usher-guest: ready'
expect_eq "It sees both, on one card" "$(guest_console functions | tr -d '\r' | grep -c '^pci [^ ]*[.][01] 1b36:0010 0108')" 2
it "It is stopped" usherctl stop functions
it "They are gone, and the host is as before" as_before

it "It starts again" usherctl start functions
kill -KILL "$(guest_pid functions)"
it "QEMU is killed" wait_until 60 guest_is functions failed
it "They are gone, and the host is as before" wait_until 30 as_before

it "It starts once more" usherctl start functions
systemctl kill --signal=KILL usherd
it "Usherd is killed, and comes again" wait_until 60 guest_is functions running
it "The guest has them still" wait_until 30 shows "$second"
it "The card is not in drift" wait_until 10 test "$(usherctl devices --json=short "$SRIOV" | grep -c '"state":"drift"')" = 0
it "It is killed" usherctl kill functions
it "They are gone, and the host is as before" as_before

echo 0 >"$at/sriov_drivers_autoprobe"
echo 1 >"$at/sriov_numvfs"
refused "A card that has some already is refused" "$SRIOV has virtual functions already" usherctl start functions
expect_eq "It has them as before" "$(made)" 1
echo 0 >"$at/sriov_numvfs"
echo 1 >"$at/sriov_drivers_autoprobe"
it "The host is as it was at the beginning" as_before
finished
