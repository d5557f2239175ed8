#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A QEMU that is there and says nothing: told at once, never waited for, and never a reason to kill.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

# took COMMAND…: milliseconds, however it ends
took() {
        local started
        started=$(date +%s%N)
        "$@" >/dev/null 2>&1 || true
        echo $((($(date +%s%N) - started) / 1000000))
}

# within SENTENCE MILLISECONDS COMMAND…
within() {
        local sentence=$1 most=$2 ms
        shift 2
        ms=$(took "$@")
        it "$sentence ($ms ms)" [ "$ms" -le "$most" ]
}

said() {
        journalctl --no-pager -u usherd -u usher-guest@demo | grep -E -e "$1" >/dev/null
}

define_linux_guest demo "$GPU"
it "A guest with the GPU starts" usherctl start demo
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
qemu=$(guest_pid demo)
list_before=$(took usherctl list)

kill -STOP "$qemu"
# The deadline is 5 s; the rest is for the emulated CPU.
within "A call to a QEMU that is stopped fails after 5 s" 8000 usherctl pause demo
refused "With words that say what to do" "QEMU of guest demo does not answer; to end the guest: usherctl kill" usherctl pause demo
refused "The error on the bus is of a kind of its own" "QEMU of guest demo does not answer" \
        busctl call org.usher1 /org/usher1/guest/demo org.usher1.Guest Reset
expect_match "Which names it" \
        "$(dbus-send --system --print-reply --dest=org.usher1 /org/usher1/guest/demo org.usher1.Guest.Reset 2>&1 || true)" \
        "org.usher1.Error.Unresponsive"
within "From then on at once" 2000 usherctl reset demo
expect_match "The list says so" "$(usherctl list --no-legend)" "demo +unresponsive"
expect_match "So does the status" "$(usherctl status demo || true)" "State: unresponsive"
expect_match "With the process that it is about" "$(usherctl status demo || true)" "$qemu"
within "The list is as quick as before ($list_before ms)" $((list_before * 2 + 1000)) usherctl list
expect_match "Its devices are still its own" "$(usherctl devices --no-legend "$GPU")" "demo"
it "The log has it" said "QEMU \\(pid $qemu\\) does not answer"

kill -CONT "$qemu"
it "Continued, it runs again" wait_until 30 guest_is demo running
it "That is said, too" said "QEMU answers again"
expect_eq "What it was told meanwhile it does not do afterwards" "$(guest_state demo)" running
it "Now it can be paused" usherctl pause demo
expect_eq "And is" "$(guest_state demo)" paused
it "And resumed" usherctl resume demo

kill -STOP "$qemu"
# usherd asks QEMU how it is at each look, but at most once in 5 s.
it "Silence is noticed by looking alone" wait_until 40 guest_is demo unresponsive
it "usherd restarts" systemctl restart usherd
it "And finds it silent" wait_until 40 guest_is demo unresponsive
expect_eq "The same process" "$(guest_pid demo)" "$qemu"
it "It is killed all the same" usherctl kill demo
expect_eq "And stopped" "$(guest_state demo)" stopped
expect_eq "The host is as before" "$(host_snapshot)" "$before"
finished
