#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A QEMU that dies while it starts. x-vga=on makes QEMU 7.2 do so with this card (a segmentation fault); a bad option makes it say why.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

define_guest crash <<EOF
[CPU]
Cores=1
[Memory]
Size=256M
[PCI gpu]
Address=$GPU
PrimaryVGA=yes
EOF
refused "A start during which QEMU crashes fails and says by what" 'QEMU of guest crash was killed by signal 11' usherctl start crash
expect_match "The guest has failed" "$(usherctl status crash || true)" 'failed'
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

make_strange_image /var/lib/usher/strange.img
define_guest words <<EOF
[CPU]
Cores=1
[Memory]
Size=256M
[PCI gpu]
Address=$GPU
[Disk system]
Path=/var/lib/usher/strange.img
Format=qcow2
EOF
refused "A start that QEMU gives up fails" 'QEMU of guest words ended with exit status 1' usherctl start words
expect_match "Its status has QEMU's last words" "$(usherctl status words || true)" 'Unsupported qcow2 feature'
expect_match "So has its unit's journal" "$(journalctl -u usher-guest@words --no-pager)" 'Unsupported qcow2 feature'
expect_eq "And the host is as before" "$(host_snapshot)" "$before"
finished
