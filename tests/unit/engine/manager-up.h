/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A daemon that comes up upon the rig, with the rig's definition as guest win10. */
#pragma once

#include <string.h>

#include "../../../daemon/engine/manager/manager.h"
#include "rig.h"

#define TCG "[CPU]\nAccelerator=tcg\n"

static inline void define(const Rig *rig, const char *name, const char *text)
{
    g_autofree char *path = g_strdup_printf("%s/%s.guest", rig->definitions_path, name);
    g_autofree char *all = g_strconcat(TCG, text, NULL);

    ck_assert(g_file_set_contents(path, all, -1, NULL));
}

static inline void manager_freep(Manager **manager)
{
    manager_free(*manager);
}
#define _cleanup_manager_ __attribute__((cleanup(manager_freep)))

/* The daemon comes up: with the definition of the rig as guest win10. */
static inline Manager *come_up(Rig *rig)
{
    Manager *manager = NULL;

    define(rig, "win10", rig->definition);
    ck_assert_int_eq(manager_new(&rig->engine, &manager), 0);
    manager_recover(manager);
    return manager;
}

static inline GuestView view_of(Manager *manager, const char *name)
{
    GuestView view;

    ck_assert_msg(manager_guest(manager, name, &view), "there is no guest %s", name);
    return view;
}

static inline void assert_refused(int r, Fault *fault, FaultKind kind, const char *words)
{
    ck_assert_int_eq(r, FAULT_RAISED);
    ck_assert_int_eq(fault->kind, kind);
    ck_assert_msg(strstr(fault->message, words), "%s", fault->message);
    fault_free(fault);
}

static inline void on_planned(const GPtrArray *steps, const Fault *fault, void *userdata)
{
    unsigned *count = userdata;

    ck_assert_msg(steps, "%s", fault ? fault->message : "");
    *count = steps->len;
}

/* How many steps a start would take. */
static inline unsigned count_steps(const Rig *rig, Manager *manager, const char *guest)
{
    unsigned count = G_MAXUINT;

    ck_assert_int_eq(manager_plan_start(manager, guest, false, on_planned, &count, NULL), 0);
    rig_settle(rig);
    ck_assert_msg(count != G_MAXUINT, "the plan was not told");
    return count;
}
