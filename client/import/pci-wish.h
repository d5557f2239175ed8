/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of host devices that a source names, one by one; at the end those of a slot become one [PCI]
 * section. */
#pragma once

#include "wishes.h"

/* A function "0000:01:00.0" or "01:00.0", or with whole a slot ("0000:01:00"). NULL: that is no address.
 * Borrowed; id is how the source calls it (NULL: not at all). */
PciWish *pci_wish_add(Wishes *wishes, const char *address, const char *id, const Node *from);
/* A part of a device that its driver makes. */
PciWish *pci_wish_add_mediated(Wishes *wishes, const char *uuid, const char *id, const Node *from);
PciWish *pci_wish_find(const Wishes *wishes, const char *id);
/* One of vfio-pci's properties, or "mdev" and "iommufd". */
void pci_wish_property(PciWish *pci, const char *name, const char *value, const Node *from);

void pci_wish_free(void *pci);
void pci_wish_write(Wishes *wishes);
