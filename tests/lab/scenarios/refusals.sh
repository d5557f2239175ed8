#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# What usher will not do, with the words it says it in; the host stays as it is, to the byte.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

# define_with NAME LINE…: a guest that is fine but for these lines
define_with() {
        local name=$1
        shift
        {
                printf '[CPU]\nCores=1\n[Memory]\nSize=256M\n'
                printf '%s\n' "$@"
        } | define_guest "$name"
}

define_with nowhere '[PCI gpu]' 'Address=0000:7f:00.0'
refused "A device that is not there" '0000:7f:00\.0' usherctl start nowhere

define_with half '[PCI card]' "Address=$BRIDGED_A"
refused "A group that holds more than was asked for, named with its driver" "$BRIDGED_B.*snd_ens1370" usherctl start half
refused "The same when it is bound by hand" "$BRIDGED_B.*snd_ens1370" usherctl bind "$BRIDGED_A"

define_with gpu-alone '[PCI gpu]' "Address=$GPU" 'Functions=0'
refused "The GPU without its audio function" "$GPU_AUDIO" usherctl start gpu-alone

define_with bridge '[PCI x]' "Address=$BRIDGE"
refused "A bridge" "$BRIDGE" usherctl start bridge

define_with route '[PCI nic]' "Address=$NIC"
refused "The card with the default route" "$NIC.*default route" usherctl start route

# It has fbcon; DISPLAY2 has a DRM node and a framebuffer, too.
define_with screen '[PCI card]' "Address=$HOST_VGA"
refused "The card with the host's console, though another card is driven" \
        "$HOST_VGA \\(bochs-drm\\) is needed by the host: console on fb0; move the console to another card" usherctl start screen
refused "That start is not planned either" "$HOST_VGA .*is needed by the host: console" usherctl start --dry-run screen
refused "The same when it is bound by hand" "$HOST_VGA .*is needed by the host: console" usherctl bind "$HOST_VGA"
expect_eq "It has its driver" "$(basename "$(readlink "/sys/bus/pci/devices/$HOST_VGA/driver")")" bochs-drm
it "The other card is not refused for it" usherctl bind --dry-run "$DISPLAY2"

define_with kernel '[Kernel]' 'Image=/boot/no-such-kernel'
refused "A kernel image that is missing" 'Image=/boot/no-such-kernel: No such file.*put the file there, or correct Image=' usherctl start kernel

define_with disk '[Disk system]' 'Path=/var/no-such-disk' 'Format=raw'
refused "A disk that is missing" 'Path=/var/no-such-disk: No such file' usherctl start disk

define_with typo '[PCI gpu]' 'Adress=01:00.0'
refused "A mistake in a definition, with line and the word that was meant" 'typo.guest:6: .*Adress=.*Address=' usherctl start typo

mv /usr/bin/qemu-system-x86_64 /usr/bin/qemu-away
define_with plain
refused "QEMU that is not installed" '/usr/bin/qemu-system-x86_64: No such file.*apt install' usherctl start plain
mv /usr/bin/qemu-away /usr/bin/qemu-system-x86_64

refused "A guest that nobody defined" 'no guest nobody' usherctl start nobody
for name in '../../etc/passwd' 'a/b' $'two\nlines' '..'; do
        refused "A name with what no name has: ${name@Q}" 'is not the name of a guest; use a-z, 0-9 and -' \
                busctl call org.usher1 /org/usher1 org.usher1.Manager StartGuest 'sa{sv}' "$name" 0
done

denied() {
        runuser -u nobody -- usherctl start plain
}
refused "A user whom polkit does not allow it" '[Nn]ot authori[sz]ed|authenticat' denied
it "That user may look all the same" runuser -u nobody -- usherctl devices --no-pager

# systemd starts units without asking usherctl: the same words are in the unit's log.
it "A start by systemd fails, too" bash -c '! systemctl start usher-guest@half'
expect_match "And says the same in its log" "$(journalctl -u usher-guest@half --no-pager)" "$BRIDGED_B.*snd_ens1370"

expect_eq "After all of it the host is as before" "$(host_snapshot)" "$before"
finished
