#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Resets on the way to the guest and back, and what becomes of a device whose reset fails.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci

before=$(host_snapshot)
define_linux_guest_with both lab.poweroff '[PCI nic]' "Address=$NIC2" 'ResetBefore=yes' 'ResetAfter=yes'
expect_match "A plan says that the card is reset" "$(usherctl start --dry-run both)" "reset +$NIC2 +reset +reset"
it "A guest whose card is reset before and after starts" usherctl start both
it "It ends by itself" wait_until 120 guest_is both stopped
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

define_linux_guest_with slot lab.poweroff '[PCI gpu]' "Address=$GPU" 'ResetBefore=yes'
refused "A card that only its slot resets is not promised one" "none of its functions can be reset by itself: $GPU" usherctl start slot

# An emulated card's reset does not fail: a file that takes no write covers the attribute.
define_linux_guest_with once lab.poweroff '[PCI edu]' "Address=$EDU" 'ResetBefore=yes'
mount --bind /dev/full "/sys/bus/pci/devices/$EDU/reset"
refused "A device whose reset fails is not given to the guest" "reset of $EDU failed: No space left" usherctl start once
umount "/sys/bus/pci/devices/$EDU/reset"
expect_eq "The host has it back as it was" "$(host_snapshot)" "$before"
refused "It is in quarantine from then on" "$EDU is in quarantine since .*: reset failed: No space left.*; .*usherctl reset --clear $EDU" \
        usherctl start once
systemctl restart usherd
refused "Also after a restart, and by hand" "$EDU is in quarantine since" usherctl bind "$EDU"
expect_match "Its status says so" "$(usherctl status "$EDU")" "Quarantine: since .*: reset failed"
it "An administrator lets it out" usherctl reset --clear "$EDU"
refused "Once" "$EDU is not in quarantine" usherctl reset --clear "$EDU"
unchanged "Then it may be lent again" usherctl start --dry-run once

echo "0000:7f:00.0 2026-01-01T10:00:00Z reset failed: Input/output error
rubbish" >/var/lib/usher/ledger
systemctl restart usherd
it "A device that has been taken out can be cleared, and a damaged ledger is no hindrance" usherctl reset --clear 7f:00.0
finished
