/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Input], and what QEMU is told of it. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/qemu/input.h"
#include "../suite.h"
#include "a-qemu.h"

#define DEVICE "/dev/input/by-id/usb-EXAMPLE-event-kbd"

START_TEST(an_input_device_is_below_its_folder_and_in_one_section)
{
    assert_refused("[Input a]\nDevice=/dev/vfio/12\n",
                   FILE_PATH ":2: [Input a] Device=/dev/vfio/12 is not below /dev/input/",
                   "name one of /dev/input/by-id, or by-path");
    assert_refused("[Input a]\nDevice=" DEVICE "\n[Input b]\nDevice=" DEVICE "\n",
                   FILE_PATH ":4: [Input b] has the same Device= as [Input a]", "remove one of them");
    assert_refused(
        "[Input a]\nDevice=" DEVICE "\nGrabToggle=ctrl\n",
        FILE_PATH
        ":3: [Input a] GrabToggle=ctrl is not ctrl-ctrl, alt-alt, shift-shift, meta-meta, scrolllock or "
        "ctrl-scrolllock",
        "did you mean ctrl-ctrl?");
}
END_TEST

static void fill(const QemuFile *file, const char *path)
{
}

/* There is no keyboard here: QEMU complains of the device after it has understood all the rest. */
START_TEST(qemu_understands_what_it_is_told_of_a_keyboard)
{
    static const char *const toggles[] = {"ctrl-ctrl", "alt-alt",    "shift-shift",
                                          "meta-meta", "scrolllock", "ctrl-scrolllock"};
    g_autoptr(GuestDefinition) plain =
        a_definition("[CPU]\nAccelerator=tcg\n[Memory]\nSize=64M\n[Console]\nLog=no\n");
    g_autoptr(QemuCommand) command = a_command_for(plain);
    Qemu *qemu = qemu_start(command, fill, NULL);

    qemu_negotiate(qemu);
    for (size_t i = 0; i < G_N_ELEMENTS(toggles); i++) {
        g_autofree char *text =
            g_strdup_printf("[Input keyboard]\nDevice=" DEVICE "\nGrabToggle=%s\n", toggles[i]);
        g_autoptr(GuestDefinition) definition = a_definition(text);
        const DefinitionInput *input = g_ptr_array_index(definition->inputs, 0);
        struct json_object *object = qemu_input_object(input, "/dev/null");

        ck_assert_str_eq(json_object_get_string(json_object_object_get(object, "id")), "input-keyboard");
        ck_assert_str_eq(json_object_get_string(json_object_object_get(object, "grab-toggle")), toggles[i]);
        g_autofree char *words = qemu_refusal(qemu, "object-add", object);
        ck_assert_str_eq(words, "/dev/null: is not an evdev device");
    }
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
}
END_TEST

SUITE("definition-input", an_input_device_is_below_its_folder_and_in_one_section,
      qemu_understands_what_it_is_told_of_a_keyboard)
