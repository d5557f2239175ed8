/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/definition.h"
#include "looking-glass.h"

char *looking_glass_path(const GuestDefinition *definition)
{
    if (definition->looking_glass.device)
        return g_strdup(definition->looking_glass.device);
    return g_strconcat(LOOKING_GLASS_PREFIX, definition->name, NULL);
}

void plan_add_looking_glass(Plan *plan, const GuestDefinition *definition)
{
    if (definition->looking_glass.size == 0 || definition->looking_glass.device)
        return;
    g_autofree char *path = looking_glass_path(definition);
    g_autofree char *after =
        g_strdup_printf("%" G_GUINT64_FORMAT " %s " STEP_VALUE_GUEST, definition->looking_glass.size,
                        definition->looking_glass.owner ?: "root");
    g_ptr_array_add(plan->steps, step_new(STEP_SHARED_MEMORY, path, "", after));
}
