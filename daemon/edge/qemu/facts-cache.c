/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts-cache.h"

#include <string.h>

#include "../../base/file.h"
#include "../../base/log.h"

#define SIZE_MAX_READ (1024 * 1024)

/* "qemu-system-x86_64.facts". */
static char *cache_name(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);

    return g_strconcat(base, ".facts", NULL);
}

QemuFacts *facts_cache_read(int dir_fd, const char *path)
{
    g_autofree char *name = cache_name(path), *text = NULL;
    QemuFacts *facts = NULL;

    if (dir_fd < 0 || file_read_all_at(dir_fd, name, SIZE_MAX_READ, &text, NULL) < 0)
        return NULL;
    if (qemu_facts_from_text(text, &facts) < 0)
        log_warning("%s in the cache of QEMU's abilities is damaged, or of another usherd; asking again",
                    name);
    return facts;
}

void facts_cache_write(int dir_fd, const QemuFacts *facts)
{
    g_autofree char *name = cache_name(facts->path), *text = qemu_facts_to_text(facts);

    int r = dir_fd < 0 ? 0 : file_replace_at(dir_fd, name, text, 0644);
    if (r < 0)
        log_warning("cannot keep what %s can do in %s: %s", facts->path, name, strerror(-r));
}
