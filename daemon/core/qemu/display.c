/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A screen that is seen on the host, and what a viewer types and points with. QEMU does not listen for
 * viewers: each is handed over as a connected socket, over QMP (add_client), so that there is no port, and no
 * password to keep. */
#include "../definition/display.h"
#include "builder.h"

/* The name by which spice-vdagent(1) finds its port. */
#define VDAGENT_PORT "com.redhat.spice.0"

void qemu_add_display_server(QemuBuilder *builder, const DefinitionDisplay *display)
{
    switch (display->type) {
    case DISPLAY_VNC:
        builder_option(builder, "-vnc", "none");
        break;
    case DISPLAY_SPICE:
        /* Port 0 means none. Tickets are passwords; a viewer that is handed over has proven its user's
         * rights. */
        builder_option(builder, "-spice", "port=0,disable-ticketing=on%s",
                       display->clipboard ? "" : ",disable-copy-paste=on,disable-agent-file-xfer=on");
        break;
    default:
        break;
    }
}

static void add_card(QemuBuilder *builder)
{
    /* Every firmware and system has a driver for this one, before any is installed. */
    struct json_object *device = json_new_driver("VGA");

    json_set_text(device, "id", "display");
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", SLOT_DISPLAY);
    builder_json(builder, "-device", device);
}

static void add_virtio_input(QemuBuilder *builder, const char *driver, const char *id)
{
    builder_port(builder, PORTS_INPUT, builder->n_inputs++, id);
    builder_json(builder, "-device", builder_device(driver, id, id, 0));
}

static void add_usb_input(QemuBuilder *builder, const char *driver, const char *id)
{
    builder_json(builder, "-device", builder_usb_device(builder, driver, id));
}

static void add_keyboard(QemuBuilder *builder, KeyboardType type)
{
    if (type == KEYBOARD_USB)
        add_usb_input(builder, "usb-kbd", "keyboard");
    else if (type == KEYBOARD_VIRTIO)
        add_virtio_input(builder, "virtio-keyboard-pci", "keyboard");
}

/* A mouse only reports movements, so the guest's pointer would be elsewhere than a viewer's. */
static void add_mouse(QemuBuilder *builder, MouseType type)
{
    if (type == MOUSE_USB)
        add_usb_input(builder, "usb-mouse", "mouse");
    else if (type == MOUSE_USB_TABLET)
        add_usb_input(builder, "usb-tablet", "tablet");
    else if (type == MOUSE_VIRTIO)
        add_virtio_input(builder, "virtio-mouse-pci", "mouse");
    else if (type == MOUSE_VIRTIO_TABLET)
        add_virtio_input(builder, "virtio-tablet-pci", "tablet");
}

/* By this, guest and viewer share clipboard, size of the screen, and pointer. */
static void add_vdagent(QemuBuilder *builder)
{
    builder_option(builder, "-chardev", "spicevmc,id=vdagent,name=vdagent");
    builder_serial_port(builder, "vdagent-port", "vdagent", VDAGENT_PORT);
}

static void add_redirect(QemuBuilder *builder, unsigned index)
{
    g_autofree char *id = g_strdup_printf("usb-redirect-%u", index);
    struct json_object *device = builder_usb_device(builder, "usb-redir", id);

    builder_option(builder, "-chardev", "spicevmc,id=redirect-%u,name=usbredir", index);
    json_set_text(device, "chardev", "redirect-%u", index);
    builder_json(builder, "-device", device);
}

void qemu_add_display(QemuBuilder *builder, const DefinitionDisplay *display)
{
    if (display_has_card(display))
        add_card(builder);
    add_mouse(builder, display_mouse(display));
    add_keyboard(builder, display->keyboard);
    if (display->type == DISPLAY_SPICE)
        add_vdagent(builder);
    for (unsigned i = 0; i < display->usb_redirect; i++)
        add_redirect(builder, i);
}
