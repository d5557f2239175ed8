/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "config.h"

#include "../../../daemon/core/qemu/host-tools.h"
#include "../suite.h"
#include "a-definition.h"

/* A descriptor as Debian's ovmf has it, with other words in these places. */
static Firmware *parse_mapping(const char *interface, const char *mapping, const char *target,
                               const char *features)
{
    g_autofree char *text = g_strdup_printf(
        "{\"description\":\"UEFI\",\"interface-types\":[\"%s\"],\"mapping\":{%s},"
        "\"targets\":[{\"architecture\":\"aarch64\",\"machines\":[\"virt-*\"]},%s],\"features\":[%s],"
        "\"tags\":[]}",
        interface, mapping, target, features);

    return firmware_parse("60-ovmf.json", text, strlen(text));
}

#define TEMPLATE "\"nvram-template\":{\"filename\":\"/vars.fd\",\"format\":\"raw\"}"

static Firmware *parse(const char *interface, const char *device, const char *code_format, const char *target,
                       const char *features)
{
    g_autofree char *mapping = g_strdup_printf(
        "\"device\":\"%s\",\"executable\":{\"filename\":\"/code.fd\",\"format\":\"%s\"}," TEMPLATE, device,
        code_format);

    return parse_mapping(interface, mapping, target, features);
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

static Firmware *in_mode(const char *rest)
{
    g_autofree char *mapping = g_strconcat("\"device\":\"flash\",", rest, NULL);

    return parse_mapping("uefi", mapping, Q35, "");
}

#define EXECUTABLE "\"executable\":{\"filename\":\"/code.qcow2\",\"format\":\"qcow2\"}"

START_TEST(each_image_has_a_format_of_its_own)
{
    g_autoptr(Firmware) mixed = in_mode("\"mode\":\"split\"," EXECUTABLE "," TEMPLATE);
    g_autoptr(Firmware) qcow2 =
        in_mode(EXECUTABLE ",\"nvram-template\":{\"filename\":\"/vars.qcow2\",\"format\":\"qcow2\"}");

    ck_assert(mixed->code_qcow2 && !mixed->template_qcow2);
    ck_assert(qcow2->code_qcow2 && qcow2->template_qcow2);
}
END_TEST

START_TEST(code_and_variables_may_be_in_one_image)
{
    g_autoptr(Firmware) combined = in_mode("\"mode\":\"combined\"," EXECUTABLE);

    ck_assert_ptr_null(combined->code);
    ck_assert_str_eq(combined->template, "/code.qcow2");
    ck_assert(combined->template_qcow2);
}
END_TEST

START_TEST(firmware_may_keep_no_variables)
{
    g_autoptr(Firmware) stateless = in_mode("\"mode\":\"stateless\"," EXECUTABLE);

    ck_assert_str_eq(stateless->code, "/code.qcow2");
    ck_assert_ptr_null(stateless->template);
    ck_assert_ptr_null(in_mode("\"mode\":\"split\"," EXECUTABLE));
    ck_assert_ptr_null(in_mode("\"mode\":\"another\"," EXECUTABLE "," TEMPLATE));
    ck_assert_ptr_null(in_mode("\"mode\":\"stateless\""));
    ck_assert_ptr_null(in_mode("\"mode\":\"combined\""));
}
END_TEST

START_TEST(firmware_that_we_cannot_boot_is_passed_over)
{
    ck_assert_ptr_null(parse("bios", "flash", "raw", Q35, ""));
    ck_assert_ptr_null(parse("uefi", "memory", "raw", Q35, ""));
    ck_assert_ptr_null(parse("uefi", "flash", "vmdk", Q35, ""));
    ck_assert_ptr_null(
        parse("uefi", "flash", "raw", "{\"architecture\":\"i386\",\"machines\":[\"pc-q35-*\"]}", ""));
    ck_assert_ptr_null(
        parse("uefi", "flash", "raw", "{\"architecture\":\"x86_64\",\"machines\":[\"pc-i440fx-*\"]}", ""));
    ck_assert_ptr_null(parse("uefi", "flash", "raw", Q35, "\"host-uefi-vars\""));
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

static const char *chosen(const HostTools *tools, bool secure_boot, bool enrolled_keys)
{
    const Firmware *firmware = firmware_choose(tools->firmwares, secure_boot, enrolled_keys);

    return firmware ? firmware->source : "none";
}

START_TEST(the_first_that_fits_is_chosen)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");

    add(tools, "30-setup-mode", "\"requires-smm\",\"secure-boot\"");
    ck_assert_str_eq(chosen(tools, true, true), "none");
    ck_assert_str_eq(chosen(tools, false, true), "none");
    ck_assert_str_eq(chosen(tools, true, false), "30-setup-mode");
    add(tools, "40-enrolled", "\"enrolled-keys\",\"requires-smm\",\"secure-boot\"");
    add(tools, "50-enrolled", "\"enrolled-keys\",\"requires-smm\",\"secure-boot\"");
    add(tools, "60-plain", "");
    ck_assert_str_eq(chosen(tools, true, true), "40-enrolled");
    ck_assert_str_eq(chosen(tools, false, true), "60-plain");
    ck_assert_str_eq(chosen(tools, false, false), "60-plain");
}
END_TEST

START_TEST(firmware_that_keeps_variables_comes_first)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    Firmware *stateless = in_mode("\"mode\":\"stateless\"," EXECUTABLE);

    g_ptr_array_add(tools->firmwares, stateless);
    ck_assert_str_eq(chosen(tools, false, true), stateless->source);
    add(tools, "70-plain", "");
    ck_assert_str_eq(chosen(tools, false, true), "70-plain");
}
END_TEST

START_TEST(a_definition_may_name_the_images)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) both = a_definition("[Firmware]\nType=uefi\nCode=/c.qcow2\nVariables=/v.fd\n");
    g_autoptr(GuestDefinition) code = a_definition("[Firmware]\nType=uefi\nSecureBoot=yes\nCode=/c.fd\n");
    Firmware firmware;

    add(tools, "60-plain", "");
    ck_assert_int_eq(host_tools_check(tools, both, NULL), 0);
    ck_assert(host_tools_firmware(tools, both, &firmware));
    ck_assert(firmware.pinned && firmware.code_qcow2 && !firmware.template_qcow2 && !firmware.needs_smm);
    ck_assert_str_eq(firmware.template, "/v.fd");
    ck_assert(host_tools_firmware(tools, code, &firmware));
    ck_assert(firmware.pinned && firmware.needs_smm && !firmware.code_qcow2);
    ck_assert_ptr_null(firmware.template);
}
END_TEST

START_TEST(a_guest_with_a_bios_needs_none)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) definition = a_definition("");
    Firmware firmware;

    add(tools, "60-plain", "");
    ck_assert(!host_tools_firmware(tools, definition, &firmware));
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
                     "guest win10: no file in " USHER_QEMU_DATADIR "/firmware tells of UEFI firmware for q35 "
                     "with secure boot and enrolled keys");
    ck_assert_str_eq(fault->remedy, "install it");
}
END_TEST

START_TEST(a_host_whose_firmware_has_no_keys_yet_says_so)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) secure = a_definition("[Firmware]\nType=uefi\nSecureBoot=yes\n");
    g_autoptr(GuestDefinition) own = a_definition("[Firmware]\nType=uefi\nSecureBoot=yes\nKeys=none\n");
    _cleanup_fault_ Fault *fault = NULL, *none = NULL;

    ck_assert_int_eq(host_tools_check(tools, own, &none), FAULT_RAISED);
    ck_assert_ptr_nonnull(strstr(none->message, "for q35 with secure boot and no keys yet"));
    add(tools, "50-setup-mode", "\"requires-smm\",\"secure-boot\"");
    ck_assert_int_eq(host_tools_check(tools, own, NULL), 0);
    ck_assert_int_eq(host_tools_check(tools, secure, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->remedy,
                     "write Keys=none and enrol keys of your own, or install firmware that has some");
}
END_TEST

static void assert_variables(const char *section, bool qcow2, const char *expected)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autofree char *text = g_strconcat("[Firmware]\nType=uefi\n", section, NULL);
    g_autoptr(GuestDefinition) definition = a_definition(text);
    g_autofree char *path = host_tools_nvram_path(tools, definition, qcow2);

    ck_assert_str_eq(path, expected);
}

START_TEST(each_way_of_booting_has_variables_of_its_own)
{
    assert_variables("", false, "/state/win10/nvram.fd");
    assert_variables("", true, "/state/win10/nvram.qcow2");
    assert_variables("SecureBoot=yes\n", false, "/state/win10/nvram-secure.fd");
    assert_variables("SecureBoot=yes\nKeys=none\n", false, "/state/win10/nvram-own-keys.fd");
    assert_variables("Code=/c\n", false, "/state/win10/nvram-pinned.fd");
    assert_variables("Code=/c\nSecureBoot=yes\n", true, "/state/win10/nvram-pinned-secure.qcow2");
}
END_TEST

START_TEST(keys_that_make_no_sense_are_refused)
{
    assert_refused("[Firmware]\nType=uefi\nKeys=none\n",
                   FILE_PATH ":3: [Firmware] Keys=none: without secure boot there are no keys",
                   "add SecureBoot=yes, or remove Keys=");
    assert_refused("[Firmware]\nMMIO64=64G\n",
                   FILE_PATH ":2: [Firmware] MMIO64= is for UEFI firmware: a BIOS makes room as it is needed",
                   "add Type=uefi, or remove it");
    assert_refused("[Firmware]\nCode=/c\n", FILE_PATH ":2: [Firmware] Code= is for UEFI firmware",
                   "add Type=uefi, or remove it");
    assert_refused("[Firmware]\nType=uefi\nVariables=/v\n",
                   FILE_PATH ":3: [Firmware] Variables= needs Code=", "add Code=, or remove Variables=");
}
END_TEST

START_TEST(what_only_the_other_firmware_has_is_refused)
{
    assert_refused("[Firmware]\nSecureBoot=yes\n",
                   FILE_PATH ":2: [Firmware] SecureBoot=yes: a BIOS has no secure boot",
                   "add Type=uefi, or remove it");
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

static void assert_no_nat(const HostTools *tools, const char *message, const char *remedy)
{
    g_autoptr(GuestDefinition) definition = a_definition("[Network lan]\nMode=nat\n");
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(host_tools_check(tools, definition, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, message);
    ck_assert_str_eq(fault->remedy, remedy);
}

START_TEST(a_host_without_what_nat_needs_is_told_the_package)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) plain = a_definition("[Network lan]\nMode=user\n"),
                               nat = a_definition("[Network lan]\nMode=nat\n");

    ck_assert_int_eq(host_tools_check(tools, plain, NULL), 0);
    assert_no_nat(tools,
                  "guest win10: [Network] Mode=nat needs units of systemd, and usherd runs without systemd",
                  "write Mode=user");
    tools->systemd = true;
    assert_no_nat(tools, "guest win10: [Network] Mode=nat needs dnsmasq, which this host does not have",
                  "install it; or write Mode=user");
    tools->dnsmasq = true;
    assert_no_nat(tools, "guest win10: [Network] Mode=nat needs nft, which this host does not have",
                  "install it; or write Mode=user");
    tools->nft = true;
    ck_assert_int_eq(host_tools_check(tools, nat, NULL), 0);
}
END_TEST

START_TEST(what_nat_needs_is_taken_to_be_there_where_a_definition_is_only_read)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GuestDefinition) nat = a_definition("[Network lan]\nMode=nat\n");
    g_autoptr(HostTools) tools = host_tools_new("/state");

    host_tools_assume(tools, nat, notes);
    assert_no_nat(tools,
                  "guest win10: [Network] Mode=nat needs units of systemd, and usherd runs without systemd",
                  "write Mode=user");
    ck_assert_uint_eq(notes->len, 0);
    tools->systemd = true;
    host_tools_assume(tools, nat, notes);
    ck_assert_int_eq(host_tools_check(tools, nat, NULL), 0);
    ck_assert_uint_eq(notes->len, 1);
    ck_assert_str_eq(g_ptr_array_index(notes, 0),
                     "guest win10: [Network] Mode=nat needs dnsmasq, which this host does not have; install "
                     "it; or write Mode=user");
}
END_TEST

START_TEST(a_time_zone_that_the_host_does_not_know_is_refused)
{
    g_autoptr(HostTools) tools = host_tools_new("/state");
    g_autoptr(GuestDefinition) there = a_definition("[Clock]\nBase=Asia/Tokyo\n"),
                               nowhere = a_definition("[Clock]\nBase=Asia/Atlantis\n");
    g_autofree char *time = host_tools_time(tools, "Asia/Tokyo");
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert(g_regex_match_simple("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$", time, 0, 0));
    ck_assert_int_eq(host_tools_check(tools, there, NULL), 0);
    ck_assert_int_eq(host_tools_check(tools, nowhere, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, "[Clock] of guest win10: this host knows no time zone Asia/Atlantis");
    ck_assert_str_eq(fault->remedy,
                     "choose one of: timedatectl list-timezones (package tzdata); or write Base=local");
}
END_TEST

SUITE("firmware", a_tpm_and_an_initrd_need_uefi, a_time_zone_that_the_host_does_not_know_is_refused,
      a_host_without_swtpm_is_told_the_package, a_host_without_what_nat_needs_is_told_the_package,
      what_nat_needs_is_taken_to_be_there_where_a_definition_is_only_read,
      a_descriptor_tells_images_and_features, firmware_that_we_cannot_boot_is_passed_over,
      what_is_no_descriptor_is_passed_over, a_descriptor_that_is_no_text_is_passed_over,
      the_first_that_fits_is_chosen, a_guest_with_a_bios_needs_none,
      a_host_without_the_firmware_is_told_the_package, each_way_of_booting_has_variables_of_its_own,
      keys_that_make_no_sense_are_refused, each_image_has_a_format_of_its_own,
      code_and_variables_may_be_in_one_image, firmware_may_keep_no_variables,
      firmware_that_keeps_variables_comes_first, a_definition_may_name_the_images,
      a_host_whose_firmware_has_no_keys_yet_says_so, what_only_the_other_firmware_has_is_refused)
