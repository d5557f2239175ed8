#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A keyboard of the host's is the guest's, also after it was unplugged, until the guest ends.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

udevadm settle
KEYBOARD=$(find /dev/input/by-id -name '*-event-kbd' | head -n 1)
[ -n "$KEYBOARD" ] || skip "the lab host has no keyboard"
# The USB device below which the keyboard's input device is.
PLUG=$(readlink -f "/sys/class/input/$(basename "$(readlink -f "$KEYBOARD")")/device")
while [ ! -e "$PLUG/authorized" ] || [ ! -e "$PLUG/idVendor" ]; do PLUG=${PLUG%/*}; done
OWNER=$(stat -Lc %u:%g "$KEYBOARD")

{
        printf '[CPU]\nCores=1\n[Memory]\nSize=256M\n'
        printf '[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' "$GUEST_KERNEL" "$GUEST_INITRD" "$GUEST_APPEND"
        printf '[Input keyboard]\nDevice=%s\nGrabToggle=ctrl-ctrl\n' "$KEYBOARD"
} | define_guest typist

# QEMU has the keyboard's present node open.
has_keyboard() {
        local node
        node=$(readlink -f "$KEYBOARD")
        [ -c "$node" ]
        find "/proc/$(guest_pid typist)/fd" -lname "$node" | grep -q .
}

has_none() {
        ! find "/proc/$(guest_pid typist)/fd" -lname '/dev/input/*' | grep -q .
}

unplug() {
        echo 0 >"$PLUG/authorized"
        udevadm settle
        [ ! -e "$KEYBOARD" ]
}

plug() {
        echo 1 >"$PLUG/authorized"
        wait_until 10 test -e "$KEYBOARD"
}

given_back() {
        wait_until 30 guest_is typist "$1"
        [ "$(stat -Lc %u:%g "$KEYBOARD")" = "$OWNER" ]
}

kill_qemu() {
        kill -KILL "$(guest_pid typist)"
}

it "A guest with a keyboard starts" usherctl start typist
it "QEMU has the keyboard" wait_until 20 has_keyboard
it "It is unplugged" unplug
it "QEMU lets go of it" wait_until 20 has_none
it "It is plugged in again" plug
it "QEMU has it again" wait_until 20 has_keyboard
it "usherd starts anew" systemctl restart usherd.service
it "It is unplugged once more" unplug
it "It is back once more" plug
it "QEMU has it after all that" wait_until 20 has_keyboard
it "The guest is stopped" usherctl stop typist
it "The host has its keyboard back" given_back stopped

it "The guest starts again" usherctl start typist
it "It has the keyboard again" wait_until 20 has_keyboard
it "QEMU is killed" kill_qemu
it "The host has its keyboard back after that, too" given_back failed

rm -f /etc/usher/guests/typist.guest
finished
