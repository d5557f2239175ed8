/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

static bool sound_has_server(SoundType type)
{
    return type == SOUND_PIPEWIRE || type == SOUND_PULSEAUDIO;
}

static int check_socket(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const char *socket = reader->definition->sound.socket;
    g_autofree char *name = socket ? g_path_get_basename(socket) : NULL;

    if (!socket)
        return definition_raise(section_place(section, "Type"), ret_fault,
                                "add Socket=, such as /run/user/1000/pulse/native",
                                "[Sound] does not say which sound server");
    if (g_str_has_prefix(name, "pipewire-"))
        return definition_raise(section_place(section, "Socket"), ret_fault,
                                "name the socket of pipewire-pulse, such as /run/user/1000/pulse/native",
                                "[Sound] Socket=%s: QEMU speaks PulseAudio's protocol only", socket);
    return 0;
}

int definition_check_sound(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_SOUND, NULL);
    SoundType type = definition->sound.type;

    if (type == SOUND_NONE && definition->sound.socket)
        return definition_raise(section_place(section, "Socket"), ret_fault, "add Type=, or remove it",
                                "[Sound] Socket= means nothing without Type=");
    if (!sound_has_server(type) && definition->sound.socket)
        return definition_raise(section_place(section, "Socket"), ret_fault, "remove it",
                                "[Sound] Socket= means nothing with Type=%s: %s plays",
                                type == SOUND_SPICE ? "spice" : "silent",
                                type == SOUND_SPICE ? "the viewer" : "nobody");
    if (type == SOUND_SPICE && definition->display.type != DISPLAY_SPICE)
        return definition_raise(section_place(section, "Type"), ret_fault,
                                "add [Display] Type=spice, with Card=none if the guest has a card",
                                "[Sound] Type=spice needs a SPICE server");
    return sound_has_server(type) ? check_socket(reader, section, ret_fault) : 0;
}
