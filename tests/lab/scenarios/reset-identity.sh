#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# What a reset takes along, how a device is identified, and what is done with one that is dead or has failed;
# unusual power settings come back.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci

# property ADDRESS NAME
property() {
        busctl --json=short get-property org.usher1 "/org/usher1/device/$(sed 's/[:.]/_&/g; s/:/3a/g; s/\./2e/g; s/^0/_30/' <<<"$1")" \
                org.usher1.Device "$2"
}

dead() {
        property "$1" State | grep -q '"dead"'
}

# Identity.

fingerprint=$(usherctl show --fingerprint "$GPU")
expect_match "A fingerprint is a line for a definition" "$fingerprint" \
        '^Fingerprint=1002:5046 [0-9a-f]{4}:[0-9a-f]{4} 030000 0000:00:03\.0/00\.0$'
expect_eq "It is on the bus as well" "$(property "$GPU" Fingerprint)" "{\"type\":\"s\",\"data\":\"${fingerprint#*=}\"}"
define_linux_guest_with right lab.poweroff '[PCI gpu]' "Address=$GPU" "$fingerprint"
unchanged "A definition with the device's fingerprint is fine" usherctl start --dry-run right
define_linux_guest_with twin lab.poweroff '[PCI gpu]' "Address=$TWIN" "$fingerprint"
refused "The twin at that address is another device, and the device is named where it is" \
        "\[PCI gpu\] Fingerprint=: $TWIN is another device: .*; the device is at $GPU now: correct Address=" usherctl start twin
define_linux_guest_with gone lab.poweroff '[PCI gpu]' "Address=$GPU" "${fingerprint/00:03.0/00:1f.0}"
refused "A device that is in no such place any more is not guessed at" \
        "another device.*a device of the same make is at $GPU, $TWIN" usherctl start gone
define_linux_guest_with broken lab.poweroff '[PCI gpu]' "Address=$GPU" 'Fingerprint=1002:5046'
refused "Half a fingerprint is a mistake, with the way to a whole one" \
        'broken.guest:[0-9]+: .*Fingerprint=1002:5046 is not a fingerprint.*usherctl show --fingerprint' usherctl start broken

# What a reset takes along.

expect_match "The GPU is reset with its audio function" "$(usherctl status "$GPU" || true)" "Reset with: $GPU $GPU_AUDIO$"
expect_match "One card behind the bridge is reset with the other" "$(usherctl status "$BRIDGED_A" || true)" \
        "Reset with: $BRIDGED_A $BRIDGED_B$"

# A device that does not answer. The real thing cannot be had from an emulated card: the attribute is covered by a file of ones.

printf '\377\377\377\377' >/run/dead
mount --bind /run/dead "/sys/bus/pci/devices/$EDU/config"
udevadm trigger --action=change "/sys/bus/pci/devices/$EDU"
it "A device whose config space reads as ones is dead" wait_until 20 dead "$EDU"
define_linux_guest_with dead lab.poweroff '[PCI edu]' "Address=$EDU"
refused "It is refused with words" "$EDU is dead: its config space reads as all ones.*off and on again" usherctl start dead
refused "By hand, too" "$EDU is dead" usherctl bind "$EDU"
umount "/sys/bus/pci/devices/$EDU/config"

# Power settings.

echo auto >"/sys/bus/pci/devices/$GPU/power/control"
echo on >"/sys/bus/pci/devices/$GPU_AUDIO/power/control"
echo 0 >"/sys/bus/pci/devices/$GPU_AUDIO/d3cold_allowed"
before=$(host_snapshot)
it "A guest with the GPU starts" usherctl start right
expect_match "While it runs the GPU is kept awake" "$(host_snapshot)" "^pci $GPU .*power=.* d3cold=0"
it "It ends by itself" wait_until 120 guest_is right stopped
expect_eq "And the odd power settings are as before" "$(host_snapshot)" "$before"
finished
