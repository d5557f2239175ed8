/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/qemu/host-tools.h"
#include "../suite.h"
#include "a-definition.h"

/* A descriptor as Debian's ovmf has it, with other words in these places. */
static Firmware *parse(const char *interface, const char *device, const char *code_format, const char *target,
                       const char *features)
{
    g_autofree char *text = g_strdup_printf(
        "{\"description\":\"UEFI\",\"interface-types\":[\"%s\"],"
        "\"mapping\":{\"device\":\"%s\",\"executable\":{\"filename\":\"/code.fd\",\"format\":\"%s\"},"
        "\"nvram-template\":{\"filename\":\"/vars.fd\",\"format\":\"raw\"}},"
        "\"targets\":[{\"architecture\":\"aarch64\",\"machines\":[\"virt-*\"]},%s],\"features\":[%s],"
        "\"tags\":[]}",
        interface, device, code_format, target, features);

    return firmware_parse("60-ovmf.json", text, strlen(text));
}

#define Q35 "{\"architecture\":\"x86_64\",\"machines\":[\"pc-i440fx-*\",\"pc-q35-*\"]}"

START_TEST(a_descriptor_tells_images_and_features)
{
    g_autoptr(Firmware) plain = parse("uefi", "flash", "raw", Q35, "\"acpi-s3\"");
    g_autoptr(Firmware) secure =
        parse("uefi", "flash", "raw", Q35, "\"enrolled-keys\",\"requires-smm\",\"secure-boot\"");

    ck_assert_str_eq(plain->source, "60-ovmf.json");
    ck_assert_str_eq(plain->code, "/code.fd");
    ck_assert_str_eq(plain->template, "/vars.fd");
    ck_assert(!plain->secure_boot && !plain->enrolled_keys && !plain->needs_smm);
    ck_assert(secure->secure_boot && secure->enrolled_keys && secure->needs_smm);
}
END_TEST

START_TEST(firmware_that_we_cannot_boot_is_passed_over)
{
    ck_assert_ptr_null(parse("bios", "flash", "raw", Q35, ""));
    ck_assert_ptr_null(parse("uefi", "memory", "raw", Q35, ""));
    ck_assert_ptr_null(parse("uefi", "flash", "qcow2", Q35, ""));
    ck_assert_ptr_null(
        parse("uefi", "flash", "raw", "{\"architecture\":\"i386\",\"machines\":[\"pc-q35-*\"]}", ""));
    ck_assert_ptr_null(
        parse("uefi", "flash", "raw", "{\"architecture\":\"x86_64\",\"machines\":[\"pc-i440fx-*\"]}", ""));
}
END_TEST

START_TEST(what_is_no_descriptor_is_passed_over)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        "{\"mapping\":7}",
        "{\"mapping\":{\"device\":[]},\"interface-types\":{}}",
        "{\"interface-types\":[7,\"uefi\"],\"targets\":[null,{\"architecture\":\"x86_64\",\"machines\":7}]}",
        "{\"interface-types\":[\"uefi\"],\"targets\":[" Q35
        "],\"mapping\":{\"device\":\"flash\",\"executable\":"
        "{\"filename\":\"code.fd\",\"format\":\"raw\"},\"nvram-template\":{\"filename\":\"/"
        "v\",\"format\":\"raw\"}}}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        ck_assert_msg(firmware_parse("x.json", texts[i], strlen(texts[i])) == NULL, "%s", texts[i]);
}
END_TEST

START_TEST(a_descriptor_that_is_no_text_is_passed_over)
{
    /* As on a damaged disk: incomplete characters, in front of text that the parser reads backwards. */
    ck_assert_ptr_null(
        parse("uefi", "flash", "raw", "{\"architecture\":\"x86_64\",\"machines\":[\"*\xfd\"]}", ""));
    ck_assert_ptr_null(
        parse("uefi", "flash", "raw", "{\"architecture\":\"x86_64\",\"machines\":[\"*q35\xc3\"]}", ""));
    ck_assert_ptr_null(parse("uefi", "flash", "raw", Q35, "\"secure-boot\xff\""));
}
END_TEST

static void add(HostTools *tools, const char *source, const char *features)
{
    Firmware *firmware = parse("uefi", "flash", "raw", Q35, features);

    g_free(firmware->source);
    firmware->source = g_strdup(source);
    g_ptr_array_add(tools->firmwares, firmware);
}

START_TEST(the_first_that_fits_is_chosen)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");

    add(tools, "30-setup-mode", "\"requires-smm\",\"secure-boot\"");
    ck_assert_ptr_null(firmware_choose(tools->firmwares, true));
    ck_assert_ptr_null(firmware_choose(tools->firmwares, false));
    add(tools, "40-enrolled", "\"enrolled-keys\",\"requires-smm\",\"secure-boot\"");
    add(tools, "50-enrolled", "\"enrolled-keys\",\"requires-smm\",\"secure-boot\"");
    add(tools, "60-plain", "");
    ck_assert_str_eq(firmware_choose(tools->firmwares, true)->source, "40-enrolled");
    ck_assert_str_eq(firmware_choose(tools->firmwares, false)->source, "60-plain");
}
END_TEST

START_TEST(a_guest_with_a_bios_needs_none)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) definition = a_definition("");

    add(tools, "60-plain", "");
    ck_assert_ptr_null(host_tools_firmware(tools, definition));
    ck_assert_int_eq(host_tools_check(tools, definition, NULL), 0);
}
END_TEST

START_TEST(a_host_without_the_firmware_is_told_the_package)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) secure = a_definition("[Firmware]\nType=uefi\nSecureBoot=yes\n");
    g_autoptr(GuestDefinition) plain = a_definition("[Firmware]\nType=uefi\n");
    _cleanup_fault_ Fault *fault = NULL;

    add(tools, "60-plain", "");
    ck_assert_int_eq(host_tools_check(tools, plain, NULL), 0);
    ck_assert_int_eq(host_tools_check(tools, secure, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_MISSING_FILE);
    ck_assert_str_eq(fault->message,
                     "guest win10: no file in /usr/share/qemu/firmware tells of UEFI firmware for q35 "
                     "with secure boot and enrolled keys");
    ck_assert_str_eq(fault->remedy, "install it");
}
END_TEST

START_TEST(variables_made_without_keys_are_not_used_with_secure_boot)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) secure = a_definition("[Firmware]\nType=uefi\nSecureBoot=yes\n");
    g_autoptr(GuestDefinition) plain = a_definition("[Firmware]\nType=uefi\n");
    g_autofree char *with_keys = host_tools_nvram_path(tools, secure),
                    *without = host_tools_nvram_path(tools, plain);

    ck_assert_str_eq(without, "/state/win10/nvram.fd");
    ck_assert_str_eq(with_keys, "/state/win10/nvram-secure.fd");
}
END_TEST

START_TEST(what_only_the_other_firmware_has_is_refused)
{
    assert_refused("[Firmware]\nSecureBoot=yes\n",
                   FILE_PATH ":2: [Firmware] SecureBoot=yes: a BIOS has no secure boot",
                   "add Type=uefi, or remove it");
    assert_refused("[Firmware]\nType=uefi\n[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n",
                   FILE_PATH ":5: [PCI gpu] PrimaryVGA=yes works only in a guest with BIOS firmware",
                   "remove it: with [Firmware] Type=uefi the card's own UEFI driver shows the guest");
}
END_TEST

START_TEST(a_tpm_and_an_initrd_need_uefi)
{
    static const char both[] = "[TPM]\nVersion=2.0\n[Kernel]\nImage=/k\nInitrd=/i\n";
    g_autoptr(GuestDefinition) definition = a_definition_with(both, "[Firmware]\nType=uefi\n");

    assert_refused(both, FILE_PATH ":2: [TPM] with [Kernel] Initrd= needs UEFI firmware",
                   "add Type=uefi to [Firmware]");
}
END_TEST

START_TEST(a_host_without_swtpm_is_told_the_package)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) definition = a_definition("[TPM]\nVersion=2.0\n");
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(host_tools_check(tools, definition, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, "guest win10: [TPM] needs swtpm, which this host does not have");
    ck_assert_str_eq(fault->remedy, "install it");
}
END_TEST

SUITE("firmware", a_tpm_and_an_initrd_need_uefi, a_host_without_swtpm_is_told_the_package,
      a_descriptor_tells_images_and_features, firmware_that_we_cannot_boot_is_passed_over,
      what_is_no_descriptor_is_passed_over, a_descriptor_that_is_no_text_is_passed_over,
      the_first_that_fits_is_chosen, a_guest_with_a_bios_needs_none,
      a_host_without_the_firmware_is_told_the_package,
      variables_made_without_keys_are_not_used_with_secure_boot, what_only_the_other_firmware_has_is_refused)
