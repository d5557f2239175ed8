/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fd-set.h"

#include <glib.h>

int fd_set_add(Qmp *qmp, int fd, QmpReply reply, void *userdata)
{
    return qmp_command_with_fd(qmp, fd, "add-fd", NULL, QMP_ANSWER_USEC, reply, userdata);
}

int fd_set_of(struct json_object *result)
{
    struct json_object *set = NULL;

    return json_object_object_get_ex(result, "fdset-id", &set) ? json_object_get_int(set) : FD_SET_NONE;
}

char *fd_set_path(int set)
{
    return g_strdup_printf("/dev/fdset/%d", set);
}

void fd_set_remove(Qmp *qmp, int set)
{
    if (set == FD_SET_NONE)
        return;
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "fdset-id", json_object_new_int(set));
    qmp_command(qmp, "remove-fd", arguments, 0, NULL, NULL);
}
