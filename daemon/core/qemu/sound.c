/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

/* A descriptor of the socket's name, not connected: connect(2) follows the link of /proc to the socket
 * itself, past folders that QEMU's user could not enter. */
static void add_server(QemuBuilder *builder, const char *socket)
{
    builder_option(builder, "-audiodev", "pa,id=sound,server=unix:/proc/self/fd/%d",
                   builder_file(builder, QEMU_FILE_SOUND, socket, false));
}

void qemu_add_sound(QemuBuilder *builder, const char *socket, bool spice)
{
    struct json_object *device;

    if (socket)
        add_server(builder, socket);
    else
        builder_option(builder, "-audiodev", "%s,id=sound", spice ? "spice" : "none");
    device = json_new_driver("ich9-intel-hda");
    json_set_text(device, "id", "sound-card");
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", SLOT_SOUND);
    builder_json(builder, "-device", device);
    device = json_new_driver("hda-duplex");
    json_set_text(device, "id", "sound-codec");
    json_set_text(device, "bus", "sound-card.0");
    json_set_text(device, "audiodev", "sound");
    builder_json(builder, "-device", device);
}
