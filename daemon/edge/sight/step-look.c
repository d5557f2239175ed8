/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-look.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../base/file.h"
#include "tuning.h"

#define DRIVERS "bus/pci/drivers"

bool step_look_driver(const StepPlace *place, const char *driver)
{
    g_autofree char *path = g_strdup_printf(DRIVERS "/%s", driver);
    return driver[0] != '.' && !strchr(driver, '/') && faccessat(place->sys_fd, path, F_OK, 0) == 0;
}

/* Not /sys/module: the driver may be built in, and it is the driver that is needed. */
static int read_module(const StepPlace *place, const Step *step, char **ret)
{
    bool live;

    if (strcmp(step->subject, "vfio_pci") == 0)
        live = step_look_driver(place, "vfio-pci");
    else if (strcmp(step->subject, "macvtap") == 0)
        live = faccessat(place->sys_fd, "class/macvtap", F_OK, 0) == 0;
    else
        return -EINVAL;
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
