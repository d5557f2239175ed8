/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command line that is only shown: what is not there, or not known, has a name in it, and a note says so.
 */
#include "../../../daemon/core/plan/assumed.h"
#include "../../../daemon/core/qemu/check.h"
#include "../suite.h"
#include "a-command.h"

static GPtrArray *notes;

static void make_notes(void)
{
    notes = g_ptr_array_new_with_free_func(g_free);
}

static void drop_notes(void)
{
    g_ptr_array_unref(notes);
}

/* Of all slots this one alone is there, with a display, its sound and a port for USB. */
static uint8_t look(PciAddress slot, const void *userdata)
{
    return slot.bus == 1 ? 1 << 0 | 1 << 1 | 1 << 3 : 0;
}

static QemuCommand *a_shown_command(const char *text)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    g_autoptr(QemuFacts) facts = qemu_facts_assume(QEMU_PATH);
    g_autoptr(HostTools) tools = host_tools_new("/var/lib/usher/guests");
    g_autoptr(Plan) plan = plan_assume(definition, look, NULL, notes);
    _cleanup_fault_ Fault *fault = NULL;

    host_tools_assume(tools, definition, notes);
    host_tools_settle(tools, definition);
    QemuCommand *command = qemu_command_build(definition, plan, facts, tools);
    ck_assert_int_eq(qemu_command_check(command, facts, &fault), 0);
    return command;
}

static void assert_argument(const QemuCommand *command, const char *part, bool there)
{
    bool found = false;

    for (unsigned i = 0; i + 1 < command->argv->len; i++)
        found |= strstr(g_ptr_array_index(command->argv, i), part) != NULL;
    ck_assert_msg(found == there, "%s is %sthere", part, found ? "" : "not ");
}

static void assert_notes(unsigned n, const char *part)
{
    bool found = n == 0;

    for (unsigned i = 0; i < notes->len; i++)
        found |= strstr(g_ptr_array_index(notes, i), part ?: "") != NULL;
    ck_assert_uint_eq(notes->len, n);
    ck_assert(found);
}

START_TEST(functions_that_are_named_are_in_the_line_wherever_the_device_is)
{
    g_autoptr(QemuCommand) command = a_shown_command("[PCI gpu]\nAddress=09:00.0\nFunctions=0,2\n");

    assert_argument(command, "\"host\":\"0000:09:00.0\",\"multifunction\":true", true);
    assert_argument(command, "\"host\":\"0000:09:00.2\"", true);
    assert_argument(command, "\"host\":\"0000:09:00.1\"", false);
    assert_notes(0, NULL);
}
END_TEST

START_TEST(all_functions_are_those_that_are_there)
{
    g_autoptr(QemuCommand) command = a_shown_command("[PCI gpu]\nAddress=01:00.0\n");

    assert_argument(command, "\"host\":\"0000:01:00.1\"", true);
    assert_argument(command, "\"host\":\"0000:01:00.2\"", false);
    assert_argument(command, "\"host\":\"0000:01:00.3\"", true);
    assert_notes(0, NULL);
}
END_TEST

START_TEST(a_device_that_is_not_there_has_the_function_of_its_address_and_a_note)
{
    g_autoptr(QemuCommand) command = a_shown_command("[PCI usb]\nAddress=08:00.3\n");

    assert_argument(command, "\"host\":\"0000:08:00.3\"", true);
    assert_argument(command, "multifunction\":true}", false);
    assert_notes(1, "[PCI usb] 0000:08:00.3 is not on this host");
}
END_TEST

START_TEST(virtual_functions_are_as_many_as_will_be_made)
{
    g_autoptr(QemuCommand) command = a_shown_command("[PCI net]\nAddress=02:00.0\nVirtualFunctions=2\n");

    assert_argument(command, "\"host\":\"0000:02:00.0\"", false);
    assert_argument(command, "\"host\":\"0000:02:00.2\"", true);
    assert_argument(command, "\"host\":\"0000:02:00.3\"", false);
    assert_notes(1, "[PCI net]");
}
END_TEST

START_TEST(a_mediated_device_is_known_by_its_uuid)
{
    g_autoptr(QemuCommand) command =
        a_shown_command("[PCI vgpu]\nMediatedDevice=6f0b4c9a-3d19-4a3e-9d4c-0f6c1b2a7e55\n");

    assert_argument(command, "/sys/bus/mdev/devices/6f0b4c9a-3d19-4a3e-9d4c-0f6c1b2a7e55", true);
    assert_notes(0, NULL);
}
END_TEST

START_TEST(firmware_and_tpm_that_are_not_installed_have_names)
{
    g_autoptr(QemuCommand) command =
        a_shown_command("[Firmware]\nType=uefi\nSecureBoot=yes\n[TPM]\nVersion=2.0\n");
    const QemuCompanion *swtpm = g_ptr_array_index(command->companions, 0);

    assert_argument(command, "pflash0=firmware,pflash1=nvram,smm=on", true);
    ck_assert_str_eq(g_ptr_array_index(swtpm->argv, 0), "swtpm");
    assert_notes(2, "no file in /usr/share/qemu/firmware");
}
END_TEST

START_TEST(firmware_that_is_pinned_needs_no_other)
{
    g_autoptr(QemuCommand) command =
        a_shown_command("[Firmware]\nType=uefi\nCode=/srv/OVMF_CODE.fd\nVariables=/srv/OVMF_VARS.fd\n");

    for (unsigned i = 0, n = 0; i < command->files->len; i++) {
        g_autofree char *line = qemu_file_to_text(&g_array_index(command->files, QemuFile, i));
        n += strstr(line, "firmware /srv/OVMF_CODE.fd (read-only)") != NULL;
        ck_assert(i + 1 < command->files->len || n == 1);
    }
    assert_notes(0, NULL);
}
END_TEST

START_TEST(a_share_that_must_be_virtiofs_names_the_server)
{
    g_autoptr(QemuCommand) command = a_shown_command("[Share data]\nPath=/srv\nType=virtiofs\n");

    assert_argument(command, "vhost-user-fs-pci", true);
    assert_notes(1, "there is no virtiofsd on this host");
}
END_TEST

START_TEST(the_memory_of_kvmfr_has_a_usual_size)
{
    g_autoptr(QemuCommand) command = a_shown_command("[LookingGlass]\nDevice=/dev/kvmfr0\n");

    assert_argument(command, "\"mem-path\":\"/dev/kvmfr0\",\"size\":33554432", true);
    assert_notes(1, "/dev/kvmfr0");
}
END_TEST

SUITE_WITH("qemu-assumed", make_notes, drop_notes,
           functions_that_are_named_are_in_the_line_wherever_the_device_is,
           all_functions_are_those_that_are_there,
           a_device_that_is_not_there_has_the_function_of_its_address_and_a_note,
           virtual_functions_are_as_many_as_will_be_made, a_mediated_device_is_known_by_its_uuid,
           firmware_and_tpm_that_are_not_installed_have_names, firmware_that_is_pinned_needs_no_other,
           a_share_that_must_be_virtiofs_names_the_server, the_memory_of_kvmfr_has_a_usual_size)
