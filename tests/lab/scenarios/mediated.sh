#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A mediated device is made for a guest, and removed after it, however it ends;
# one that is there is lent, and stays.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# The lab's driver makes two devices in all, of two types (inside/modules).
modprobe -a vfio-pci lab_mediated
at=/sys/bus/pci/devices/$EDU
type=lab_mediated-plain
foreign=4b20d080-1b54-4048-85b3-a6a62d165c01
before=$(host_snapshot)

# The card's mediated devices, but the one that is made by hand.
made() {
        find "$at/mdev_supported_types/$type/devices" -type l -not -name "$foreign" -printf '%f\n'
}

as_before() {
        host_as_before && [ -z "$(made)" ]
}

available() {
        cat "$at/mdev_supported_types/$type/available_instances"
}

# node_owner UUID: the owner of its group's node
node_owner() {
        stat -c %u "/dev/vfio/$(basename "$(readlink "/sys/bus/mdev/devices/$1/iommu_group")")"
}

sees_it() {
        guest_console "$1" | tr -d '\r' | grep -E '^pci [^ ]* 1234:5553 ff0000 single'
}

define_linux_guest_with part '' '[PCI part]' "Address=$EDU" "MediatedType=$type"
define_linux_guest_with wrong '' '[PCI part]' "Address=$EDU" MediatedType=lab_mediated-huge
define_linux_guest_with none '' '[PCI part]' "Address=$SRIOV" "MediatedType=$type"
define_linux_guest_with lent '' '[PCI part]' "MediatedDevice=$foreign"
usherctl reload

expect_match "The check finds nothing amiss with it" "$(usherctl check || true)" 'no device is in quarantine or dead'
expect_match "The card has its driver" "$(usherctl devices "$EDU")" lab_mediated
refused "A type that there is not is refused with those that there are" \
        "MediatedType=lab_mediated-huge: $EDU \(lab_mediated\) has no such type; its types are: .*$type \(A part of the lab's card; 2 available\)" \
        usherctl start wrong
refused "A card whose driver makes none is refused" "the driver of $SRIOV makes no mediated devices: nvme" usherctl start none
refused "One that is not there cannot be lent" "there is no mediated device $foreign" usherctl start lent

unchanged "A dry run leaves the host alone" usherctl start --dry-run part
plan=$(usherctl start --dry-run part)
expect_match "It tells what is made" "$plan" "mediated-device +[0-9a-f-]{36} +- +$type@$EDU"
expect_match "And that its group is handed over" "$plan" "node-owner +group of [0-9a-f-]{36}"
expect_eq "None is made" "$(made)" ''

it "The guest starts" usherctl start part
uuid=$(made)
expect_match "The one that was told is there" "$plan" "mediated-device +$uuid "
it "Its node is the guest's" test "$(node_owner "$uuid")" != 0
expect_eq "The card has its driver" "$(basename "$(readlink "$at/driver")")" lab_mediated
refused "The card is lent to nobody meanwhile" "$EDU .*is claimed by guest part" usherctl bind "$EDU"
it "The guest gets ready" wait_until 180 guest_said part 'usher-guest: ready'
it "It sees what was made of the card" sees_it part

echo "$foreign" >"$at/mdev_supported_types/$type/create"
expect_eq "Somebody makes the last one" "$(available)" 0
it "It is stopped" usherctl stop part
expect_eq "What was made for it has gone" "$(made)" ''
expect_eq "The other one has not" "$(available)" 1

echo "$uuid" >"$at/mdev_supported_types/lab_mediated-other/create"
refused "One of its UUID that is there is left alone" \
        "the mediated device $uuid exists already, so the start cannot make it: lab_mediated-other of $EDU; .*echo 1 > /sys/bus/mdev/devices/$uuid/remove" usherctl start part
echo 1 >"/sys/bus/mdev/devices/$uuid/remove"
echo 4b20d080-1b54-4048-85b3-a6a62d165c02 >"$at/mdev_supported_types/lab_mediated-other/create"
refused "Where no more can be made, told is what was" \
        "MediatedType=$type: $EDU can make no more devices of this type; these exist: .*$foreign \($type\)" usherctl start part
echo 1 >/sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c02/remove

it "One that is there is lent" usherctl start lent
it "The guest gets ready" wait_until 180 guest_said lent 'usher-guest: ready'
it "It sees it" sees_it lent
it "It is killed" usherctl kill lent
expect_eq "It stays, and is root's again" "$(node_owner "$foreign")" 0
echo 1 >"/sys/bus/mdev/devices/$foreign/remove"
it "The host is as before" as_before

it "The first guest starts again" usherctl start part
expect_eq "It has the same UUID" "$(made)" "$uuid"
kill -KILL "$(guest_pid part)"
it "QEMU is killed" wait_until 60 guest_is part failed
it "It has gone, and the host is as before" wait_until 30 as_before

it "It starts once more" usherctl start part
systemctl kill --signal=KILL usherd
it "Usherd is killed, and comes again" wait_until 60 guest_is part running
expect_eq "The guest has it still" "$(made)" "$uuid"
it "Its node is the guest's" test "$(node_owner "$uuid")" != 0
refused "The card is lent to nobody, as before" "$EDU .*is claimed by guest part" usherctl bind "$EDU"
it "It is killed" usherctl kill part
it "It has gone, and the host is as before" as_before

modprobe -r lab_mediated
expect_eq "The card is as at the beginning" "$(usherctl --json=short devices "$EDU" | grep -c '"state":"unused"')" 1
finished
