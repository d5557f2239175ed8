#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# swtpm beside QEMU, in the guest's own unit: its user, what it keeps, and what becomes of the guest when it
# dies.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)
state=/var/lib/private/usher/guests/vault/tpm

define_tpm_guest vault "$GPU"

it "A guest with a TPM starts" usherctl start vault
kept() {
        [ -s "$state/tpm2-00.permall" ]
}
it "Its TPM has something to remember" wait_until 60 kept
swtpm=$(pidof swtpm)
qemu=$(guest_pid vault)
expect_match "swtpm lives in the guest's unit" "$(cat "/proc/$swtpm/cgroup")" '/usher\.slice/usher-guest@vault\.service$'
expect_eq "As the guest's user, who is not root" "$(stat -c %u "/proc/$swtpm")" "$(stat -c %u "/proc/$qemu")"
# From systemd 257 on its mount alone shows the owner: on the disk the folder is nobody's.
expect_eq "Who alone may see its state" \
        "$(nsenter --mount --target "$swtpm" stat -L -c '%u %a' /var/lib/usher/guests/vault/tpm)" \
        "$(stat -c %u "/proc/$qemu") 700"
expect_eq "Below a folder of root's" "$(stat -c '%u %a' /var/lib/private)" '0 700'
it "The guest stops" usherctl stop vault
it "And swtpm with it" test ! -e "/proc/$swtpm"

it "Which leaves what it remembers" kept
remembered=$(stat -c %i "$state")

it "It starts again" usherctl start vault
expect_eq "With the same state" "$(stat -c %i "$state")" "$remembered"

it "A swtpm that is killed" pkill -KILL -x swtpm
it "Takes the guest with it, which has failed" wait_until 120 guest_is vault failed
expect_match "And says why" "$(usherctl status vault || true)" 'swtpm of guest vault ended'
unit_ended() {
        [ "$(guest_pid vault)" = 0 ]
}
it "Its unit has ended" wait_until 60 unit_ended
expect_eq "And the host is as before" "$(host_snapshot)" "$before"
finished
