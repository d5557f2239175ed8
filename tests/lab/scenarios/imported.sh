#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The script that the wiki's page has people write, imported by one command, runs its guest. Address, memory and vCPUs are this
# host's, as whoever copies the script writes his own; and it boots a kernel, as there is no system on its disk.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

mkdir -p /root/vm
cat >/root/vm/start.sh <<EOF
#!/bin/sh
modprobe vfio-pci
for dev in $GPU $GPU_AUDIO; do
        vendor=\$(cat /sys/bus/pci/devices/\$dev/vendor)
        device=\$(cat /sys/bus/pci/devices/\$dev/device)
        if [ -e /sys/bus/pci/devices/\$dev/driver ]; then
                echo \$dev > /sys/bus/pci/devices/\$dev/driver/unbind
        fi
        echo \$vendor \$device > /sys/bus/pci/drivers/vfio-pci/new_id
done
qemu-kvm -m 256M -cpu host -smp sockets=1,cores=1,threads=2 \\
        -device pci-assign,host=${GPU#0000:} -device pci-assign,host=${GPU_AUDIO#0000:} \\
        -kernel $GUEST_KERNEL -initrd $GUEST_INITRD -append "$GUEST_APPEND" \\
        vmImage.img
EOF
modprobe vfio-pci
before=$(host_snapshot)

it "The script is imported by one command" usherctl import --define /root/vm/start.sh wiki
report=$(cat "$lab_output" "$lab_errors")
expect_match "It tells what became of pci-assign" "$report" 'pci-assign is gone since QEMU 2.12; vfio-pci lends the device'
expect_match "It tells that the image has no whole path" "$report" 'vmImage.img is a relative path'
expect_eq "It needs no arguments of QEMU's" "$(grep -c '^\[QEMU\]' /etc/usher/guests/wiki.guest)" 0
expect_eq "Nothing on the host has changed by it" "$(host_snapshot)" "$before"

# As the guest of the README's example (package.sh): KVM within QEMU's TCG emulates a VGA BIOS badly.
mkdir -p /etc/usher/guests/wiki.guest.d
section=$(grep '^\[PCI ' /etc/usher/guests/wiki.guest)
printf '%s\nROMBar=no\n' "$section" >/etc/usher/guests/wiki.guest.d/lab.conf
it "usherd reads it" usherctl reload

it "The guest starts" usherctl start wiki
it "It gets ready" wait_until 180 guest_said wiki 'usher-guest: ready'
expect_match "It sees the GPU" "$(guest_console wiki)" '^pci 0000:.*:00\.0 1002:5046 030000 multi'
expect_match "And its audio function beside it" "$(guest_console wiki)" '^pci 0000:.*:00\.1 8086:2668 040300'
it "It stops" usherctl stop wiki
expect_eq "The host has its devices back, as they were" "$(host_snapshot)" "$before"
finished
