/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices (drivers/vfio/mdev in the kernel): those that are there, those that a driver can make, and
 * what the driver does upon create and remove. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-host-private.h"
#include "scratch.h"

typedef struct FakeMediated {
    char *uuid, *parent, *type;
    int group;
} FakeMediated;

void fake_mediated_free(void *pointer)
{
    FakeMediated *mediated = pointer;

    g_free(mediated->uuid);
    g_free(mediated->parent);
    g_free(mediated->type);
    g_free(mediated);
}

static char *type_path(const FakeHost *host, const char *parent, const char *type, const char *attribute)
{
    return fake_text("%s/mdev_supported_types/%s%s", fake_device_of(host, parent)->path, type, attribute);
}

/* How many more can be made; -1: the test said of none that it can. */
static int available(const FakeHost *host, const char *parent, const char *type)
{
    g_autofree char *name = type_path(host, parent, type, "/available_instances"),
                    *path = fake_text("%s/sys/%s", host->path, name), *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? atoi(text) : -1;
}

static void set_available(const FakeHost *host, const char *parent, const char *type, int number)
{
    g_autofree char *name = type_path(host, parent, type, "/available_instances"),
                    *text = fake_text("%d\n", number);

    fake_tree_put(host->sys_fd, name, text);
}

void fake_host_add_mediated(FakeHost *host, const char *uuid, const char *parent, const char *type, int group)
{
    const char *above = fake_device_of(host, parent)->path;
    FakeMediated *mediated = g_new(FakeMediated, 1);
    g_autofree char *path = fake_text("%s/%s", above, uuid), *by_bus = fake_text("bus/mdev/devices/%s", uuid);
    g_autofree char *types = type_path(host, parent, type, ""),
                    *api = type_path(host, parent, type, "/device_api");
    g_autofree char *type_link = fake_text("%s/mdev_type", path);
    g_autofree char *groups = fake_text("kernel/iommu_groups/%d", group);
    g_autofree char *group_link = fake_text("%s/iommu_group", path), *node = fake_text("vfio/%d", group);

    *mediated = (FakeMediated){g_strdup(uuid), g_strdup(parent), g_strdup(type), group};
    g_ptr_array_add(host->mediated, mediated);
    fake_tree_put(host->sys_fd, api, "vfio-pci\n");
    fake_tree_make(host->sys_fd, path);
    fake_tree_make(host->sys_fd, groups);
    fake_tree_link(host->sys_fd, type_link, types);
    fake_tree_link(host->sys_fd, group_link, groups);
    fake_tree_link(host->sys_fd, by_bus, path);
    int fd = openat(host->dev_fd, node, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

void fake_host_add_mediated_type(FakeHost *host, const char *parent, const char *type, const char *words,
                                 unsigned number, int first_group)
{
    FakeDevice *device = fake_device_of(host, parent);
    g_autofree char *line = fake_text("%s\n", words);
    g_autofree char *api = type_path(host, parent, type, "/device_api"),
                    *name = type_path(host, parent, type, "/name");

    fake_tree_put(host->sys_fd, api, "vfio-pci\n");
    fake_tree_put(host->sys_fd, name, line);
    set_available(host, parent, type, number);
    device->first_mediated_group = first_group;
}

static FakeMediated *find(const FakeHost *host, const char *uuid)
{
    for (unsigned i = 0; i < host->mediated->len; i++) {
        FakeMediated *mediated = g_ptr_array_index(host->mediated, i);
        if (g_str_equal(mediated->uuid, uuid))
            return mediated;
    }
    return NULL;
}

static bool group_taken(const FakeHost *host, int group)
{
    for (unsigned i = 0; i < host->mediated->len; i++)
        if (((FakeMediated *)g_ptr_array_index(host->mediated, i))->group == group)
            return true;
    return false;
}

/* mdev_device_create() */
static int create(FakeHost *host, const char *parent, const char *type, const char *uuid)
{
    const FakeDevice *device = fake_device_find(host, parent);
    int left = device ? available(host, parent, type) : -1, group = device ? device->first_mediated_group : 0;

    if (left < 0)
        return -ENOENT;
    if (!g_uuid_string_is_valid(uuid))
        return -EINVAL;
    if (find(host, uuid))
        return -EEXIST;
    if (left == 0)
        return -EUSERS;
    while (group_taken(host, group))
        group++;
    set_available(host, parent, type, left - 1);
    fake_host_add_mediated(host, uuid, parent, type, group);
    return 0;
}

void fake_host_remove_mediated(FakeHost *host, const char *uuid)
{
    FakeMediated *mediated = find(host, uuid);
    const char *above = fake_device_of(host, mediated->parent)->path;
    g_autofree char *path = fake_text("%s/sys/%s/%s", host->path, above, uuid);
    g_autofree char *by_bus = fake_text("bus/mdev/devices/%s", uuid);
    int left = available(host, mediated->parent, mediated->type);

    if (left >= 0)
        set_available(host, mediated->parent, mediated->type, left + 1);
    ck_assert_int_eq(unlinkat(host->sys_fd, by_bus, 0), 0);
    fake_kernel_remove_node(host, mediated->group);
    scratch_remove(path);
    g_ptr_array_remove(host->mediated, mediated);
}

/* remove_store() */
static int take_away(FakeHost *host, const char *uuid)
{
    const FakeMediated *mediated = find(host, uuid);

    if (!mediated)
        return -ENOENT;
    /* The real one would wait, perhaps for good; a test has to end. */
    if (g_hash_table_contains(host->open, GINT_TO_POINTER(mediated->group))) {
        g_string_append_printf(host->mishaps, "%s: asked to remove a mediated device in use\n", uuid);
        return -EBUSY;
    }
    fake_host_remove_mediated(host, uuid);
    return 0;
}

bool fake_kernel_write_mediated(FakeHost *host, const char *path, const char *value, int *ret)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    unsigned n = g_strv_length(parts);

    if (n == 7 && g_str_equal(parts[4], "mdev_supported_types") && g_str_equal(parts[6], "create"))
        *ret = create(host, parts[3], parts[5], value);
    else if (n == 5 && g_str_has_prefix(path, "bus/mdev/devices/") && g_str_equal(parts[4], "remove"))
        *ret = g_str_equal(value, "1") ? take_away(host, parts[3]) : -EINVAL;
    else
        return false;
    return true;
}

void fake_mediated_append(const FakeHost *host, GString *text)
{
    for (unsigned i = 0; i < host->mediated->len; i++) {
        const FakeMediated *mediated = g_ptr_array_index(host->mediated, i);
        g_string_append_printf(text, "%s %s of %s\n", mediated->uuid, mediated->type, mediated->parent);
    }
}
