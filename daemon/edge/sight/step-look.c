/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-look.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../base/file.h"
#include "../../core/host/vfio-driver.h"
#include "tuning.h"

#define DRIVERS "bus/pci/drivers"

char *step_look_driver(const StepPlace *place, const char *driver)
{
    g_auto(GStrv) names = NULL;

    if (file_list_at(place->sys_fd, DRIVERS, &names) < 0)
        return NULL;
    for (char **name = names; *name; name++)
        if (vfio_driver_same(*name, driver))
            return g_strdup(*name);
    return NULL;
}

/* Not /sys/module: the driver may be built in, and it is the driver that is needed. */
static int read_module(const StepPlace *place, const Step *step, char **ret)
{
    bool macvtap = strcmp(step->subject, "macvtap") == 0;

    if (!macvtap && !(vfio_driver_valid(step->subject) && strstr(step->subject, "vfio")))
        return -EINVAL;
    g_autofree char *driver = step_look_driver(place, step->subject);
    bool live = macvtap ? faccessat(place->sys_fd, "class/macvtap", F_OK, 0) == 0 : driver != NULL;
    *ret = g_strdup(live ? "live" : "absent");
    return 0;
}

static int read_tuning(const StepPlace *place, const Step *step, char **ret)
{
    g_autofree char *path = tuning_path(step);
    int r = path ? file_read_value_at(place->sys_fd, path, ret) : -EINVAL;

    /* There is no file if nothing sets the speed any more. A host CPU that was switched off keeps the file,
     * but reading fails (show() in drivers/cpufreq/cpufreq.c). */
    if ((r == -ENOENT || r == -EBUSY) && step->kind == STEP_GOVERNOR) {
        *ret = NULL;
        return 0;
    }
    return r;
}

int step_look(const StepPlace *place, const Step *step, char **ret)
{
    return step->kind == STEP_MODULE ? read_module(place, step, ret) : read_tuning(place, step, ret);
}
