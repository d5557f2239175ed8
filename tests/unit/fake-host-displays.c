/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host shows, and on which card. */
#include <check.h>
#include <string.h>

#include "fake-host-private.h"

void fake_host_light_display(FakeHost *host, const char *address, unsigned card)
{
    const char *device = fake_device_of(host, address)->path;
    static const char *const names[] = {"drm/card%u", "drm/card%u-HDMI-A-1", "graphics/fb%u"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GString) name = g_string_new(names[i]);
        g_autofree char *number = fake_text("%u", card);
        g_string_replace(name, "%u", number, 0);
        g_autofree char *path = fake_text("%s/%s", device, name->str);
        g_autofree char *link = fake_text("class/%s", name->str);
        fake_tree_make(host->sys_fd, path);
        fake_tree_link(host->sys_fd, link, path);
    }
    fake_tree_put(host->sys_fd, "class/drm/version", "drm 1.1.0 20060810\n");
}

/* An entry of a class, below the device at path. */
static void add_entry(FakeHost *host, const char *path, const char *class, const char *name)
{
    g_autofree char *entry = fake_text("%s/%s/%s", path, class, name);
    g_autofree char *link = fake_text("class/%s/%s", class, name);

    fake_tree_make(host->sys_fd, entry);
    fake_tree_link(host->sys_fd, link, entry);
}

void fake_host_add_firmware_display(FakeHost *host, const char *name, const char *address,
                                    const char *const *entries)
{
    g_autofree char *path = address ? fake_text("%s/%s", fake_device_of(host, address)->path, name)
                                    : fake_text("devices/platform/%s", name);

    for (; *entries; entries++)
        add_entry(host, path, g_str_has_prefix(*entries, "fb") ? "graphics" : "drm", *entries);
}

void fake_host_set_console_driver(FakeHost *host, unsigned number, const char *name, bool bound)
{
    g_autofree char *says = fake_text("class/vtconsole/vtcon%u/name", number);
    g_autofree char *bind = fake_text("class/vtconsole/vtcon%u/bind", number);

    fake_tree_put(host->sys_fd, says, name);
    fake_tree_put(host->sys_fd, bind, bound ? "1\n" : "0\n");
}

void fake_host_add_terminal(FakeHost *host, const char *address, const char *name, unsigned minor)
{
    g_autofree char *path = fake_text("%s/tty/%s", fake_device_of(host, address)->path, name);
    g_autofree char *link = fake_text("dev/char/4:%u", minor);

    fake_tree_make(host->sys_fd, path);
    fake_tree_link(host->sys_fd, link, path);
}

void fake_host_set_connector(FakeHost *host, const char *name, const char *status, const char *enabled)
{
    g_autofree char *first = fake_text("class/drm/%s/status", name);
    g_autofree char *second = fake_text("class/drm/%s/enabled", name);

    fake_tree_put(host->sys_fd, first, status);
    fake_tree_put(host->sys_fd, second, enabled);
}

void fake_host_set_memory(FakeHost *host, const char *address, uint64_t first, uint64_t last)
{
    g_autofree char *path = fake_text("%s/resource", fake_device_of(host, address)->path);
    g_autofree char *text =
        fake_text("0x%016lx 0x%016lx 0x0000000000042208\n0x0000000000000000 0x0000000000000000 "
                  "0x0000000000000000\n",
                  (unsigned long)first, (unsigned long)last);

    fake_tree_put(host->sys_fd, path, text);
}

/* The beginning of struct screen_info: lfb_base, capabilities, ext_lfb_base. */
void fake_host_set_firmware_memory(FakeHost *host, uint64_t base)
{
    g_autofree char *path = g_strdup_printf("%s/sys/kernel/boot_params", host->path);
    g_autofree char *file = g_strconcat(path, "/data", NULL);
    uint32_t low = base, high = base >> 32, capabilities = 1 << 1;
    char data[4096] = {0};

    memcpy(data + 0x18, &low, sizeof(low));
    memcpy(data + 0x36, &capabilities, sizeof(capabilities));
    memcpy(data + 0x3a, &high, sizeof(high));
    ck_assert_int_eq(g_mkdir_with_parents(path, 0755), 0);
    ck_assert(g_file_set_contents(file, data, sizeof(data), NULL));
}
