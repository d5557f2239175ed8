/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of a qcow2 image (QEMU's docs/interop/qcow2.txt): what it says of other files, and an empty
 * image's. Who made an image is not known, so nothing in it is believed but within its bounds. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So much of a file is enough for qcow2_read(). */
#define QCOW2_HEADER_BYTES 104
/* The longest name of a backing file. */
#define QCOW2_NAME_BYTES 1023

typedef struct Qcow2Header {
    uint64_t size;        /* bytes that the guest sees */
    uint64_t name_offset; /* where in the file the name of the backing file is; 0: it has none */
    uint32_t name_size;   /* 1 to QCOW2_NAME_BYTES */
    bool external_data;   /* its contents are in another file, which it names */
} Qcow2Header;

/* The first bytes of a file. 0; -EINVAL: this is not a qcow2 image; -EBADMSG: one that no program can have
 * written. */
int qcow2_read(const void *bytes, size_t size, Qcow2Header *ret);

/* The name of the backing file as the image has it, for messages and comparisons: what is not printable is
 * escaped. The caller frees it. */
char *qcow2_name(const void *bytes, size_t size);

/* Where that name leads. A name without a leading slash is relative to the image's folder; NULL if the
 * name is not a path (QEMU takes "nbd:…" and "json:{…}", too). The caller frees it. */
char *qcow2_backing_path(const char *image, const char *name);

/* The beginning of an empty image; *ret_length is how long its file is to be, filled up with zeros. backing
 * NULL: none; else its format is "raw" or "qcow2". NULL if its name is longer than QCOW2_NAME_BYTES. */
GByteArray *qcow2_new(uint64_t size, const char *backing, const char *backing_format, uint64_t *ret_length);
