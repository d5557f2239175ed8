/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders that a definition shares. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

typedef enum ShareType {
    SHARE_TYPE_AUTO, /* until host_tools_settle() */
    SHARE_TYPE_VIRTIOFS,
    SHARE_TYPE_9P,
    SHARE_TYPE_MAX,
    SHARE_TYPE_INVALID = -EINVAL,
} ShareType;

typedef enum ShareOwner {
    SHARE_OWNER_HOST,   /* owners and modes are the host's */
    SHARE_OWNER_MAPPED, /* they are the guest's: its own, in extended attributes (9p), or all its root's */
    SHARE_OWNER_MAX,
    SHARE_OWNER_INVALID = -EINVAL,
} ShareOwner;

/* [Share name] */
struct DefinitionShare {
    char *name;
    char *path; /* absolute */
    char *tag;  /* NULL: the section's name */
    ShareType type;
    bool read_only;
    bool optional; /* the guest starts without it, too */
    bool absent;   /* and does so now: definition_set_absent() */
    ShareOwner owner;
};
