/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "wire.h"

int wire_pack(const char *const *words, GByteArray **ret)
{
    if (!words[0])
        return -EINVAL;

    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (unsigned i = 0; words[i]; i++) {
        size_t size = strlen(words[i]) + 1;
        if (size > WIRE_MESSAGE_MAX - bytes->len)
            return -E2BIG;
        g_byte_array_append(bytes, (const guint8 *)words[i], size);
    }
    *ret = g_steal_pointer(&bytes);
    return 0;
}

int wire_unpack(const void *bytes, size_t size, char ***ret)
{
    const char *text = bytes;
    if (size == 0 || size > WIRE_MESSAGE_MAX || text[size - 1] != '\0')
        return -EBADMSG;

    GPtrArray *words = g_ptr_array_new();
    for (size_t at = 0; at < size; at += strlen(text + at) + 1)
        g_ptr_array_add(words, g_strdup(text + at));
    g_ptr_array_add(words, NULL);
    *ret = (char **)g_ptr_array_free(words, FALSE);
    return 0;
}
