/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Sound], and what QEMU makes of it. */
#include <signal.h>
#include <sys/wait.h>

#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-command.h"

#define SOCKET "/run/user/1000/pulse/native"

START_TEST(a_sound_server_is_said_with_its_socket)
{
    assert_refused("[Sound]\nType=pipewire\n", FILE_PATH ":2: [Sound] does not say which sound server",
                   "add Socket=, such as /run/user/1000/pulse/native");
    assert_refused("[Sound]\nSocket=" SOCKET "\n",
                   FILE_PATH ":2: [Sound] Socket= means nothing without Type=", "add Type=, or remove it");
    assert_refused("[Sound]\nType=alsa\nSocket=" SOCKET "\n",
                   FILE_PATH ":2: [Sound] Type=alsa is not none, pipewire, pulseaudio, spice or silent",
                   "ALSA cannot be given, because one program has the card then; write pipewire");
    assert_refused("[Sound]\nType=pipewire\nSocket=/run/user/1000/pipewire-0\n",
                   FILE_PATH
                   ":3: [Sound] Socket=/run/user/1000/pipewire-0: QEMU speaks PulseAudio's protocol only",
                   "name the socket of pipewire-pulse, such as /run/user/1000/pulse/native");
    assert_refused("[Sound]\nType=silent\nSocket=" SOCKET "\n",
                   FILE_PATH ":3: [Sound] Socket= means nothing with Type=silent: nobody plays", "remove it");
}
END_TEST

START_TEST(a_guest_has_no_sound_unless_it_is_asked_for)
{
    g_autoptr(GuestDefinition) plain = a_definition(""), none = a_definition("[Sound]\nType=none\n");

    ck_assert_int_eq(plain->sound.type, SOUND_NONE);
    ck_assert_int_eq(none->sound.type, SOUND_NONE);
}
END_TEST

START_TEST(a_guest_can_have_a_sound_card_that_nobody_hears)
{
    g_autoptr(GuestDefinition) silent = a_definition("[Sound]\nType=silent\n");
    g_autoptr(QemuCommand) command = a_command_for(silent);
    g_autofree char *words = g_strjoinv(" ", (char **)command->argv->pdata);

    ck_assert_ptr_nonnull(strstr(words, "-audiodev none,id=sound"));
    ck_assert_ptr_nonnull(strstr(words, "hda-duplex"));
}
END_TEST

/* The driver's module or a server may be missing here: then QEMU complains of the driver, after it has
 * understood the driver's options; without the module 11.1 ends by SIGSEGV there. It would complain of an
 * unknown option before. */
START_TEST(qemu_understands_which_server_it_is_to_play_on)
{
    g_autoptr(GuestDefinition) definition = a_definition("[Sound]\nType=pipewire\nSocket=" SOCKET "\n");
    g_autoptr(QemuCommand) command = a_command_for(definition);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *words = NULL;
    int status;

    for (const char *const *word = (const char *const[]){command->argv->pdata[0], "-machine", "q35",
                                                         "-nodefaults", "-display", "none", "-S", NULL};
         *word; word++)
        g_ptr_array_add(argv, (char *)*word);
    for (unsigned i = 0; command->argv->pdata[i + 1]; i++)
        if (g_str_equal(command->argv->pdata[i], "-audiodev") || strstr(command->argv->pdata[i + 1], "hda")) {
            g_ptr_array_add(argv, command->argv->pdata[i]);
            g_ptr_array_add(argv, command->argv->pdata[i + 1]);
        }
    ck_assert_uint_eq(argv->len, 7 + 6);
    g_ptr_array_add(argv, NULL);
    ck_assert(g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                           &words, &status, NULL));
    ck_assert_int_ne(status, 0);
    bool crashed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && *words == '\0';
    ck_assert_msg(crashed || strstr(words, "`pa'") || strstr(words, "connect to PulseAudio"), "%s", words);
}
END_TEST

SUITE("definition-sound", a_sound_server_is_said_with_its_socket, a_guest_has_no_sound_unless_it_is_asked_for,
      a_guest_can_have_a_sound_card_that_nobody_hears, qemu_understands_which_server_it_is_to_play_on)
