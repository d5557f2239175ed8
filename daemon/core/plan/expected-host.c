/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expected-host.h"

#include "../../base/cleanup.h"

DEFINE_ELEMENT_FREE(HostDevice, function_free, device)
{
    g_free(device->reset_methods);
    g_free(device->power.control);
    g_free(device->power.d3cold_allowed);
}

ExpectedHost *expected_host_new(const Host *host)
{
    ExpectedHost *expected = g_new0(ExpectedHost, 1);

    expected->host = *host;
    expected->host.devices = g_ptr_array_copy(host->devices, NULL, NULL);
    g_ptr_array_set_free_func(expected->host.devices, NULL);
    expected->host.mediated = g_ptr_array_copy(host->mediated, NULL, NULL);
    g_ptr_array_set_free_func(expected->host.mediated, NULL);
    expected->functions = g_ptr_array_new_with_free_func(function_free);
    expected->mediated = g_ptr_array_new_with_free_func((GDestroyNotify)host_mediated_free);
    return expected;
}

DEFINE_FREE(ExpectedHost, expected_host_free, expected)
{
    g_ptr_array_unref(expected->host.devices);
    g_ptr_array_unref(expected->host.mediated);
    g_ptr_array_unref(expected->functions);
    g_ptr_array_unref(expected->mediated);
}

static int next_group(const ExpectedHost *expected)
{
    return HOST_EXPECTED_GROUP(expected->functions->len + expected->mediated->len);
}

/* By routing ID: beyond a bus's last function comes the first of the next bus (SR-IOV 1.1, 2.1.2). */
static PciAddress nth_function(const HostDevice *physical, unsigned n)
{
    unsigned id = (physical->address.bus << 8 | physical->address.device << 3 | physical->address.function) +
                  physical->sriov.offset + n * physical->sriov.stride;

    return (PciAddress){
        .domain = physical->address.domain,
        .bus = id >> 8,
        .device = id >> 3 & 31,
        .function = id & 7,
    };
}

/* The function is awake, and has a reset of its own, which is mandatory. */
void expected_host_add_function(ExpectedHost *expected, const HostDevice *physical, unsigned n)
{
    HostDevice *device = g_new(HostDevice, 1);

    *device = (HostDevice){
        .address = nth_function(physical, n),
        .vendor = physical->vendor,
        .device = physical->sriov.device,
        .class = physical->class,
        .group = next_group(expected),
        .has_upstream = physical->has_upstream,
        .upstream = physical->upstream,
        .virtual_function = true,
        .physical = physical->address,
        .numa_node = physical->numa_node,
        .reset_methods = g_strdup("flr"),
        .power.control = g_strdup("on"),
        .power.d3cold_allowed = g_strdup("1"),
    };
    g_ptr_array_add(expected->functions, device);
    g_ptr_array_add(expected->host.devices, device);
    host_sort(&expected->host);
}

void expected_host_add_mediated(ExpectedHost *expected, const HostMediatedType *type, const char *uuid)
{
    HostMediated *mediated = g_new(HostMediated, 1);

    *mediated = (HostMediated){
        .uuid = g_strdup(uuid),
        .type = g_strdup(type->name),
        .api = g_strdup(type->api),
        .of_function = true,
        .parent = type->parent,
        .group = next_group(expected),
    };
    g_ptr_array_add(expected->mediated, mediated);
    g_ptr_array_add(expected->host.mediated, mediated);
}
