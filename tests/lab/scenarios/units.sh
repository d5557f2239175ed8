#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The units feel like systemd's own, and give nothing away that they need not.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# exposure UNIT: as systemd-analyze security puts it, times ten
exposure() {
        systemd-analyze security --no-pager "$1" | sed -n 's/.*Overall exposure level for .*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

at_most() {
        [ "$(exposure "$1")" -le "$2" ] || {
                exposure "$1"
                return 1
        }
}

it "usherd is started by the bus when it is asked" bash -c 'systemctl stop usherd; busctl call org.usher1 /org/usher1 org.usher1.Manager ListGuests'
it "It is active" systemctl is-active usherd
expect_match "It has no capability" "$(grep CapEff "/proc/$(systemctl show -P MainPID usherd)/status")" '0000000000000000$'
rescan_as_usherd() {
        nsenter -t "$(systemctl show -P MainPID usherd)" -m -- sh -c 'echo 1 >/sys/bus/pci/rescan'
}
refused "It cannot write to sysfs" 'Read-only' rescan_as_usherd
it "usherd is exposed no more than 1.5" at_most usherd.service 15
# A virtiofsd in the unit's own user namespace costs half a point: docs/design.md.
it "A guest no more than 2.1" at_most usher-guest@demo.service 21
# The helper opens the disks of users, and sees who has a device open: docs/design.md.
it "A bind helper no more than 2.8" at_most usher-bind@1.service 28
finished
