/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From another tool's description of a guest to a definition and the three lists. */
#pragma once

#include "wishes.h"

typedef enum ImportFormat {
    IMPORT_LIBVIRT,
    IMPORT_PROXMOX,
    IMPORT_QEMU,
    IMPORT_FORMAT_MAX,
    IMPORT_FORMAT_INVALID = -EINVAL,
} ImportFormat;

/* More than any tool writes. */
#define IMPORT_SIZE_MAX (1024 * 1024)

ImportFormat import_format_from_string(const char *name);
/* By what the text begins with. */
ImportFormat import_format_guess(const char *text, size_t size);

typedef struct Import {
    Draft *draft; /* settled */
    char *name;   /* for the guest, valid */
} Import;

/* The first map that is not a storage and an absolute path, as "STORAGE=/FOLDER" is; NULL: all are. */
const char *import_bad_map(char *const *maps);

/* Reads a text that has size bytes and a NUL behind them. name: for the guest; NULL: the source's own. NULL:
 * *ret_why says why not; the caller frees either. */
Import *import_read(ImportFormat format, const char *path, const char *text, size_t size, const char *name,
                    const ImportOptions *options, char **ret_why);
Import *import_free(Import *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Import, import_free)

/* "Living Room.xml" → "living-room". The caller frees it. */
char *import_guest_name(const char *wish);
