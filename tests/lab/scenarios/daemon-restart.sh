#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# usherd goes away while a guest runs: the guest never notices, and is stopped by the next usherd.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

define_linux_guest demo "$GPU"
it "A guest starts" usherctl start demo
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
qemu=$(guest_pid demo)

it "usherd is restarted" systemctl restart usherd
it "The guest is found running" wait_until 30 guest_is demo running
expect_eq "By the same process" "$(guest_pid demo)" "$qemu"

systemctl kill -s KILL usherd
it "After a SIGKILL of usherd it is found again" wait_until 30 guest_is demo running
expect_eq "Still the same process" "$(guest_pid demo)" "$qemu"
expect_match "The GPU is still the guest's" "$(usherctl devices --no-legend)" "$GPU .*demo"

it "The guest can be stopped" usherctl stop demo
expect_match "By its power button" "$(guest_console demo)" 'usher-guest: power button'
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

it "A guest starts again" usherctl start demo
daemon=$(systemctl show -P MainPID usherd)
usherctl stop demo >/dev/null 2>&1 &
it "While it stops" wait_until 30 guest_is demo stopping
systemctl kill -s KILL usherd
it "usherd is killed, and comes back before the guest has gone" wait_until 30 another_daemon "$daemon"
it "The stop goes on to its end" wait_until 90 guest_is demo stopped
it "And the unit's, too" wait_until 30 sh -c '! systemctl is-active -q usher-guest@demo'
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

it "A guest starts again" usherctl start demo
systemctl stop usherd.socket usherd
kill -KILL "$(guest_pid demo)"
systemctl start usherd.socket usherd
at_rest() {
        guest_is demo stopped || guest_is demo failed
}
# The guest is "stopped" at once, while usherd still looks for what was running.
it "When usherd is back after a guest that ended meanwhile, the host is as before" wait_until 30 host_as_before
it "And the guest is at rest" wait_until 30 at_rest
finished
