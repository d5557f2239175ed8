/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wishes.h"

#include <stdlib.h>
#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "cpu-wish.h"
#include "known-loss.h"
#include "pci-wish.h"

Wishes *wishes_new(const ImportOptions *options)
{
    Wishes *wishes = g_new0(Wishes, 1);

    wishes->draft = draft_new();
    wishes->cpu = cpu_wish_new();
    wishes->pci = g_ptr_array_new_with_free_func(pci_wish_free);
    wishes->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    wishes->mapped = g_hash_table_new(NULL, NULL);
    wishes->options = options;
    return wishes;
}

DEFINE_FREE(Wishes, wishes_free, wishes)
{
    draft_free(wishes->draft);
    cpu_wish_free(wishes->cpu);
    g_ptr_array_unref(wishes->pci);
    g_hash_table_unref(wishes->ids);
    g_hash_table_unref(wishes->mapped);
    g_free(wishes->name);
}

static void leave(const Node *node, void *userdata)
{
    const char *why = known_loss(node);

    draft_left(
        userdata, node, "%s",
        why ?: "import does not know what this asks for; if the guest needs it, look in usher.guest(5)");
}

/* A storage's name may be misspelt. */
static void leave_maps(Wishes *wishes)
{
    for (char **map = wishes->options->maps; map && *map; map++) {
        g_autofree char *option = g_strdup_printf("--map=%s", *map);
        const Node from = {.shown = option};
        if (!g_hash_table_contains(wishes->mapped, *map))
            draft_left(wishes->draft, &from, "no volume in the file is of that storage");
    }
}

void wishes_finish(Wishes *wishes, Node *root)
{
    cpu_wish_write(wishes->cpu, wishes->draft);
    pci_wish_write(wishes);
    wish_boot_numbers(wishes);
    leave_maps(wishes);
    wishes_leave(wishes, root);
}

void wishes_leave(Wishes *wishes, Node *root)
{
    node_walk_left(root, leave, wishes->draft);
}
