/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-client.h"

int qemu_client_give(Qmp *qmp, const char *fd_name, int fd, QmpReply reply, void *userdata)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "fdname", json_object_new_string(fd_name));
    return qmp_command_with_fd(qmp, fd, "getfd", arguments, QMP_ANSWER_USEC, reply, userdata);
}

int qemu_client_add(Qmp *qmp, const char *fd_name, const char *protocol, bool trusted, QmpReply reply,
                    void *userdata)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "protocol", json_object_new_string(protocol));
    json_object_object_add(arguments, "fdname", json_object_new_string(fd_name));
    if (trusted)
        json_object_object_add(arguments, "skipauth", json_object_new_boolean(true));
    return qmp_command(qmp, "add_client", arguments, QMP_ANSWER_USEC, reply, userdata);
}
