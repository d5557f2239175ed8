/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cards as they are sold: what the functions of each say of themselves. */
#include "fake-host-private.h"

void fake_function_add(FakeHost *host, const char *address, const char *behind, int group,
                       const FakeFunction *sort)
{
    FakeFunction function = *sort;

    function.address = address;
    function.behind = behind;
    function.group = group;
    fake_host_add_function(host, &function);
}

void fake_host_add_bridge(FakeHost *host, const char *address, const char *behind, int group)
{
    fake_function_add(
        host, address, behind, group,
        &(FakeFunction){
            .vendor = 0x8086, .device = 0x3420, .class = 0x060400, .driver = "pcieport", .sleeps = true});
}

void fake_host_add_gpu(FakeHost *host, const char *slot, const char *behind, int group)
{
    g_autofree char *display = fake_text("%s.0", slot);
    g_autofree char *audio = fake_text("%s.1", slot);

    fake_function_add(host, display, behind, group,
                      &(FakeFunction){.vendor = 0x1002,
                                      .device = 0x5046,
                                      .subvendor = 0x1af4,
                                      .subdevice = 0x1100,
                                      .class = 0x030000,
                                      .driver = "radeon",
                                      .reset_methods = "pm bus"});
    fake_function_add(host, audio, behind, group,
                      &(FakeFunction){.vendor = 0x8086,
                                      .device = 0x2668,
                                      .class = 0x040300,
                                      .driver = "snd_hda_intel",
                                      .sleeps = true});
}

FakeHost *fake_host_new_with_gpu(void)
{
    FakeHost *host = fake_host_new();

    fake_host_add_bridge(host, "0000:00:01.0", NULL, 12);
    fake_host_add_gpu(host, "0000:01:00", "0000:00:01.0", 12);
    return host;
}

void fake_host_add_network_card(FakeHost *host, const char *address, const char *behind, int group,
                                const char *name)
{
    fake_function_add(
        host, address, behind, group,
        &(FakeFunction){
            .vendor = 0x8086, .device = 0x10d3, .class = 0x020000, .driver = "e1000e", .sleeps = true});
    g_autofree char *path = fake_text("%s/net/%s", fake_device_of(host, address)->path, name);
    g_autofree char *link = fake_text("class/net/%s", name);
    fake_tree_make(host->sys_fd, path);
    fake_tree_link(host->sys_fd, link, path);
}
