/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest counts its disks by bus and place, whatever the order of the words. */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "qemu-private.h"

/* A place on a bus, and the option that has it. */
typedef struct Seat {
    Node *node;
    unsigned position; /* of the option among all */
    unsigned index;
    bool said;
    char *bus;
} Seat;

DEFINE_ELEMENT_FREE(Seat, seat_free, seat)
{
    g_free(seat->bus);
}

static bool number_of(const Node *node, const char *name, unsigned *ret)
{
    const char *text = node_look(node, name);

    if (!text || !g_ascii_isdigit(*text))
        return false;
    *ret = MIN(strtoul(text, NULL, 10), 1u << 16);
    return true;
}

/* -drive: IDE has two places a bus, SCSI seven (hw/core/blockdev: if_max_devs). */
static void seat_drive(const Node *node, Seat *seat)
{
    unsigned bus = 0, unit = 0;
    const char *interface = node_look(node, "if") ?: "ide";

    if (g_str_equal(interface, "none"))
        return;
    seat->bus = g_strdup(interface);
    seat->said = number_of(node, "index", &seat->index);
    if (seat->said || (!number_of(node, "unit", &unit) && !number_of(node, "bus", &bus)))
        return;
    number_of(node, "bus", &bus);
    seat->said = true;
    seat->index = bus * (g_str_equal(interface, "ide") ? 2 : g_str_equal(interface, "scsi") ? 7 : 1) + unit;
}

/* -device: "ide.1" is the second port, and scsi-id the place on a bus of SCSI. */
static void seat_device(const Node *node, Seat *seat)
{
    const char *driver = node_look(node, "driver") ?: "", *bus = node_look(node, "bus");
    const char *dot = bus ? strrchr(bus, '.') : NULL;
    unsigned id = 0, more = 0;

    if (g_str_has_prefix(driver, "ide-") && dot && g_ascii_isdigit(dot[1])) {
        seat->bus = g_strndup(bus, dot - bus + 1);
        number_of(node, "unit", &more);
        seat->index = MIN(strtoul(dot + 1, NULL, 10), 1u << 16) * 2 + more;
        seat->said = true;
    } else if (g_str_has_prefix(driver, "scsi-") && bus) {
        seat->bus = g_strdup(bus);
        seat->said = number_of(node, "scsi-id", &id);
        number_of(node, "lun", &more);
        seat->index = id * 256 + more;
    }
}

static Seat *seat_of(const Qemu *qemu, Node *node, unsigned position)
{
    Seat *seat = g_new0(Seat, 1);

    seat->node = node;
    seat->position = position;
    if (strlen(node->name) == strlen("-hda") && g_str_has_prefix(node->name, "-hd")) {
        seat->bus = g_strdup("ide");
        seat->index = node->name[3] - 'a';
        seat->said = true;
    } else if (g_str_equal(node->name, "-cdrom")) {
        seat->bus = g_strdup("ide");
        seat->index = 2;
        seat->said = true;
    } else if (g_str_equal(node->name, "-drive") &&
               !qemu_find(qemu, "-device", "drive", node_look(node, "id"))) {
        seat_drive(node, seat);
    } else if (g_str_equal(node->name, "-device")) {
        seat_device(node, seat);
    }
    return seat;
}

/* QEMU gives the first free place to a disk without a number. */
static void choose(const GPtrArray *seats, Seat *seat)
{
    for (unsigned i = 0; i < seats->len; i++) {
        const Seat *other = seats->pdata[i];
        if (g_str_equal(other->bus, seat->bus) && !other->said && other->index >= seat->index)
            seat->index = other->index + 1;
    }
    for (unsigned i = 0; i < seats->len; i++) {
        const Seat *other = seats->pdata[i];
        if (g_str_equal(other->bus, seat->bus) && other->said && other->index == seat->index)
            seat->index++;
    }
}

static void swap_behind(const GPtrArray *seats, Seat *seat)
{
    for (unsigned i = 0; i < seats->len; i++) {
        Seat *other = seats->pdata[i];
        if (!g_str_equal(other->bus, seat->bus) || other->index <= seat->index)
            continue;
        Seat kept = *other;
        other->node = seat->node;
        other->index = seat->index;
        other->said = seat->said;
        seat->node = kept.node;
        seat->index = kept.index;
        seat->said = kept.said;
    }
}

void qemu_sort_disks(const Qemu *qemu)
{
    g_autoptr(GPtrArray) seats = g_ptr_array_new_with_free_func(seat_free);

    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        Seat *seat = seat_of(qemu, qemu->root->children->pdata[i], i);
        if (!seat->bus) {
            seat_free(seat);
            continue;
        }
        if (!seat->said)
            choose(seats, seat);
        swap_behind(seats, seat);
        g_ptr_array_add(seats, seat);
    }
    for (unsigned i = 0; i < seats->len; i++) {
        const Seat *seat = seats->pdata[i];
        qemu->root->children->pdata[seat->position] = seat->node;
    }
}
