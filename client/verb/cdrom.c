/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../bus/bus.h"
#include "verb.h"

/* Opened here, with the rights of whoever calls: usherd opens nothing on somebody's behalf. */
static int open_image(const Client *client, const char *path, int *ret)
{
    if (client->host) {
        say("usherctl opens the image on this host, and cannot pass an open file over ssh; run usherctl on "
            "the other host");
        return STATUS_USAGE;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        say("Cannot open %s: %s", path, g_strerror(errno));
        return STATUS_FAILED;
    }
    *ret = fd;
    return STATUS_OK;
}

int cmd_cdrom(Client *client, char **args)
{
    unsigned n = g_strv_length(args);
    g_autofree char *path = NULL, *what = g_strdup_printf("change the CD of %s", args[0]);
    const char *drive = client->eject ? (n > 1 ? args[1] : "") : n > 2 ? args[1] : "";
    int fd = -1, status;

    if (client->eject ? n > 2 : n < 2) {
        say(client->eject ? "Name the guest and, if it has several drives, the drive: usherctl cdrom NAME "
                            "[DRIVE] --eject"
                          : "Name the image: usherctl cdrom NAME [DRIVE] IMAGE; or use --eject");
        return STATUS_USAGE;
    }
    status = client->eject ? STATUS_OK : open_image(client, args[n - 1], &fd);
    if (status == STATUS_OK)
        status = bus_open_asking(client);
    if (status == STATUS_OK)
        status = bus_guest_path(client, args[0], &path);
    if (status == STATUS_OK && client->eject)
        status = bus_call_object(client, what, NULL, path, BUS_GUEST, "EjectMedium", "sa{sv}", drive, 1,
                                 "force", "b", client->force);
    else if (status == STATUS_OK)
        status = bus_call_object(client, what, NULL, path, BUS_GUEST, "ChangeMedium", "sha{sv}", drive, fd, 1,
                                 "force", "b", client->force);
    if (fd >= 0)
        close(fd);
    return status;
}
