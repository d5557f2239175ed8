#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A card with virtual functions: they are lent one by one, and the card itself is not while it has any.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
at=/sys/bus/pci/devices/$SRIOV
bare=$(host_snapshot)

listed() {
        usherctl devices --no-legend | grep "$1" >/dev/null
}

not_listed() {
        ! listed "$1"
}

said() {
        journalctl --no-pager -u usherd | grep -E -e "$1" >/dev/null
}

# Without drivers: QEMU's virtual NVMe functions are not online, and the host's driver gives up after a while.
echo 0 >"$at/sriov_drivers_autoprobe"
echo 2 >"$at/sriov_numvfs"
first=$(basename "$(readlink "$at/virtfn0")")
second=$(basename "$(readlink "$at/virtfn1")")
it "Virtual functions that somebody makes are seen" wait_until 20 listed "$second"
before=$(host_snapshot)

refused "A card that has virtual functions is not bound, and it is said how it could be" \
        "$SRIOV has virtual functions, which would disappear with its driver; lend one of those, or remove them first: echo 0 > $at/sriov_numvfs" \
        usherctl bind "$SRIOV"
define_linux_guest card "$SRIOV"
refused "Nor does a guest get it" "$SRIOV has virtual functions, which would disappear with its driver" usherctl start card
expect_eq "The host is as before" "$(host_snapshot)" "$before"

it "A virtual function is bound" usherctl bind "$first"
expect_eq "It is on vfio-pci" "$(driver_of "$first")" vfio-pci
expect_eq "The next one is not" "$(driver_of "$second")" none
expect_eq "Nor is the card" "$(driver_of "$SRIOV")" nvme
expect_match "It is listed as bound" "$(usherctl devices --json=short "$first")" '"state":"bound"'
it "It is restored" usherctl restore "$first"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

define_linux_guest function "$second"
it "A guest with a virtual function starts" usherctl start function
it "It gets ready" wait_until 120 guest_said function 'usher-guest: ready'
expect_match "It sees an NVMe controller" "$(guest_console function | tr -d '\r')" '^pci [^ ]* 1b36:0010 0108'
expect_eq "The other function is the host's" "$(driver_of "$first")" none
it "The guest is killed" usherctl kill function
expect_eq "The host is as before" "$(host_snapshot)" "$before"

it "A virtual function is bound again" usherctl bind "$first"
echo 0 >"$at/sriov_numvfs"
it "When somebody removes it, that is drift" wait_until 20 said "drift: $first has gone from the host, though usherctl bind has it"
it "A restore strikes it off" usherctl restore "$first"
it "It is not there any more" not_listed "$first"
echo 1 >"$at/sriov_drivers_autoprobe"

it "Without them the card is bound" usherctl bind "$SRIOV"
expect_eq "It is on vfio-pci" "$(driver_of "$SRIOV")" vfio-pci
it "And restored" usherctl restore "$SRIOV"
expect_eq "The host is as it was at the beginning" "$(host_snapshot)" "$bare"
finished
