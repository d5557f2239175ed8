#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Guests with OnReboot=restart and OnCrash=restart: their devices were with the host's driver in between, by the
# kernel's own word.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

before=$(host_snapshot)
stage=$(mktemp -d)
initrd=/var/lib/usher/reboot.cpio
events=$(mktemp)

# A guest that reboots as soon as it is up.
printf '#!/bin/busybox sh\necho "usher-guest: reboots" >/dev/ttyS0\nreboot -f\n' >"$stage/start"
chmod +x "$stage/start"
extend_initrd "$stage" $initrd

GUEST_INITRD=$initrd define_linux_guest_with self '' '[PCI gpu]' "Address=$GPU" '[Guest]' OnReboot=restart
define_linux_guest_with demo '' '[PCI gpu]' "Address=$GPU" '[Guest]' OnReboot=restart OnCrash=restart

udevadm monitor --kernel --property --subsystem-match=pci >>"$events" &
monitor=$!

# came_back: how often the audio function was bound to the host's driver since the last clear_events
came_back() {
        awk -v RS= -v "slot=PCI_SLOT_NAME=$GPU_AUDIO" '
                index($0, "ACTION=bind") && index($0, slot) && index($0, "DRIVER=snd_hda_intel") { n++ }
                END { print n + 0 }' "$events"
}

clear_events() {
        : >"$events"
}

# runs_anew NAME PID: as another process than that one
runs_anew() {
        local pid
        pid=$(guest_pid "$1")
        guest_is "$1" running && [ "$pid" != 0 ] && [ "$pid" != "$2" ]
}

it "A guest that reboots by itself starts" usherctl start self
first=$(guest_pid self)
it "It is started again" wait_until 180 runs_anew self "$first"
expect_eq "Its card's sound was with the host in between" "$(came_back)" 1
expect_match "The log says why" "$(journalctl --no-pager USHER_GUEST=self)" 'it rebooted: it is started again, 1 of at most 5 times'
it "A stop is a stop" usherctl kill self
expect_eq "It is stopped" "$(guest_state self)" stopped
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

it "Another starts" usherctl start demo
clear_events
first=$(guest_pid demo)
it "Its reset button is pressed" usherctl reset demo
it "It is started again" wait_until 120 runs_anew demo "$first"
expect_eq "Its card's sound was with the host in between" "$(came_back)" 1

clear_events
first=$(guest_pid demo)
kill -KILL "$first"
it "Killed, it is started again, too" wait_until 120 runs_anew demo "$first"
expect_eq "With a card that was back" "$(came_back)" 1

clear_events
first=$(guest_pid demo)
in_between() {
        usherctl reset demo && systemctl kill --kill-whom=main -s KILL usherd && runs_anew_soon
}
runs_anew_soon() {
        wait_until 120 runs_anew demo "$first"
}
it "usherd is killed just then, and the guest is started again all the same" in_between

it "A stop by its unit is a stop" systemctl stop usher-guest@demo
expect_eq "It is stopped" "$(guest_state demo)" stopped
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

kill $monitor
rm "$events" $initrd
finished
