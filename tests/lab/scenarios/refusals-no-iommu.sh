#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: no-iommu
#
# Without an IOMMU no device is lent, and the message says how to get one.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)
define_guest demo <<EOF
[PCI gpu]
Address=$GPU
EOF
refused "A start says what is missing and how to switch it on" 'IOMMU.*intel_iommu=on' usherctl start demo
refused "So does a bind" 'IOMMU.*intel_iommu=on' usherctl bind "$GPU"
expect_match "The check finds it" "$(usherctl check || true)" 'no IOMMU'
expect_eq "The host is as before" "$(host_snapshot)" "$before"
finished
