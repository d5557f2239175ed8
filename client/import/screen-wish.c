/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "screen-wish.h"

#include <string.h>

void wish_screen(Wishes *wishes, const char *server, bool card, bool agent, const char *port,
                 const Node *from)
{
    Draft *draft = wishes->draft;

    DraftSection *display = draft_section(draft, "Display");

    if (!card && !g_str_equal(server, "spice")) {
        draft_left(draft, from, "the server shows an emulated card, and there is none");
        return;
    }
    draft_set(display, "Type", from, "%s", server);
    if (!card)
        draft_set(display, "Card", from, "none");
    if (g_str_equal(server, "spice"))
        draft_set(display, "Clipboard", from, "%s", agent ? "yes" : "no");
    if (port)
        draft_differs(draft, from,
                      "usher opens no port, so %s port %s is not there: usherctl view shows the screen, and "
                      "[Display] Owner= makes a socket for other viewers and Looking Glass",
                      server, port);
}

void wish_window(Wishes *wishes, const char *kind, const Node *from)
{
    if (wishes->pci->len == 0) {
        draft_set(draft_section(wishes->draft, "Display"), "Type", from, "spice");
        draft_differs(wishes->draft, from,
                      "QEMU opens no window (%s) from its unit; usherctl view shows the screen", kind);
        return;
    }
    draft_left(wishes->draft, from,
               "the emulated graphics card and its window (%s) are left out, as the guest has the screens of "
               "its own card; "
               "[Display] Type=spice adds one, and usherctl view shows it",
               kind);
}

/* usher's word for QEMU's. */
static const char *sound_type(const char *driver)
{
    return g_str_equal(driver, "pa") ? "pulseaudio" : driver;
}

static bool sound_known(const char *driver)
{
    return !g_str_equal(driver, "none") && draft_has_word("Sound", "Type", sound_type(driver));
}

/* The card stays, as the guest may not do without: games, and what streams a screen. */
static void silence(DraftSection *section, const Node *from)
{
    draft_set(section, "Type", from, "silent");
}

/* QEMU's driver for PipeWire is told the folder of the session; pipewire-pulse has its socket below. */
static char *socket_of(const char *driver, const char *server)
{
    return server && g_str_equal(driver, "pipewire") ? g_build_filename(server, "pulse/native", NULL)
                                                     : g_strdup(server);
}

void wish_sound(Wishes *wishes, const char *driver, const char *server, const Node *from)
{
    DraftSection *section = draft_section(wishes->draft, "Sound");
    const char *name = server && g_str_has_prefix(server, "unix:") ? server + strlen("unix:") : server;
    g_autofree char *socket = socket_of(driver, name);
    bool needs_socket = g_str_equal(driver, "pa") || g_str_equal(driver, "pipewire");

    if (g_str_equal(driver, "none")) {
        silence(section, from);
        draft_differs(
            wishes->draft, from,
            "nobody hears the sound card, as in the source (none); Type=pipewire and Socket= change that");
        return;
    }
    if (!sound_known(driver)) {
        silence(section, from);
        draft_left(
            wishes->draft, from,
            "usher plays through PipeWire or PulseAudio, not through %s; until [Sound] has Type=pipewire "
            "and the Socket= of the user's session, nobody hears the card",
            driver);
        return;
    }
    if (needs_socket && (!socket || *socket != '/')) {
        silence(section, from);
        draft_left(wishes->draft, from,
                   "the source does not say whose sound server plays; until [Sound] has Type=%s and "
                   "Socket=/run/user/UID/pulse/native, nobody hears the card",
                   sound_type(driver));
        return;
    }
    draft_set(section, "Type", from, "%s", sound_type(driver));
    if (needs_socket)
        draft_set(section, "Socket", from, "%s", socket);
}

void wish_sound_card(Wishes *wishes, const char *model, const Node *from)
{
    bool usual = strstr(model, "ich9") || strstr(model, "intel-hda") || strstr(model, "duplex");

    if (!usual)
        draft_differs(wishes->draft, from,
                      "usher's sound card is Intel HD Audio with a line in and out (hda-duplex), not %s",
                      model);
}

void wish_usb_redirection(Wishes *wishes, const Node *from)
{
    draft_left(
        wishes->draft, from,
        "redirection of USB devices of the viewer's, which virt-manager adds to every guest with SPICE; who "
        "uses it adds USBRedirect= to [Display]");
}
