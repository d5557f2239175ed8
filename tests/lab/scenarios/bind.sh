#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Groups bound by hand, and given back.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

it "The GPU is bound by hand" usherctl bind "${GPU#0000:}"
expect_eq "It is on vfio-pci" "$(driver_of "$GPU")" vfio-pci
expect_eq "So is its audio function" "$(driver_of "$GPU_AUDIO")" vfio-pci
expect_eq "The twin is not" "$(driver_of "$TWIN")" none
expect_match "It is listed as bound" "$(usherctl devices --json=short)" "\"address\":\"$GPU\"[^}]*\"state\":\"bound\""
refused "A second bind says how to give it back" "bound to vfio-pci already; to give it back: usherctl restore" usherctl bind "$GPU"
it "usherd is restarted" systemctl restart usherd
expect_match "What is bound stays so" "$(usherctl devices --json=short)" "\"address\":\"$GPU\"[^}]*\"state\":\"bound\""
expect_match "A dry run of the restore says what it would do" "$(usherctl restore --dry-run "$GPU")" "driver +$GPU_AUDIO .*snd_hda_intel"
it "It is restored" usherctl restore "$GPU"
expect_eq "And the host is as before" "$(host_snapshot)" "$before"
refused "What usher did not bind it does not restore" "$GPU was not bound by usher" usherctl restore "$GPU"

it "A group of two is bound whole when asked for" usherctl bind --group=all "$BRIDGED_A"
expect_eq "The sibling is held" "$(driver_of "$BRIDGED_B")" vfio-pci
it "It is restored whole" usherctl restore "$BRIDGED_B"
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

# By somebody else's hand.
echo vfio-pci >"/sys/bus/pci/devices/$EDU/driver_override"
echo "$EDU" >/sys/bus/pci/drivers_probe
foreign=$(host_snapshot)
define_linux_guest edu "$EDU"
it "A device that was on vfio-pci before is lent" usherctl start edu
it "And taken back" usherctl kill edu
expect_eq "It stays on vfio-pci" "$(host_snapshot)" "$foreign"
echo "$EDU" >"/sys/bus/pci/devices/$EDU/driver/unbind"
echo >"/sys/bus/pci/devices/$EDU/driver_override"

finished
