/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How QEMU gets each device of a plan: as a descriptor of the device's own node and iommufd, or by the node
 * of its IOMMU group.
 *
 * Backend=auto takes iommufd where it is known to be no worse: the guest has a single card of the host's.
 * With more, DMA from one to the other (peer-to-peer) goes past iommufd, which maps no memory of devices
 * (QEMU's docs/devel/vfio-iommufd.rst, "P2P DMA"); a mediated device needs its group (the same, "FD passing
 * with mdev"). Memory is no reason: iommufd counts what is pinned for the user (IOPT_PAGES_ACCOUNT_USER in
 * the kernel's drivers/iommu/iommufd), and each guest has a user and a limit of its own. */
#pragma once

#include "private.h"

/* Decides for all devices of the plan. FAULT_RAISED with REFUSED: a section asks for iommufd, and this host
 * or QEMU does not have it; BAD_DEFINITION: two sections want one group in both ways, which the kernel does
 * not do (vfio_group_fops_open() of its group.c). */
int plan_choose_backends(Planning *planning, Fault **ret_fault);
/* Whether the group's node is left alone, as its devices go by iommufd. */
bool plan_by_iommufd(const Host *host, const Plan *plan, int group);
