/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The virtiofsd of a host, as it describes itself. There are two: QEMU's own, up to 7.2, written in C, and
 * the one that took its place, written in Rust (gitlab.com/virtio-fs/virtiofsd). Where they lie differs from
 * distribution to distribution, and either may lie where the other was. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What it has to answer to be known. */
#define VIRTIOFSD_ASK_CAPABILITIES "--print-capabilities"
#define VIRTIOFSD_ASK_HELP "--help"

typedef struct Virtiofsd {
    char *path;
    bool usable;     /* it has all the options that a share needs */
    bool separate;   /* each option is one of its own ("separate-options"); else they are words of -o */
    bool read_only;  /* it can keep a guest from writing */
    bool translates; /* it can show owners in another way than the host has them */
} Virtiofsd;

/* answers: what it printed when it was asked for its capabilities (docs/interop/vhost-user.rst of QEMU's,
 * "Backend program conventions") and for help; either may be NULL. Never NULL: one whose answers make no
 * sense is not usable. The caller frees it. */
Virtiofsd *virtiofsd_from_answers(const char *path, const char *capabilities, const char *help);

/* The program that a descriptor names (docs/interop/vhost-user.json of QEMU's), if it serves folders: an
 * absolute path, which the caller frees; else NULL. */
char *virtiofsd_described(const char *text, size_t size);

/* One of today's, whose answers nobody has read. */
Virtiofsd *virtiofsd_assume(const char *path);

Virtiofsd *virtiofsd_copy(const Virtiofsd *virtiofsd);
/* NULL is fine; returns NULL. */
Virtiofsd *virtiofsd_free(Virtiofsd *virtiofsd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Virtiofsd, virtiofsd_free)
