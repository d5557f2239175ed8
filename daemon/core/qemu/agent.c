/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

/* The name that the agent looks for, /dev/virtio-ports/org.qemu.guest_agent.0 (qemu-ga(8)). */
#define AGENT_PORT "org.qemu.guest_agent.0"

void qemu_add_agent(QemuBuilder *builder)
{
    int fd = builder_file(builder, QEMU_FILE_AGENT, NULL, false);
    struct json_object *port = json_new_driver("virtserialport");

    builder_option(builder, "-chardev", "socket,id=agent,fd=%d,server=on,wait=off", fd);
    json_set_text(port, "id", QEMU_AGENT_PORT);
    json_set_text(port, "bus", "serial.0");
    json_set_text(port, "chardev", "agent");
    json_set_text(port, "name", AGENT_PORT);
    builder_serial(builder);
    builder_json(builder, "-device", port);
}
