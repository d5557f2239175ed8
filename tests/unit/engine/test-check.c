/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `usherctl check` says of devices, of KVM and of what guests want. */
#include <string.h>

#include "../../../daemon/core/host/huge-pages.h"
#include "../../../daemon/engine/manager/check.h"
#include "../../../daemon/engine/host-look.h"
#include "../core/a-host.h"
#include "rig.h"

static const char *build_nothing(FakeHost *host)
{
    return "";
}

/* "note the message → the remedy", or NULL if there is no such finding. */
static char *finding_of(const GPtrArray *findings, const char *id)
{
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = g_ptr_array_index(findings, i);
        if (g_str_equal(finding->id, id))
            return g_strdup_printf("%s %s → %s", finding_level_to_string(finding->level), finding->message,
                                   finding->remedy);
    }
    return NULL;
}

static void assert_found(const Rig *rig, const char *id, const char *words)
{
    g_autoptr(Host) host = NULL;

    ck_assert_int_eq(host_look(&rig->engine, &host), 0);
    g_autoptr(GPtrArray) findings = check_host(&rig->engine, host, NULL, NULL);
    g_autofree char *text = finding_of(findings, id);
    if (words)
        ck_assert_msg(text && g_str_has_prefix(text, words), "%s", text);
    else
        ck_assert_msg(!text, "%s", text);
}

static void assert_guest(const Host *host, const char *text, const char *id, const char *words)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    g_autoptr(GuestDefinition) definition = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    check_guest(findings, host, definition);
    g_autofree char *found = finding_of(findings, id);
    if (words)
        ck_assert_msg(found && g_str_has_prefix(found, words), "%s", found);
    else
        ck_assert_msg(!found, "%s", found);
}

START_TEST(what_kvm_does_with_unknown_registers_is_told)
{
    A_RIG(build_nothing);

    assert_found(&rig, "msrs", NULL);
    fake_host_set_parameter(rig.host, "kvm", "ignore_msrs", "N");
    fake_host_set_parameter(rig.host, "kvm", "report_ignored_msrs", "Y");
    assert_found(&rig, "msrs",
                 "note a guest that reads a model-specific register that KVM does not know gets a fault");
    fake_host_set_parameter(rig.host, "kvm", "ignore_msrs", "Y");
    assert_found(
        &rig, "msrs",
        "note model-specific registers that KVM does not know are ignored, and each time is written");
    fake_host_set_parameter(rig.host, "kvm", "report_ignored_msrs", "N");
    assert_found(&rig, "msrs", "ok model-specific registers that KVM does not know are ignored");
}
END_TEST

START_TEST(devices_that_no_guest_will_get_are_told)
{
    A_RIG(build_gpu);

    assert_found(&rig, "devices", "ok no device is in quarantine or dead");
    fake_host_silence(rig.host, "0000:01:00.0");
    ck_assert_int_eq(ledger_note(rig.engine.ledger, "0000:01:00.1", 0, "reset failed: Input/output error"),
                     0);
    assert_found(&rig, "dead", "warning 0000:01:00.0 is dead: its config space reads as all ones");
    assert_found(&rig, "quarantine", "warning 0000:01:00.1 is in quarantine since ");
    assert_found(&rig, "devices", NULL);
}
END_TEST

START_TEST(huge_pages_that_a_guest_lacks_are_told)
{
    g_autoptr(Host) host = host_new();
    HostNode node = {};

    node.pages[HUGE_PAGES_2M].there = true;
    node.pages[HUGE_PAGES_2M].free = 40;
    g_array_append_val(host->nodes, node);
    assert_guest(host, "[Memory]\nSize=64M\n", "huge-pages", NULL);
    assert_guest(host, "[Memory]\nSize=64M\nHugePages=2M\n", "huge-pages",
                 "ok guest win10 wants 32 huge pages of 2M, and they are free");
    assert_guest(
        host, "[Memory]\nSize=1G\nHugePages=2M\n", "huge-pages",
        "note guest win10 wants 512 huge pages of 2M, and 40 are free: the others are made when it starts, "
        "if "
        "memory is not fragmented then → to reserve pages for certain: boot with hugepagesz=2M "
        "hugepages=512");
    assert_guest(
        host, "[Memory]\nSize=1G\nHugePages=1G\n", "huge-pages",
        "warning guest win10 wants huge pages of 1G, which this host does not have → choose another size");
}
END_TEST

START_TEST(host_cpus_that_are_not_at_full_speed_are_told_to_whom_it_matters)
{
    g_autoptr(Host) host = host_new();

    host_add_cpu(host, 0)->governor = g_strdup("performance");
    host_add_cpu(host, 1)->governor = g_strdup("powersave");
    assert_guest(host, "[CPU]\nCores=1\n", "governor", NULL);
    assert_guest(host, "[CPU]\nCores=1\nPin=0\n", "governor", NULL);
    assert_guest(host, "[CPU]\nCores=1\nPin=1\nGovernor=performance\n", "governor", NULL);
    assert_guest(host, "[CPU]\nCores=1\nPin=0-1\n", "governor",
                 "note guest win10 has host CPUs of its own, and powersave lowers their speed (CPU 1)");
}
END_TEST

START_TEST(a_key_that_uefi_does_not_need_is_warned_of)
{
    g_autoptr(Host) host = host_new();

    assert_guest(host, "[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n", "primary-vga", NULL);
    assert_guest(host, "[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n[Firmware]\nType=uefi\n", "primary-vga",
                 "warning guest win10: [PCI gpu] PrimaryVGA=yes: UEFI firmware shows the guest by the card's "
                 "own driver");
}
END_TEST

START_TEST(the_sound_of_a_lent_card_that_is_in_another_slot_is_told)
{
    g_autoptr(Host) host = host_new();

    an_arc(host);
    assert_guest(
        host, "[PCI arc]\nAddress=05:00.0\n", "card",
        "note guest win10: 0000:06:00.0 is a part of the same card as 0000:05:00.0, behind the card's "
        "own switch, and stays with the host → give it a [PCI] section, too");
    assert_guest(host, "[PCI arc]\nAddress=05:00.0\n[PCI sound]\nAddress=06:00.0\n", "card", NULL);
    assert_guest(host, "[PCI arc]\nAddress=05:00.0\nMediatedType=i915-GVTg_V5_4\n", "card", NULL);
    /* Behind a switch of the mainboard's there are two cards. */
    device_of(host, "0000:03:00.0")->vendor = 0x1022;
    assert_guest(host, "[PCI arc]\nAddress=05:00.0\n", "card", NULL);
}
END_TEST

static void assert_width(HostWidths widths, const char *text, const char *words)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    g_autoptr(GuestDefinition) definition = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    check_widths(findings, &widths, definition);
    g_autofree char *found = finding_of(findings, "address-width");
    ck_assert_pstr_eq(found, words);
}

#define CARD "[PCI gpu]\nAddress=01:00.0\n"
#define UEFI "[Firmware]\nType=uefi\n"

START_TEST(a_guest_whose_addresses_reach_beyond_the_hosts_is_told)
{
    const HostWidths desktop = {.cpu = 46, .iommu = 39}, server = {.cpu = 46, .iommu = 48}, none = {};

    assert_width(desktop, CARD,
                 "warning guest win10 has physical addresses of 46 bits, and this host's IOMMU reaches 39: "
                 "what firmware places beyond, such as large BARs, devices cannot reach → add "
                 "Features=host-phys-bits-limit=39 to its [CPU]");
    assert_width(desktop, CARD "[CPU]\nFeatures=host-phys-bits-limit=39\n", NULL);
    assert_width(desktop, CARD "[CPU]\nFeatures=phys-bits=39\n", NULL);
    assert_width(desktop, "", NULL);
    assert_width(server, CARD, NULL);
    assert_width(none, CARD, NULL);
    assert_width(
        server, "[CPU]\nFeatures=phys-bits=52\n",
        "warning guest win10 has physical addresses of 52 bits, and this host's CPU has 46: the guest "
        "cannot use those beyond → lower phys-bits in its [CPU] Features=");
    assert_width(server, CARD UEFI "MMIO64=1T\n[CPU]\nModel=EPYC\n",
                 "warning guest win10 has physical addresses of 40 bits, too few for its memory and "
                 "[Firmware] MMIO64= → lower MMIO64=");
    assert_width(server, CARD UEFI "MMIO64=512G\n[CPU]\nModel=EPYC\n", NULL);
}
END_TEST

START_TEST(the_widths_of_the_hosts_addresses_are_read)
{
    A_RIG(build_gpu);
    g_autofree char *cpu = g_build_filename(fake_host_path(rig.host), "proc/cpuinfo", NULL);
    /* 46 bits, 39 bits, and AMD's, which says nothing of that. */
    static const char *const units[][2] = {{"dmar0/intel-iommu", "d2008c402d0462\n"},
                                           {"dmar1/intel-iommu", "1c0000c40660462\n"},
                                           {"ivhd0/amd-iommu", "1400000000\n"}};

    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++) {
        g_autofree char *folder =
            g_build_filename(fake_host_path(rig.host), "sys/class/iommu", units[i][0], NULL);
        g_autofree char *path = g_build_filename(folder, "cap", NULL);
        ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
        ck_assert(g_file_set_contents(path, units[i][1], -1, NULL));
    }
    ck_assert(g_file_set_contents(cpu, "processor\t: 0\naddress sizes\t: 46 bits physical, 48 bits virtual\n",
                                  -1, NULL));
    HostWidths widths = host_widths_read(&rig.engine.host_place);
    ck_assert_uint_eq(widths.cpu, 46);
    ck_assert_uint_eq(widths.iommu, 39);
}
END_TEST

SUITE("check", a_guest_whose_addresses_reach_beyond_the_hosts_is_told,
      the_widths_of_the_hosts_addresses_are_read, the_sound_of_a_lent_card_that_is_in_another_slot_is_told,
      a_key_that_uefi_does_not_need_is_warned_of, what_kvm_does_with_unknown_registers_is_told,
      devices_that_no_guest_will_get_are_told, huge_pages_that_a_guest_lacks_are_told,
      host_cpus_that_are_not_at_full_speed_are_told_to_whom_it_matters)
