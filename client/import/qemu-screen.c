/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Screens and sound. */
#include <string.h>

#include "qemu-private.h"
#include "screen-wish.h"

void qemu_read_vga(Qemu *qemu, Node *option)
{
    node_take_all(option);
    if (g_strcmp0(option->value, "none") == 0)
        draft_differs(qemu->wishes->draft, option, "without [Display] the guest has no emulated card");
}

void qemu_read_display(Qemu *qemu, Node *option)
{
    const char *type = node_look(option, "type");

    node_take_all(option);
    if (g_strcmp0(type, "none") == 0 || g_str_equal(option->name, "-nographic"))
        draft_differs(qemu->wishes->draft, option,
                      "QEMU opens no window; the serial port is usherctl console");
}

static bool any_card(const Qemu *qemu)
{
    static const char *const cards[] = {"VGA",           "qxl",           "qxl-vga",
                                        "virtio-vga",    "virtio-vga-gl", "virtio-gpu-pci",
                                        "bochs-display", "cirrus-vga",    NULL};
    const Node *vga = node_at(qemu->root, "-vga");

    if (vga && g_strcmp0(vga->value, "none") != 0)
        return true;
    for (const char *const *card = cards; *card; card++)
        if (qemu_find(qemu, "-device", "driver", *card))
            return true;
    return qemu->whole && !vga && !node_at(qemu->root, "-nodefaults");
}

static bool any_agent(const Qemu *qemu)
{
    return qemu_find(qemu, "-device", "name", "com.redhat.spice.0") != NULL;
}

void qemu_read_spice(Qemu *qemu, Node *option)
{
    const char *port = node_take(option, "port") ?: node_look(option, "tls-port");
    Node *agent = qemu_find(qemu, "-chardev", "backend", "spicevmc");

    node_take_all(option);
    if (agent)
        node_take_all(agent);
    qemu->spice = true;
    wish_screen(qemu->wishes, "spice", any_card(qemu), any_agent(qemu), port, option);
}

void qemu_read_vnc(Qemu *qemu, Node *option)
{
    node_take_all(option);
    if (g_strcmp0(option->value, "none") == 0)
        return;
    qemu->spice = true;
    wish_screen(qemu->wishes, "vnc", any_card(qemu), false, option->value, option);
}

void qemu_read_vga_device(Qemu *qemu, Node *device)
{
    node_take_all(device);
    draft_differs(qemu->wishes->draft, device,
                  "a guest has an emulated card with [Display] alone, and that one is VGA");
}

static Node *audio_of(Qemu *qemu, Node *device)
{
    const char *id = node_look(device, "audiodev");

    return id ? qemu_find(qemu, "-audiodev", "id", id) : node_at(qemu->root, "-audiodev");
}

static void read_backend(Qemu *qemu, Node *device)
{
    Node *audio = audio_of(qemu, device);
    const char *driver = audio ? node_look(audio, "driver") ?: "none" : NULL;

    node_take_all(device);
    if (!audio) {
        draft_left(qemu->wishes->draft, device,
                   "a sound card, but no sound server is said; add [Sound] Type=pipewire and Socket=");
        return;
    }
    wish_sound(qemu->wishes, driver, node_look(audio, "server"), audio);
    wish_sound_card(qemu->wishes, node_look(device, "driver"), device);
    node_take(audio, "driver");
    node_take(audio, "id");
    node_take(audio, "server");
    for (unsigned i = 0; i < audio->children->len; i++) {
        Node *child = audio->children->pdata[i];
        if (!child->taken)
            draft_same(qemu->wishes->draft, child, "tuning of QEMU's mixer; usher leaves it at its defaults");
    }
}

/* HD Audio has its codec as another device. */
void qemu_read_sound_device(Qemu *qemu, Node *device)
{
    const char *driver = node_look(device, "driver");

    if (strstr(driver, "intel-hda"))
        draft_same(qemu->wishes->draft, device, "the sound card is the one of [Sound]");
    else
        read_backend(qemu, device);
}

void qemu_read_codec(Qemu *qemu, Node *device)
{
    read_backend(qemu, device);
}

/* -soundhw hda; -audio pa,model=hda. */
void qemu_read_soundhw(Qemu *qemu, Node *option)
{
    const char *driver = node_look(option, "driver"), *server = node_look(option, "server");

    node_take_all(option);
    if (driver) {
        wish_sound(qemu->wishes, driver, server, option);
    } else {
        draft_set(draft_section(qemu->wishes->draft, "Sound"), "Type", option, "silent");
        draft_left(qemu->wishes->draft, option,
                   "-soundhw is gone since QEMU 7.1, and it does not say which sound server plays; until "
                   "[Sound] has "
                   "Type=pipewire and Socket=/run/user/UID/pulse/native, nobody hears the card");
    }
}

void qemu_finish_screen(Qemu *qemu)
{
    Node from = {.shown = (char *)"QEMU's defaults"};
    const Node *display = node_at(qemu->root, "-display"), *vga = node_at(qemu->root, "-vga");
    const char *kind = display ? node_look(display, "type") : NULL;

    if (!qemu->whole || qemu->spice || g_strcmp0(kind, "none") == 0 || node_at(qemu->root, "-nographic"))
        return;
    if (any_card(qemu))
        wish_window(qemu->wishes, kind ?: "a VGA card in a window", display ?: vga ?: &from);
    else if (kind)
        draft_left(qemu->wishes->draft, display, "the window shows an emulated card, and there is none");
}
