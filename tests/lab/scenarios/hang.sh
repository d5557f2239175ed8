#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Writes that hang in the kernel: one of usher's, to a device that a QEMU started by hand has open, and
# somebody else's, to a guest's device.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

device_state() {
        usherctl --json=short status "$1" | sed 's/.*"state":"\([a-z]*\)".*/\1/'
}

device_is() {
        [ "$(device_state "$1")" = "$2" ]
}

# took COMMAND…: milliseconds
took() {
        local started
        started=$(date +%s%N)
        "$@" >/dev/null
        echo $((($(date +%s%N) - started) / 1000000))
}

# no_slower SENTENCE BEFORE NOW: at most twice as long, and a second for the emulated processor's moods
no_slower() {
        it "$1 ($2 ms before, $3 ms now)" [ "$3" -le $(($2 * 2 + 1000)) ]
}

# Does not ask by unit: journald finds none if the sender has gone before it looks.
said() {
        journalctl --no-pager -t usherd | grep -E -e "$1" >/dev/null
}

mkdir -p /etc/usher/usherd.conf.d
printf '[Usherd]\nStukSec=5\n' >/etc/usher/usherd.conf.d/lab.conf
it "usherd comes up in spite of a mistake in its settings" systemctl restart usherd
it "And tells where it is" wait_until 10 said 'usherd.conf.d/lab.conf:2: \[Usherd\] StukSec= is not known; did you mean StuckSec=\?; going on with the defaults'
printf '[Usherd]\nSlowSec=2\nStuckSec=5\n' >/etc/usher/usherd.conf.d/lab.conf
restart_before=$(took systemctl restart usherd)
list_before=$(took usherctl devices)

define_linux_guest edu "$EDU"

# usher's own write: a QEMU started by hand has the device open, and never lets go of what is on its root bus.
it "A device is bound by hand" usherctl bind "$EDU"
qemu_by_hand "$EDU"
it "A QEMU that usher knows nothing of opens it" wait_until 30 holder_has_device
refused "A restore that hangs in the kernel is given up, and says what to do" \
        "driver of $EDU: vfio-pci → none: the write to $EDU has hung in the kernel for 5 s; .*the rest of the host goes on" usherctl restore "$EDU"
expect_eq "The device is shown as stuck" "$(device_state "$EDU")" stuck
refused "It is refused at once for a restore" "$EDU is stuck: a write to it hangs in the kernel; close what still uses" usherctl restore "$EDU"
refused "And for a guest" "$EDU is stuck: a write to it hangs in the kernel; close what still uses" usherctl start edu
no_slower "Lists are as quick as before" "$list_before" "$(took usherctl devices)"
it "Other devices change hands" usherctl bind "$GPU"
it "And back" usherctl restore "$GPU"
no_slower "usherd restarts as quickly as before" "$restart_before" "$(took systemctl restart usherd)"
expect_eq "The next usherd knows that the device is stuck" "$(device_state "$EDU")" stuck
no_slower "It does not hang of it" "$list_before" "$(took usherctl devices)"
refused "It refuses it, too" "$EDU is stuck: a write to it hangs in the kernel" usherctl restore "$EDU"
kill -KILL "$holder"
it "When the holder is gone the device is given back after all" wait_until 60 device_is "$EDU" unused
# Checked only now: journald reads the uevent file of a device that the kernel logs about, so it hangs, too.
it "It had been said to be slow" wait_until 10 said "slow: driver of $EDU: vfio-pci → none has taken 2 s so far"
it "The next usherd had said what it found" wait_until 10 said "a write to $EDU that an earlier usherd had begun hangs in the kernel"
it "And that it was over" wait_until 10 said "a write to $EDU that an earlier usherd had begun has ended in the kernel"
it "With the end of it" wait_until 10 said "bind/$EDU: all of its devices are given back"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

# The same without a restart in between.
it "The device is bound again" usherctl bind "$EDU"
qemu_by_hand "$EDU"
it "And opened" wait_until 30 holder_has_device
refused "A restore hangs again" "hung in the kernel for 5 s" usherctl restore "$EDU"
kill -KILL "$holder"
it "It goes on by itself when the kernel comes back" wait_until 60 device_is "$EDU" unused
expect_eq "The host is as before" "$(host_snapshot)" "$before"

# Somebody else's write: the guest is paused, and cannot give its device up when QEMU asks for that.
it "A guest starts" usherctl start edu
it "It gets ready" wait_until 120 guest_said edu 'usher-guest: ready'
it "It is paused" usherctl pause edu
restart_before=$(took systemctl restart usherd)
it "And is found again" wait_until 30 guest_is edu paused
echo "$EDU" >/sys/bus/pci/drivers/vfio-pci/unbind 2>/dev/null &
unbinder=$!
it "An unbind from outside is seen" wait_until 30 device_is "$EDU" stuck
expect_match "The guest's status names it" "$(usherctl status edu)" "Drift: somebody is unbinding $EDU, which hangs until the device is released"
no_slower "Lists are as quick as before" "$list_before" "$(took usherctl devices)"
no_slower "usherd restarts as quickly as before" "$restart_before" "$(took systemctl restart usherd)"
expect_eq "The device is still shown as stuck" "$(device_state "$EDU")" stuck
expect_eq "And the guest as paused" "$(guest_state edu)" paused
it "The guest can be killed" usherctl kill edu
it "And the unbind from outside ends" wait_until 30 sh -c "! kill -0 $unbinder"
it "The log names it" wait_until 10 said "drift: somebody is unbinding $EDU.* though guest edu has it"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

rm /etc/usher/usherd.conf.d/lab.conf
finished
