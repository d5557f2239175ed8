/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

/* The name that the agent looks for, /dev/virtio-ports/org.qemu.guest_agent.0 (qemu-ga(8)). */
#define AGENT_PORT "org.qemu.guest_agent.0"

void qemu_add_agent(QemuBuilder *builder)
{
    int fd = builder_file(builder, QEMU_FILE_AGENT, NULL, false);

    builder_option(builder, "-chardev", "socket,id=agent,fd=%d,server=on,wait=off", fd);
    builder_serial_port(builder, QEMU_AGENT_PORT, "agent", AGENT_PORT);
}
