/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>

#include "../../base/remedy.h"
#include "remedy-look.h"

static bool is_there(const char *path)
{
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Who has written /etc/kernel/cmdline boots by it: GRUB's file is there on many a host that does not use
 * GRUB. */
static BootSetup boot_setup(void)
{
    if (is_there("/usr/sbin/grubby") || is_there("/usr/bin/grubby"))
        return BOOT_SETUP_GRUBBY;
    if (is_there("/etc/kernel/cmdline"))
        return BOOT_SETUP_KERNEL_INSTALL;
    return is_there("/etc/default/grub") ? BOOT_SETUP_GRUB : BOOT_SETUP_OTHER;
}

void remedy_look(void)
{
    remedy_speak_for(distribution_here(), boot_setup());
}
