/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <graphics>, <video>, <sound>, <audio>. */
#include <string.h>

#include "libvirt-private.h"
#include "screen-wish.h"

static bool any_card(Libvirt *libvirt)
{
    const Node *model = node_at(libvirt->devices, "video/model");

    return model && g_strcmp0(node_look(model, "@type"), "none") != 0;
}

static bool any_agent(Libvirt *libvirt)
{
    for (unsigned i = 0; i < libvirt->devices->children->len; i++) {
        const Node *child = libvirt->devices->children->pdata[i];
        if (g_str_equal(child->name, "channel") &&
            g_str_has_prefix(node_look(child, "target/@name") ?: "", "com.redhat.spice"))
            return true;
    }
    return false;
}

void libvirt_read_graphics(Libvirt *libvirt, Node *device)
{
    const char *type = node_take(device, "@type") ?: "";
    const char *port = node_look(device, "@port");
    bool server = g_str_equal(type, "spice") || g_str_equal(type, "vnc");

    node_take_all(device);
    if (node_at(device, "@keymap"))
        draft_left(libvirt->wishes->draft, device,
                   "keymap: the keys' layout is the viewer's, and the guest's own");
    if (server)
        wish_screen(libvirt->wishes, type, any_card(libvirt), any_agent(libvirt),
                    g_strcmp0(port, "-1") == 0 ? NULL : port, device);
    else if (g_str_equal(type, "egl-headless"))
        draft_left(libvirt->wishes->draft, device,
                   "the emulated card draws by software, not by the host's graphics card");
    else
        wish_window(libvirt->wishes, type, device);
}

void libvirt_read_video(Libvirt *libvirt, Node *device)
{
    const char *model = node_look(device, "model/@type");

    node_take_all(device);
    if (g_strcmp0(model, "none") == 0)
        draft_same(libvirt->wishes->draft, device, "without [Display] the guest has no emulated card");
    else if (node_at(libvirt->devices, "graphics"))
        draft_differs(libvirt->wishes->draft, device, "the emulated card (%s) is the one of [Display]",
                      model ?: "?");
    else
        draft_left(
            libvirt->wishes->draft, device,
            "an emulated card that nothing shows; [Display] Type=spice adds one that usherctl view shows");
}

/* Whether a card of sound is there to be heard. */
static Node *audio_of(Libvirt *libvirt, Node *device)
{
    const char *id = node_look(device, "audio/@id");

    for (unsigned i = 0; id && i < libvirt->devices->children->len; i++) {
        Node *child = libvirt->devices->children->pdata[i];
        if (g_str_equal(child->name, "audio") && g_strcmp0(node_look(child, "@id"), id) == 0)
            return child;
    }
    return node_at(libvirt->devices, "audio");
}

/* libvirt's word for QEMU's. */
static const char *driver_of(const char *type)
{
    return g_str_equal(type, "pulseaudio") ? "pa" : type;
}

void libvirt_read_sound(Libvirt *libvirt, Node *device)
{
    Node *audio = audio_of(libvirt, device);
    const char *model = node_take(device, "@model") ?: "ich9", *codec = node_take(device, "codec/@type");
    const char *type = audio ? node_take(audio, "@type") : NULL;

    node_take(device, "audio/@id");
    libvirt_take_place(libvirt, device);
    if (audio && type)
        wish_sound(libvirt->wishes, driver_of(type),
                   node_take(audio, "@serverName") ?: node_take(audio, "@runtimeDir") ?: libvirt->sound_server, audio);
    else if (libvirt->sound_driver)
        wish_sound(libvirt->wishes, libvirt->sound_driver, libvirt->sound_server, device);
    else if (g_strcmp0(node_look(libvirt->devices, "graphics/@type"), "spice") == 0)
        wish_sound(libvirt->wishes, "spice", NULL, device);
    else
        wish_sound(libvirt->wishes, "none", NULL, device);
    if (libvirt->sound_server && !type && !libvirt->sound_driver)
        draft_left(
            libvirt->wishes->draft, device,
            "the sound server %s is in QEMU's environment, and nothing says that the card plays there; "
            "[Sound] Type=pulseaudio and Socket= do",
            libvirt->sound_server);
    if (codec)
        wish_sound_card(libvirt->wishes, codec, node_at(device, "codec"));
    wish_sound_card(libvirt->wishes, model, device);
}

void libvirt_read_audio(Libvirt *libvirt, Node *device)
{
    bool heard = node_at(libvirt->devices, "sound") != NULL;
    static const char *const own[] = {"input", "output", "@timerPeriod", NULL};

    node_take(device, "@id");
    for (const char *const *name = own; *name; name++) {
        Node *found = node_at(device, *name);
        if (found)
            draft_same(libvirt->wishes->draft, found,
                       "tuning of QEMU's mixer; usher leaves it at its defaults");
    }
    if (!heard)
        draft_same(libvirt->wishes->draft, device, "the guest has no sound card");
}
