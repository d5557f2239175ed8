/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is this host fit for passthrough? Findings for `usherctl check`. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../core/host/host.h"
#include "../../core/qemu/facts.h"
#include "../../edge/scan/host-widths.h"
#include "../engine.h"

typedef enum FindingLevel {
    FINDING_OK,
    FINDING_NOTE,
    FINDING_WARNING,
    FINDING_ERROR,
} FindingLevel;

typedef struct Finding {
    const char *id; /* "iommu" */
    FindingLevel level;
    char *message;
    char *remedy; /* "" where there is nothing to do */
} Finding;

const char *finding_level_to_string(FindingLevel level);
void finding_free(Finding *finding);

/* remedy NULL: nothing to do. */
void finding_add(GPtrArray *findings, const char *id, FindingLevel level, const char *remedy,
                 const char *format, ...) G_GNUC_PRINTF(5, 6);

/* facts NULL: QEMU could not be asked, and qemu_message says why. The caller frees the array. */
GPtrArray *check_host(const Engine *engine, const Host *host, const QemuFacts *facts,
                      const char *qemu_message); /* of Finding, owned */

/* check-guests.c: what the host lacks of what a guest's definition asks for, beyond what keeps it from
 * starting. */
void check_guest(GPtrArray *findings, const Host *host, const GuestDefinition *definition);
/* Likewise: whether the host's addresses reach as far as the guest's. */
void check_widths(GPtrArray *findings, const HostWidths *widths, const GuestDefinition *definition);
