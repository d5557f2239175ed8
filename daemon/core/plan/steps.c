/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps.h"

#include <string.h>

#include "../host/vfio-driver.h"
#include "bars.h"
#include "driver.h"
#include "reset.h"

static void add_step(Plan *plan, StepKind kind, const HostDevice *device, const char *before,
                     const char *after)
{
    g_ptr_array_add(plan->steps,
                    step_new(kind, PCI_ADDRESS_STR(device->address), before ? before : "", after));
}

/* A sleeping device answers neither its old driver's goodbye nor a reset. */
static void add_awake(Plan *plan, const HostDevice *device, const char *driver)
{
    if (device->power.control)
        add_step(plan, STEP_POWER_CONTROL, device, device->power.control, "on");
    if (device->power.d3cold_allowed && strcmp(device->power.d3cold_allowed, "0") != 0)
        add_step(plan, STEP_D3COLD, device, device->power.d3cold_allowed, "0");
}

/* The override names another driver than the device has: the probe back must not see it. */
static bool override_misleads(const HostDevice *device)
{
    return device->driver && device->override && strcmp(device->driver, device->override) != 0;
}

static void add_plain_override(Plan *plan, const HostDevice *device, const char *driver)
{
    if (override_misleads(device))
        add_step(plan, STEP_OVERRIDE, device, device->override, "");
}

static void add_unbind(Plan *plan, const HostDevice *device, const char *driver)
{
    if (device->driver)
        add_step(plan, STEP_DRIVER, device, device->driver, "");
}

static void add_override(Plan *plan, const HostDevice *device, const char *driver)
{
    const char *before = override_misleads(device) ? NULL : device->override;
    if (g_strcmp0(before, driver) != 0)
        add_step(plan, STEP_OVERRIDE, device, before, driver);
}

static void add_probe(Plan *plan, const HostDevice *device, const char *driver)
{
    add_step(plan, STEP_DRIVER, device, NULL, driver);
}

/* Each module once, before any device leaves its driver for it. */
static void add_modules(const Host *host, const GPtrArray *members, Plan *plan)
{
    for (unsigned i = 0; i < members->len; i++) {
        const char *driver = plan_driver(host, plan, g_ptr_array_index(members, i));
        g_autofree char *module = vfio_driver_module(driver);
        bool there = vfio_driver_registered(host, driver);
        for (unsigned j = 0; !there && j < plan->steps->len; j++) {
            const Step *step = g_ptr_array_index(plan->steps, j);
            there = step->kind == STEP_MODULE && g_str_equal(step->subject, module);
        }
        if (!there)
            g_ptr_array_add(plan->steps, step_new(STEP_MODULE, module, "absent", "live"));
    }
}

/* Phase by phase over all members, not member by member. Walked backwards, all leave vfio-pci before the
 * first goes back to its driver, which the kernel refuses while a sibling is in use (EINVAL, and the device
 * is left without a driver); and each has its override back before the probe. */
int plan_steps_add(const Host *host, const GPtrArray *members, Plan *plan, Fault **ret_fault)
{
    static void (*const phases[])(Plan *, const HostDevice *, const char *driver) = {
        add_awake, add_plain_override, add_unbind, add_override, add_probe,
    };
    const GPtrArray *devices = plan->devices;
    int r = 0;

    add_modules(host, members, plan);
    for (unsigned phase = 0; phase < G_N_ELEMENTS(phases); phase++) {
        /* Resets and sizes come while no driver has the devices, there and back. */
        for (unsigned i = 0; phases[phase] == add_override && r == 0 && i < devices->len; i++)
            r = plan_reset_add(host, g_ptr_array_index(devices, i), plan->steps, ret_fault);
        for (unsigned i = 0; phases[phase] == add_override && r == 0 && i < devices->len; i++)
            r = plan_bars_add(host, g_ptr_array_index(devices, i), plan->steps, ret_fault);
        for (unsigned i = 0; i < members->len; i++) {
            const HostDevice *member = g_ptr_array_index(members, i);
            phases[phase](plan, member, plan_driver(host, plan, member));
        }
    }
    return r;
}
