/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names from pci.ids by libpci. The list (30,000 names) is loaded for a batch of questions and freed after
 * it. */
#pragma once

#include <stdint.h>

#include "../../core/host/host.h"

/* Each its number as text ("0300", "1002", "5046") where the list does not know it, or is not there. */
typedef struct PciNames {
    const char *class;  /* "VGA compatible controller" */
    const char *vendor; /* "Advanced Micro Devices, Inc. [AMD/ATI]" */
    const char *model;
} PciNames;

/* Remembers the answers for the life of the process. Strings belong to the table. Asks libpci once for
 * everything in host that is not known yet. */
typedef struct PciNameTable PciNameTable;
PciNameTable *pci_name_table_new(void);
PciNameTable *pci_name_table_free(PciNameTable *table);
void pci_name_table_learn(PciNameTable *table, const Host *host);
/* What was not learnt comes as numbers. */
PciNames pci_name_table_get(PciNameTable *table, const HostDevice *device);
