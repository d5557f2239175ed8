/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a journal and claims: a guest, or a group that was bound by hand, named by the device that was
 * asked for. Written "guest/win10" and "bind/0000:01:00.0". */
#pragma once

#include <glib.h>

/* A longer name is cut: it is none of a guest's. */
#define OWNER_TEXT_MAX 80
typedef struct Owner {
    char text[OWNER_TEXT_MAX];
} Owner;

/* By value, so that OWNER_GUEST(name) can be an argument. */
Owner owner_of_guest(const char *name);
Owner owner_of_bind(const char *address);
#define OWNER_GUEST(name) (owner_of_guest(name).text)
#define OWNER_BIND(address) (owner_of_bind(address).text)

/* Which guest an owner is, or which device was asked for, as part of owner; NULL: it is none of that kind, or
 * owner is NULL. */
const char *owner_guest(const char *owner);
const char *owner_bind(const char *owner);
/* Either of both. */
const char *owner_name(const char *owner);

/* The name of its journal: "guest-win10.journal"; NULL if that is not an owner. The caller frees it. */
char *owner_to_file(const char *owner);
/* The reverse; NULL if that is not the name of a journal. */
char *owner_from_file(const char *name);
