#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A USB device of the host's goes to a guest, and again after it was unplugged. The host's driver has it again
# however the guest ends.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

udevadm settle
KEYBOARD=$(find /dev/input/by-id -name '*-event-kbd' | head -n 1)
[ -n "$KEYBOARD" ] || skip "the lab host has no keyboard"
# Where the keyboard is plugged in: the USB device above its input device.
PLUG=$(readlink -f "/sys/class/input/$(basename "$(readlink -f "$KEYBOARD")")/device")
while [ ! -e "$PLUG/idVendor" ]; do PLUG=${PLUG%/*}; done
PORT=${PLUG##*/}
ID=$(cat "$PLUG/idVendor"):$(cat "$PLUG/idProduct")

a_guest() {
        printf '[CPU]\nCores=1\n[Memory]\nSize=256M\n'
        printf '[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' "$GUEST_KERNEL" "$GUEST_INITRD" "$GUEST_APPEND"
        cat
}

driver() {
        basename "$(readlink "/sys/bus/usb/devices/$PORT:1.0/driver" || echo none)"
}

# Looks for the end of the name: usher-bind opened it in a /dev that went with usher-bind.
has_keyboard() {
        find "/proc/$(guest_pid typist)/fd" -lname '*/bus/usb/*' | grep -q .
        [ "$(driver)" != usbhid ]
        usherctl status typist | grep -q "USB: keyboard: $ID at port $PORT"
}

has_none() {
        [ -z "$(find "/proc/$(guest_pid typist)/fd" -lname '*/bus/usb/*')" ]
        usherctl status typist | grep -q 'USB: keyboard: .* is not plugged in'
}

# Unplugs everything on the controller, and plugs it in again. (`authorized` would leave the device in place.)
unplug() {
        echo "$XHCI" >/sys/bus/pci/drivers/xhci_hcd/unbind
        [ ! -e "$PLUG" ]
}

plug() {
        echo "$XHCI" >/sys/bus/pci/drivers/xhci_hcd/bind
        wait_until 20 test -e "$PLUG"
}

given_back() {
        wait_until 30 guest_is typist "$1"
        wait_until 10 test -e "$KEYBOARD"
        [ "$(driver)" = usbhid ]
}

kill_qemu() {
        kill -KILL "$(guest_pid typist)"
}

printf '[USB any]\nID=%s\n' "$ID" | a_guest | define_guest any
refused "Of several that are alike none is guessed" "\[USB any\] $ID could be any of these: $ID at port .*, $ID at port" usherctl start any
printf '[USB keyboard]\nPort=%s\n[Input keyboard]\nDevice=%s\n' "$PORT" "$KEYBOARD" | a_guest | define_guest any
refused "One that [Input] asks for, too, is refused" 'ask for the same device' usherctl start any
printf '[USB keyboard]\nPort=%s\n' "$PORT" | a_guest | define_guest any
printf '[USB keyboard]\nID=%s\nPort=%s\n' "$ID" "$PORT" | a_guest | define_guest typist

it "A guest with a USB keyboard starts" usherctl start typist
it "QEMU has the keyboard" wait_until 20 has_keyboard
refused "Another guest does not get it" "is in use by guest typist" usherctl start any
it "It is unplugged" unplug
it "QEMU lets go of it" wait_until 20 has_none
it "It is plugged in again" plug
it "QEMU has it again" wait_until 20 has_keyboard
it "usherd starts anew" systemctl restart usherd.service
it "QEMU has it still" wait_until 20 has_keyboard
it "It is unplugged once more" unplug
it "QEMU lets go of it once more" wait_until 20 has_none
it "It is back once more" plug
it "QEMU has it after all that" wait_until 20 has_keyboard
it "The guest is stopped" usherctl stop typist
it "The host's driver has the keyboard again" given_back stopped

it "The guest starts again" usherctl start typist
it "It has the keyboard again" wait_until 20 has_keyboard
it "QEMU is killed" kill_qemu
it "The host's driver has it after that, too" given_back failed

it "The keyboard is unplugged before the guest starts" unplug
it "The guest starts without" usherctl start typist
it "It is said what is missing" wait_until 20 has_none
it "It comes later" plug
it "The guest gets it then" wait_until 20 has_keyboard
it "The guest is stopped for good" usherctl stop typist
it "The host has its keyboard" given_back stopped

rm -f /etc/usher/guests/typist.guest /etc/usher/guests/any.guest
finished
