/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio-driver.h"

#include <fnmatch.h>
#include <string.h>

#define LINE_START "alias vfio_pci:"

static void alias_free(void *data)
{
    VfioAlias *alias = data;

    g_free(alias->pattern);
    g_free(alias->module);
    g_free(alias);
}

/* "alias PATTERN MODULE" */
static void take_line(GPtrArray *aliases, const char *line, size_t length)
{
    g_autofree char *text = g_strndup(line + strlen("alias "), length - strlen("alias "));
    char *space = strchr(text, ' ');
    VfioAlias *alias;

    if (!space || space[1] == '\0')
        return;
    *space = '\0';
    alias = g_new(VfioAlias, 1);
    *alias = (VfioAlias){.pattern = g_strdup(text), .module = g_strstrip(g_strdup(space + 1))};
    g_ptr_array_add(aliases, alias);
}

GPtrArray *vfio_aliases_parse(const char *text)
{
    GPtrArray *aliases = g_ptr_array_new_with_free_func(alias_free);

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (g_str_has_prefix(line, LINE_START))
            take_line(aliases, line, strcspn(line, "\n"));
    return aliases;
}

bool vfio_driver_valid(const char *driver)
{
    size_t length = strspn(driver, G_CSET_A_2_Z G_CSET_a_2_z "0123456789_-");

    return length > 0 && length <= VFIO_DRIVER_MAX && driver[length] == '\0' && driver[0] != '-';
}

bool vfio_driver_named(const char *driver)
{
    return g_str_has_suffix(driver, "vfio-pci") || g_str_has_suffix(driver, "vfio_pci");
}

bool vfio_driver_same(const char *a, const char *b)
{
    if (!a || !b)
        return !a && !b;
    for (; *a && *b; a++, b++)
        if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
            return false;
    return *a == *b;
}

bool vfio_driver_has(const HostDevice *device)
{
    return device->driver && (device->vfio || vfio_driver_named(device->driver));
}

const char *vfio_driver_registered(const Host *host, const char *driver)
{
    if (host->vfio_pci && vfio_driver_same(driver, VFIO_DRIVER))
        return VFIO_DRIVER;
    for (unsigned i = 0; i < host->drivers->len; i++)
        if (vfio_driver_same(g_ptr_array_index(host->drivers, i), driver))
            return g_ptr_array_index(host->drivers, i);
    return NULL;
}

static unsigned count_wildcards(const char *pattern)
{
    unsigned n = 0;

    for (; *pattern; pattern++)
        n += *pattern == '*' || *pattern == '?' || *pattern == '[';
    return n;
}

/* The same as libvirt's virPCIDeviceFindBestVFIOVariant(): the kernel's order says nothing, and vfio-pci
 * itself has an alias that fits all. */
const char *vfio_driver_best(const Host *host, const HostDevice *device)
{
    /* As the kernel's modalias_show() writes it for the PCI bus. */
    g_autofree char *alias = g_strdup_printf(
        "vfio_pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", device->vendor, device->device, device->subvendor,
        device->subdevice, device->class >> 16 & 0xff, device->class >> 8 & 0xff, device->class & 0xff);
    const char *module = VFIO_DRIVER;
    unsigned fewest = G_MAXUINT;

    for (unsigned i = 0; i < host->vfio_aliases->len; i++) {
        const VfioAlias *candidate = g_ptr_array_index(host->vfio_aliases, i);
        unsigned wildcards = count_wildcards(candidate->pattern);
        if (wildcards >= fewest || fnmatch(candidate->pattern, alias, 0) != 0)
            continue;
        fewest = wildcards;
        module = candidate->module;
    }
    if (vfio_driver_same(module, VFIO_DRIVER))
        return VFIO_DRIVER;
    return vfio_driver_registered(host, module) ?: module;
}

bool vfio_driver_known(const Host *host, const char *driver)
{
    if (vfio_driver_same(driver, VFIO_DRIVER) || vfio_driver_registered(host, driver))
        return true;
    for (unsigned i = 0; i < host->vfio_aliases->len; i++)
        if (vfio_driver_same(((VfioAlias *)g_ptr_array_index(host->vfio_aliases, i))->module, driver))
            return true;
    return false;
}

static void note_name(GHashTable *names, const char *driver)
{
    g_hash_table_add(names, vfio_driver_module(driver));
}

char *vfio_driver_list(const Host *host)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    note_name(names, VFIO_DRIVER);
    for (unsigned i = 0; i < host->vfio_aliases->len; i++)
        note_name(names, ((VfioAlias *)g_ptr_array_index(host->vfio_aliases, i))->module);
    for (unsigned i = 0; i < host->drivers->len; i++)
        if (vfio_driver_named(g_ptr_array_index(host->drivers, i)))
            note_name(names, g_ptr_array_index(host->drivers, i));
    g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(names), (GCompareFunc)strcmp);
    GString *list = g_string_new(NULL);
    for (const GList *name = sorted; name; name = name->next)
        g_string_append_printf(list, "%s%s", name == sorted ? "" : ", ",
                               vfio_driver_same(name->data, VFIO_DRIVER) ? VFIO_DRIVER
                                                                         : (const char *)name->data);
    return g_string_free(list, FALSE);
}

char *vfio_driver_module(const char *driver)
{
    return g_strdelimit(g_strdup(driver), "-", '_');
}
