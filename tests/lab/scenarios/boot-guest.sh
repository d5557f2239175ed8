#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
# lab-reboots: yes
#
# An enabled guest starts at boot, with nobody logged in. systemctl and usherctl stop it alike, and so does an
# orderly reboot of the host.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

if [ "$PHASE" = 1 ]; then
        define_linux_guest demo "$GPU"
        it "vfio-pci is not loaded" test ! -e /sys/bus/pci/drivers/vfio-pci
        expect_match "The plan begins by loading it" "$(usherctl start --dry-run demo)" '^module +vfio_pci'
        it "systemctl enable works" systemctl enable usher-guest@demo
        pci_state >/var/lib/before-reboot
        # shellcheck disable=SC2119 # in order, no command of ours
        reboot_host
fi

if [ "$PHASE" = 3 ]; then
        it "The guest was shut down before the host" grep -q 'usher-guest: power button' /var/log/usher/demo.console.log
        it "And has come up again" wait_until 180 guest_is demo running
        finished
fi

it "After the reboot the guest runs" wait_until 180 guest_is demo running
it "And gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
expect_match "Its unit is active" "$(systemctl is-active usher-guest@demo)" '^active$'
it "systemctl stop stops it by its power button" systemctl stop usher-guest@demo
expect_match "It has seen the button" "$(guest_console demo)" 'usher-guest: power button'
expect_eq "The guest is stopped" "$(guest_state demo)" stopped
expect_match "Its unit is inactive" "$(systemctl is-active usher-guest@demo || true)" '^inactive$'
expect_eq "The devices are as before" "$(pci_state)" "$(cat /var/lib/before-reboot)"

it "systemctl start brings it up again" systemctl start usher-guest@demo
it "It runs" wait_until 60 guest_is demo running
it "usherctl stop comes to the same" usherctl stop demo
expect_match "The unit is inactive" "$(systemctl is-active usher-guest@demo || true)" '^inactive$'
expect_eq "The devices are as before" "$(pci_state)" "$(cat /var/lib/before-reboot)"

truncate -s 0 /var/log/usher/demo.console.log
it "It starts once more" usherctl start demo
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
# shellcheck disable=SC2119 # in order, no command of ours
reboot_host
