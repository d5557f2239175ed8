#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Two cards behind one PCIe-to-PCI bridge: one IOMMU group, so they leave the host together or not at all.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)
group=$(basename "$(readlink "/sys/bus/pci/devices/$BRIDGED_A/iommu_group")")

# without TEXT REGEX
without() {
        ! grep -q -e "$2" <<<"$1"
}

seen() {
        guest_console "$1" | tr -d '\r' | sed -n 's/^pci [^ ]* \([0-9a-f:]*\) .*/\1/p'
}

expect_match "The group is shown with both" "$(usherctl groups --no-pager)" "$BRIDGED_B"
define_linux_guest_with half '' '[PCI card]' "Address=$BRIDGED_A"
refused "A guest that wants one of them is refused, with the other and what to do" \
        "group $group of $BRIDGED_A also holds $BRIDGED_B \\(.*snd_ens1370.*\\); give them a \\[PCI\\] section too, or write Group=all" usherctl start half
refused "So is a bind by hand" \
        "group $group of $BRIDGED_A also holds $BRIDGED_B \\(.*snd_ens1370.*\\); bind them too: usherctl bind --group=all $BRIDGED_A" \
        usherctl bind "$BRIDGED_A"
define_linux_guest_with over '' '[PCI card]' "Address=$BRIDGE"
refused "The bridge itself stays" "$BRIDGE is a bridge, and bridges stay with the host; name a device behind it" usherctl start over

define_linux_guest_with whole '' '[PCI card]' "Address=$BRIDGED_A" 'Group=all'
plan=$(usherctl start --dry-run whole)
expect_match "With Group=all a plan takes the other along" "$plan" "driver +$BRIDGED_B +snd_ens1370"
it "And leaves the bridge" without "$plan" "$BRIDGE"

# The users of the card that goes along count, too.
sound=$(basename "$(echo "/sys/bus/pci/devices/$BRIDGED_B"/sound/card*)")
# shellcheck disable=SC2217 # it is to have it open, not to read it
sleep infinity <"/dev/snd/controlC${sound#card}" &
sleeper=$!
wait_until 20 grep -q sleep "/proc/$sleeper/comm"
refused "Who uses the other keeps the guest from starting" \
        "sleep \\(pid $sleeper.*\\) has /dev/snd/controlC${sound#card} of $BRIDGED_B open; close it" usherctl start whole
kill $sleeper
wait $sleeper || true
expect_eq "The host is as before" "$(host_snapshot)" "$before"

it "A guest with Group=all starts" usherctl start whole
it "It gets ready" wait_until 120 guest_said whole 'usher-guest: ready'
expect_match "It sees the card that it asked for" "$(seen whole)" '^8086:100e$'
it "It does not see the other" without "$(seen whole)" 1274:5000
expect_eq "Which is held meanwhile" "$(driver_of "$BRIDGED_B")" vfio-pci
expect_eq "The bridge has its driver" "$(grep -o "pci $BRIDGE .*" <<<"$before")" "$(host_snapshot | grep -o "pci $BRIDGE .*")"
refused "Nobody else gets the other one" "$BRIDGED_B .*claimed by guest whole; stop it first: usherctl stop whole" usherctl bind "$BRIDGED_B"
it "It is stopped" usherctl stop whole
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

define_linux_guest_with pair '' '[PCI card]' "Address=$BRIDGED_A" '[PCI sound]' "Address=$BRIDGED_B"
it "A guest with both starts" usherctl start pair
it "It gets ready" wait_until 120 guest_said pair 'usher-guest: ready'
expect_match "It sees the one" "$(seen pair)" '^8086:100e$'
expect_match "And the other" "$(seen pair)" '^1274:5000$'
it "It is killed" usherctl kill pair
expect_eq "And the host is as before" "$(host_snapshot)" "$before"
finished
