/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../host/cpu-list.h"
#include "step.h"
#include "../host/usb.h"
#include "../host/vfio-driver.h"

static const char *const kind_names[STEP_KIND_MAX] = {
    [STEP_MODULE] = "module",
    [STEP_POWER_CONTROL] = "power-control",
    [STEP_D3COLD] = "d3cold",
    [STEP_DRIVER] = "driver",
    [STEP_OVERRIDE] = "override",
    [STEP_RESET] = "reset",
    [STEP_NODE_OWNER] = "node-owner",
    [STEP_UNIT] = "unit",
    [STEP_LINK] = "link",
    [STEP_SHARED_MEMORY] = "shared-memory",
    [STEP_HUGE_PAGES] = "huge-pages",
    [STEP_KEPT_OFF] = "kept-off",
    [STEP_CPUSETS] = "cpusets",
    [STEP_GOVERNOR] = "governor",
    [STEP_USB_DRIVERS] = "usb-drivers",
    [STEP_AUTOPROBE] = "autoprobe",
    [STEP_FUNCTIONS] = "virtual-functions",
    [STEP_MEDIATED] = "mediated-device",
    [STEP_BAR_SIZE] = "bar-size",
    [STEP_BACKEND] = "backend",
    [STEP_WARNING] = "warning",
};

const char *step_kind_to_string(StepKind kind)
{
    return kind >= 0 && kind < STEP_KIND_MAX ? kind_names[kind] : NULL;
}

StepKind step_kind_from_string(const char *name)
{
    for (int kind = 0; name && kind < STEP_KIND_MAX; kind++)
        if (strcmp(kind_names[kind], name) == 0)
            return kind;
    return STEP_KIND_INVALID;
}

bool step_kind_kept(StepKind kind)
{
    return kind == STEP_MODULE || kind == STEP_CPUSETS;
}

bool step_kind_held(StepKind kind)
{
    return kind == STEP_POWER_CONTROL || kind == STEP_D3COLD || kind == STEP_RESET;
}

bool step_kind_counted(StepKind kind)
{
    return kind == STEP_HUGE_PAGES;
}

bool step_kind_yields(StepKind kind)
{
    return step_kind_counted(kind) || kind == STEP_GOVERNOR || kind == STEP_BAR_SIZE;
}

bool step_kind_systemd(StepKind kind)
{
    return kind == STEP_UNIT || kind == STEP_KEPT_OFF || kind == STEP_CPUSETS;
}

static bool read_count(const char *text, uint64_t *ret)
{
    return text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, ret, NULL);
}

Step *step_rebase(const Step *step, const char *live)
{
    uint64_t before, after, now;

    if (!read_count(step->before, &before) || !read_count(step->after, &after) || !read_count(live, &now))
        return NULL;
    uint64_t then = after >= before ? now + (after - before) : now - MIN(now, before - after);
    g_autofree char *target = g_strdup_printf("%" G_GUINT64_FORMAT, then);
    return step_new(step->kind, step->subject, live, target);
}

char *step_kept_off(const Step *step, const char *live)
{
    g_autoptr(GArray) before = cpu_set_parse(step->before), after = cpu_set_parse(step->after),
                      now = cpu_set_parse(live);

    if (!before || !after || !now)
        return NULL;
    g_autoptr(GArray) taken = cpu_set_minus(after, before), given = cpu_set_minus(before, after),
                      without = cpu_set_minus(now, given), then = cpu_set_join(without, taken);
    return cpu_set_to_text(then);
}

Step *step_new(StepKind kind, const char *subject, const char *before, const char *after)
{
    Step *step = g_new(Step, 1);
    *step = (Step){
        .kind = kind,
        .subject = g_strdup(subject),
        .before = g_strdup(before),
        .after = g_strdup(after),
    };
    return step;
}

Step *step_copy(const Step *step)
{
    return step_new(step->kind, step->subject, step->before, step->after);
}

Step *step_undo(const Step *step)
{
    return step_new(step->kind, step->subject, step->after, step->before);
}

DEFINE_FREE(Step, step_free, step)
{
    g_free(step->subject);
    g_free(step->before);
    g_free(step->after);
}

/* The link is to go, and somebody has moved it to another bridge meanwhile, or off its bridge. */
static bool link_still_ours(const Step *step, const char *live)
{
    size_t kind = strcspn(step->before, " ");

    return step->kind == STEP_LINK && step->after[0] == '\0' && kind > 0 && strcspn(live, " ") == kind &&
           strncmp(live, step->before, kind) == 0;
}

/* Without 60-usher.link, udev may give a tap device another address than it was made with. */
static bool tap_is_made(const Step *step, const char *live)
{
    const char *address = strstr(step->after, " as ");

    return step->kind == STEP_LINK &&
           (g_str_has_prefix(step->after, "tap ") || g_str_has_prefix(step->after, "mqtap ")) && address &&
           strncmp(live, step->after, address - step->after + strlen(" as ")) == 0;
}

/* Others may keep a unit off other host CPUs: only the step's own CPUs count. */
static StepView view_kept_off(const Step *step, const char *live)
{
    g_autofree char *then = step_kept_off(step, live);

    if (!then)
        return STEP_VIEW_DRIFT;
    return g_str_equal(then, live) ? STEP_VIEW_AFTER : STEP_VIEW_BEFORE;
}

static bool gives_usb_back(const Step *step)
{
    return step->kind == STEP_USB_DRIVERS && step->after[0] != '\0';
}

/* AFTER once the device was unplugged, or QEMU or somebody else gave its configuration drivers again. */
static StepView view_usb_back(const Step *step, const char *live)
{
    return !live || usb_drivers_back(step->after, live) ? STEP_VIEW_AFTER : STEP_VIEW_BEFORE;
}

static bool is_value(const Step *step, const char *live, const char *value)
{
    if (step->kind == STEP_DRIVER || step->kind == STEP_OVERRIDE)
        return vfio_driver_same(live, value);
    return strcmp(live, value) == 0;
}

StepView step_view(const Step *step, const char *live)
{
    if (gives_usb_back(step))
        return view_usb_back(step, live);
    if (!live) {
        /* If the node has gone, giving it back is done, and handing it over has failed. */
        bool given_back = step->kind == STEP_NODE_OWNER && g_str_has_prefix(step->after, "0:");
        return given_back ? STEP_VIEW_AFTER : STEP_VIEW_DRIFT;
    }
    if (step->kind == STEP_KEPT_OFF)
        return view_kept_off(step, live);
    /* Nothing shows that a device was reset: a reset is always yet to be done. */
    if (is_value(step, live, step->after) || tap_is_made(step, live) ||
        (step->kind == STEP_RESET && strcmp(step->after, STEP_VALUE_AS_IS) == 0))
        return STEP_VIEW_AFTER;
    if (is_value(step, live, step->before) || step_kind_held(step->kind) || link_still_ours(step, live))
        return STEP_VIEW_BEFORE;
    return STEP_VIEW_DRIFT;
}

bool step_forestalled(const Step *step, const char *live)
{
    bool makes = step_kind_counted(step->kind) || (step->kind == STEP_MEDIATED && step->after[0] != '\0');

    return makes && step_view(step, live) == STEP_VIEW_AFTER;
}

bool step_taken(const Step *step, const char *live, int error)
{
    if (step->kind == STEP_RESET && strcmp(step->after, STEP_VALUE_RESET) == 0)
        return error == 0 && g_strcmp0(live, STEP_LIVE_ANSWERS) == 0;
    return step_view(step, live) == STEP_VIEW_AFTER;
}

bool step_mediated(const Step *step, char **ret_type, PciAddress *ret_parent)
{
    const char *value = step->after[0] ? step->after : step->before, *at = strrchr(value, '@');
    PciAddress parent;

    if ((step->before[0] == '\0') == (step->after[0] == '\0') || !at || at == value || value[0] == '.' ||
        memchr(value, '/', at - value) || pci_address_from_string(at + 1, &parent) < 0)
        return false;
    *ret_type = g_strndup(value, at - value);
    *ret_parent = parent;
    return true;
}

static const char *or_none(const char *value)
{
    return value[0] != '\0' ? value : "none";
}

char *step_describe(const Step *step)
{
    return g_strdup_printf("%s of %s: %s → %s", step_kind_to_string(step->kind), step->subject,
                           or_none(step->before), or_none(step->after));
}
