/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

int definition_check_sound(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_SOUND, NULL);
    const char *socket = definition->sound.socket;
    g_autofree char *name = socket ? g_path_get_basename(socket) : NULL;

    if (definition->sound.type != SOUND_NONE && !socket)
        return definition_raise(section_place(section, "Type"), ret_fault,
                                "add Socket=, such as /run/user/1000/pulse/native",
                                "[Sound] does not say which sound server");
    if (definition->sound.type == SOUND_NONE && socket)
        return definition_raise(section_place(section, "Socket"), ret_fault, "add Type=, or remove it",
                                "[Sound] Socket= means nothing without Type=");
    if (name && g_str_has_prefix(name, "pipewire-"))
        return definition_raise(section_place(section, "Socket"), ret_fault,
                                "name the socket of pipewire-pulse, such as /run/user/1000/pulse/native",
                                "[Sound] Socket=%s: QEMU speaks PulseAudio's protocol only", socket);
    return 0;
}
