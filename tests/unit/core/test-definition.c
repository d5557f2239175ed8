/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(an_empty_file_is_a_guest_of_defaults)
{
    g_autoptr(GuestDefinition) definition = a_definition("");
    ck_assert_str_eq(definition->name, "win10");
    ck_assert_str_eq(definition->source, FILE_PATH);
    ck_assert_str_eq(definition->description, "win10");
    ck_assert_int_eq(definition->on.host_sleep, HOST_SLEEP_IGNORE);
    ck_assert_int_eq(definition->cpu.accelerator, ACCELERATOR_KVM);
    ck_assert_str_eq(definition->cpu.model, "host");
    ck_assert_uint_eq(definition->cpu.sockets, 1);
    ck_assert_uint_eq(definition->cpu.cores, 2);
    ck_assert_uint_eq(definition->cpu.threads, 1);
    ck_assert_uint_eq(definition->memory.size, 2ull << 30);
    ck_assert_ptr_null(definition->kernel.image);
    ck_assert_ptr_null(definition->kernel.initrd);
    ck_assert_ptr_null(definition->kernel.command_line);
    ck_assert_uint_eq(definition->stop.power_button_usec, 60000000);
    ck_assert_uint_eq(definition->stop.quit_usec, 5000000);
    ck_assert_uint_eq(definition->stop.terminate_usec, 5000000);
    ck_assert(definition->console_log);
    ck_assert_uint_eq(definition->pci->len + definition->disks->len + definition->networks->len, 0);
}
END_TEST

START_TEST(a_guest_with_devices_keeps_the_host_awake_unless_it_says_otherwise)
{
    g_autoptr(GuestDefinition) gpu = a_definition("[PCI gpu]\nAddress=0000:01:00.0\n");
    ck_assert_int_eq(gpu->on.host_sleep, HOST_SLEEP_INHIBIT);
    g_autoptr(GuestDefinition) bold =
        a_definition("[Guest]\nOnHostSleep=ignore\n[PCI gpu]\nAddress=0000:01:00.0\n");
    ck_assert_int_eq(bold->on.host_sleep, HOST_SLEEP_IGNORE);
}
END_TEST

START_TEST(every_key_reaches_its_field)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[Guest]\nDescription=Windows, with the "
        "Radeon\nOnHostSleep=pause\nOnHostShutdown=inhibit\nOnPanic=reset\n[Watchdog]\nAction=fail\n[Agent]"
        "\nEnabled=yes\n[CPU]\nAccelerator=tcg\nModel=EPYC\nSockets=2\nCores=3\nThreads=4\n"
        "[Memory]\nSize=8G\n[Kernel]\nImage=/boot/k\nInitrd=/boot/i\nCommandLine=quiet a=b\n"
        "[PCI gpu]\nAddress=0000:01:00.0\nFunctions=0,1\nGroup=all\nPrimaryVGA=yes\n"
        "[Disk system]\nPath=/srv/x.img\nFormat=qcow2\nBus=nvme\nReadOnly=yes\n"
        "[Network lan]\nMode=none\nModel=e1000e\nMAC=52:54:00:00:00:01\n"
        "[Console]\nLog=no\n[Stop]\nPowerButtonSec=2min\nQuitSec=500ms\nTerminateSec=0\n");
    const DefinitionPci *pci = g_ptr_array_index(definition->pci, 0);
    const DefinitionDisk *disk = g_ptr_array_index(definition->disks, 0);
    const DefinitionNetwork *network = g_ptr_array_index(definition->networks, 0);

    ck_assert_str_eq(definition->description, "Windows, with the Radeon");
    ck_assert_int_eq(definition->on.host_sleep, HOST_SLEEP_PAUSE);
    ck_assert_int_eq(definition->on.host_shutdown, HOST_SHUTDOWN_INHIBIT);
    ck_assert_int_eq(definition->on.panic, TROUBLE_RESET);
    ck_assert_int_eq(definition->on.watchdog, TROUBLE_FAIL);
    ck_assert(definition->agent);
    ck_assert_int_eq(definition->cpu.accelerator, ACCELERATOR_TCG);
    ck_assert_str_eq(definition->cpu.model, "EPYC");
    ck_assert_uint_eq(definition->cpu.sockets, 2);
    ck_assert_uint_eq(definition->cpu.cores, 3);
    ck_assert_uint_eq(definition->cpu.threads, 4);
    ck_assert_uint_eq(definition->memory.size, 8ull << 30);
    ck_assert_str_eq(definition->kernel.image, "/boot/k");
    ck_assert_str_eq(definition->kernel.initrd, "/boot/i");
    ck_assert_str_eq(definition->kernel.command_line, "quiet a=b");
    ck_assert_str_eq(pci->name, "gpu");
    ck_assert_str_eq(PCI_ADDRESS_STR(pci->address), "0000:01:00.0");
    ck_assert_uint_eq(pci->functions, 3);
    ck_assert(pci->whole_group && pci->primary_vga);
    ck_assert_str_eq(disk->name, "system");
    ck_assert_str_eq(disk->path, "/srv/x.img");
    ck_assert_int_eq(disk->format, DISK_FORMAT_QCOW2);
    ck_assert_int_eq(disk->bus, DISK_BUS_NVME);
    ck_assert(disk->read_only);
    ck_assert_str_eq(network->name, "lan");
    ck_assert_int_eq(network->mode, NETWORK_MODE_NONE);
    ck_assert_int_eq(network->model, NETWORK_MODEL_E1000E);
    ck_assert_str_eq(network->mac, "52:54:00:00:00:01");
    ck_assert(!definition->console_log);
    ck_assert_uint_eq(definition->stop.power_button_usec, 120000000);
    ck_assert_uint_eq(definition->stop.quit_usec, 500000);
    ck_assert_uint_eq(definition->stop.terminate_usec, 0);
}
END_TEST

START_TEST(named_sections_have_defaults_of_their_own)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[PCI a]\nAddress=01:00.0\n[Disk b]\nPath=/x\nFormat=raw\n[Network c]\n");
    const DefinitionPci *pci = g_ptr_array_index(definition->pci, 0);
    const DefinitionDisk *disk = g_ptr_array_index(definition->disks, 0);
    const DefinitionNetwork *network = g_ptr_array_index(definition->networks, 0);

    ck_assert(pci->functions == 0 && !pci->whole_group && !pci->primary_vga);
    ck_assert(disk->bus == DISK_BUS_VIRTIO_BLK && !disk->read_only);
    ck_assert(network->mode == NETWORK_MODE_USER && network->model == NETWORK_MODEL_VIRTIO && !network->mac);
}
END_TEST

START_TEST(the_model_follows_the_accelerator)
{
    g_autoptr(GuestDefinition) tcg = a_definition("[CPU]\nAccelerator=tcg\n");
    g_autoptr(GuestDefinition) reset = a_definition_with("[CPU]\nModel=EPYC\n", "[CPU]\nModel=\n");
    ck_assert_str_eq(tcg->cpu.model, "max");
    ck_assert_str_eq(reset->cpu.model, "host");
}
END_TEST

START_TEST(a_later_assignment_overrides_an_earlier_one)
{
    g_autoptr(GuestDefinition) definition = a_definition_with(
        "[CPU]\nCores=3\nCores=4\n[Memory]\nSize=4G\n[CPU]\nThreads=2\n", "[CPU]\nCores=8\n");
    ck_assert_uint_eq(definition->cpu.cores, 8);
    ck_assert_uint_eq(definition->cpu.threads, 2);
    ck_assert_uint_eq(definition->memory.size, 4ull << 30);
}
END_TEST

START_TEST(an_empty_assignment_gives_the_default_back)
{
    g_autoptr(GuestDefinition) definition = a_definition_with(
        "[CPU]\nCores=8\n[Guest]\nDescription=x\n[Stop]\nQuitSec=9\n[Network lan]\nMAC=52:54:00:00:00:01\n",
        "[CPU]\nCores=\n[Guest]\nDescription=\n[Stop]\nQuitSec=\n[Network lan]\nMAC=\n");
    ck_assert_uint_eq(definition->cpu.cores, 2);
    ck_assert_str_eq(definition->description, "win10");
    ck_assert_uint_eq(definition->stop.quit_usec, 5000000);
    ck_assert_ptr_null(((DefinitionNetwork *)g_ptr_array_index(definition->networks, 0))->mac);
}
END_TEST

START_TEST(a_drop_in_adds_to_a_section_or_a_new_one)
{
    g_autoptr(GuestDefinition) definition =
        a_definition_with("[Disk b]\nPath=/b\n[Disk a]\nPath=/a\nFormat=raw\n",
                          "[Disk b]\nFormat=qcow2\nReadOnly=yes\n[Disk c]\nPath=/c\nFormat=raw\n");
    static const char *const names[] = {"b", "a", "c"};
    ck_assert_uint_eq(definition->disks->len, 3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_str_eq(((DefinitionDisk *)g_ptr_array_index(definition->disks, i))->name, names[i]);
    const DefinitionDisk *first = g_ptr_array_index(definition->disks, 0);
    ck_assert_str_eq(first->path, "/b");
    ck_assert(first->format == DISK_FORMAT_QCOW2 && first->read_only);
}
END_TEST

START_TEST(names_of_guests_are_short_lower_case_words)
{
    g_autofree char *most = g_strnfill(63, 'a'), *more = g_strnfill(64, 'a');
    static const char *const bad[] = {"",    "-a",   "Win10",     "a_b", "a.b", "a b",
                                      "a/b", "../a", "\u00fcber", "a\n", "a@b"};
    ck_assert(guest_name_valid("win10") && guest_name_valid("0") && guest_name_valid("a-b-") &&
              guest_name_valid(most));
    ck_assert(!guest_name_valid(more));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!guest_name_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_bad_name_is_refused_and_shown_safely)
{
    DefinitionText text = {FILE_PATH, "", 0};
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(definition_parse("Win\n\x1b\xff", &text, 1, &definition, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_INVALID_NAME);
    ck_assert_str_eq(fault->message, "\"Win\\n\\033\\357\\277\\275\" is not a name for a guest");
    ck_assert_int_eq(definition_parse("win10", NULL, 0, &definition, &fault), -EINVAL);
}
END_TEST

START_TEST(unknown_sections_and_keys_are_refused_with_the_nearest)
{
    assert_refused("[Memroy]\n", AT "1: [Memroy] is not known", "did you mean [Memory]?");
    assert_refused("[pci gpu]\n", AT "1: [pci gpu] is not known", "did you mean [PCI NAME]?");
    assert_refused("[Guest]\n\n[CPU]\nCoers=4\n", AT "4: [CPU] Coers= is not known", "did you mean Cores=?");
    assert_refused("[PCI gpu]\nSize=4\n", AT "2: [PCI gpu] Size= is not known",
                   "Size= belongs into [Memory]");
}
END_TEST

START_TEST(mistakes_in_a_drop_in_name_the_drop_in)
{
    assert_refused_with("[CPU]\nCores=2\n", "# more\n[CPU]\nCores=lots\n",
                        DROP_IN_PATH ":3: [CPU] Cores=lots is not a whole number from 1 to 255", NULL);
}
END_TEST

START_TEST(a_bad_value_is_an_error_even_where_it_is_overridden)
{
    assert_refused("[CPU]\nCores=0\nCores=4\n", AT "2: [CPU] Cores=0 is not a whole number from 1 to 255",
                   NULL);
}
END_TEST

START_TEST(the_first_mistake_is_the_one_told)
{
    assert_refused("[CPU]\nCores=x\nFnord=1\n\xff\n",
                   AT "2: [CPU] Cores=x is not a whole number from 1 to 255", NULL);
    assert_refused("[Disk a]\nPath=/a\n[CPU]\nCores=x\n",
                   AT "4: [CPU] Cores=x is not a whole number from 1 to 255", NULL);
}
END_TEST

START_TEST(long_values_are_shown_shortened)
{
    g_autofree char *fill = g_strnfill(100, 'x'), *text = g_strdup_printf("[CPU]\nCores=%s\n", fill);
    g_autofree char *message =
        g_strdup_printf(AT "2: [CPU] Cores=%.57s\u2026 is not a whole number from 1 to 255", fill);
    assert_refused(text, message, NULL);
}
END_TEST

START_TEST(sections_with_names_need_one_and_others_take_none)
{
    assert_refused("[Disk]\n", AT "1: [Disk] needs a name", "give it one: [Disk main]");
    assert_refused("[CPU x]\n", AT "1: [CPU x]: this section takes no name", "write [CPU]");
}
END_TEST

START_TEST(names_of_sections_are_short_lower_case_words)
{
    static const char remedy[] = "use lower-case letters, digits and dashes, at most 32, not a dash first";
    g_autofree char *most = g_strdup_printf("[Network %032d]\n", 0),
                    *more = g_strdup_printf("[Network %033d]\n", 0);
    g_autofree char *message = g_strdup_printf(AT "1: [Network %033d]: this is not a name for a section", 0);
    g_autoptr(GuestDefinition) definition = a_definition(most);
    ck_assert_uint_eq(definition->networks->len, 1);
    assert_refused(more, message, remedy);
    assert_refused("[Network LAN]\n", AT "1: [Network LAN]: this is not a name for a section", remedy);
    assert_refused("[Network a b]\n", AT "1: [Network a b]: this is not a name for a section", remedy);
    assert_refused("[Network -a]\n", AT "1: [Network -a]: this is not a name for a section", remedy);
    assert_refused("[Network a,b]\n", AT "1: [Network a,b]: this is not a name for a section", remedy);
}
END_TEST

static char *many(const char *section, unsigned n)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(text, "[%s s%u]\nAddress=%02x:00.0\n", section, i, i);
    return g_string_free(text, FALSE);
}

START_TEST(there_are_only_so_many_devices)
{
    g_autofree char *most = many("PCI", 32), *more = many("PCI", 33);
    g_autoptr(GuestDefinition) definition = a_definition(most);
    ck_assert_uint_eq(definition->pci->len, 32);
    assert_refused(more, AT "65: there are more than 32 [PCI] sections", "remove one");
}
END_TEST

START_TEST(a_missing_key_is_told_with_its_section_s_line)
{
    assert_refused("[Guest]\n\n[PCI gpu]\nFunctions=0\n",
                   AT "3: [PCI gpu] has no Address=", "add Address= with a PCI address such as 0000:01:00.0");
    assert_refused("[Disk a]\nFormat=raw\n",
                   AT "1: [Disk a] has no Path=", "add Path= with an absolute path without \"..\"");
    assert_refused("[Disk a]\nPath=/a\n", AT "1: [Disk a] has no Format=", "add Format= with raw or qcow2");
    assert_refused_with("[Disk a]\nPath=/a\nFormat=raw\n", "[Disk a]\nPath=\n",
                        AT "1: [Disk a] has no Path=", "add Path= with an absolute path without \"..\"");
    assert_refused_with("", "\n[Disk a]\nPath=/a\n",
                        DROP_IN_PATH ":2: [Disk a] has no Format=", "add Format= with raw or qcow2");
}
END_TEST

START_TEST(initrd_and_command_line_need_an_image)
{
    assert_refused("[Kernel]\nInitrd=/i\n",
                   AT "2: [Kernel] Initrd= means nothing without Image=", "add Image=, or remove it");
    assert_refused("[Kernel]\n\nCommandLine=quiet\n",
                   AT "3: [Kernel] CommandLine= means nothing without Image=", "add Image=, or remove it");
    g_autoptr(GuestDefinition) definition =
        a_definition("[Kernel]\nCommandLine=quiet\nImage=/k\nInitrd=/i\n");
    ck_assert_str_eq(definition->kernel.image, "/k");
}
END_TEST

START_TEST(software_cannot_imitate_the_host_s_cpu)
{
    assert_refused("[CPU]\nModel=host\nAccelerator=tcg\n",
                   AT "2: [CPU] Model=host needs Accelerator=kvm: software cannot imitate the host's CPU",
                   "write Model=max, or remove Accelerator=tcg if the host has KVM");
}
END_TEST

START_TEST(vcpus_have_a_limit_together)
{
    g_autoptr(GuestDefinition) definition = a_definition("[CPU]\nSockets=3\nCores=85\n");
    ck_assert_uint_eq(definition->cpu.cores, 85);
    assert_refused("\n[CPU]\nSockets=2\nCores=64\nThreads=2\n",
                   AT "2: [CPU] asks for 256 vCPUs (2 sockets \u00d7 64 cores \u00d7 2 threads), but a guest "
                      "has 255 at most",
                   "lower Sockets=, Dies=, Cores= or Threads=");
}
END_TEST

START_TEST(functions_include_the_one_that_the_address_names)
{
    assert_refused("[PCI gpu]\nAddress=01:00.1\nFunctions=0\n",
                   AT "3: [PCI gpu] Functions= leaves out function 1, which Address= names",
                   "add the function to Functions=, or correct Address=");
    assert_refused("[PCI nic]\nAddress=02:00.0\nFunctions=0\nVirtualFunctions=2\n",
                   AT "4: [PCI nic] Functions= lends the device itself, and VirtualFunctions= lends its "
                      "virtual functions instead",
                   "remove one of them");
    g_autoptr(GuestDefinition) definition = a_definition("[PCI sound]\nAddress=01:00.1\nFunctions=1\n");
    ck_assert_uint_eq(definition->pci->len, 1);
}
END_TEST

START_TEST(no_two_are_tried_first)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nBootIndex=99\n[CDROM b]\nBootIndex=99\n",
                   AT "6: [CDROM b] has the same BootIndex= as [Disk a]", "change or remove one of them");
}
END_TEST

START_TEST(a_guest_has_one_vga_display)
{
    assert_refused("[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n[Display]\nType=vnc\n",
                   AT "3: [PCI gpu] PrimaryVGA=yes: the screen of [Display] is the VGA display already",
                   "remove it while you need the emulated screen, or remove [Display] Type=");
    g_autoptr(GuestDefinition) definition =
        a_definition("[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n[Display]\nType=none\n");
    ck_assert_int_eq(definition->display.type, DISPLAY_NONE);
}
END_TEST

START_TEST(intels_graphics_need_no_legacy_mode)
{
    assert_refused("[QEMU]\nSet=pci-gpu-0.x-igd-legacy-mode=on\n",
                   AT "2: [QEMU] Set= asks for legacy mode of Intel's graphics, which takes the older board "
                      "(i440fx); usher's guests have q35",
                   "remove it: Intel's graphics get their place at 00:02.0 and their OpRegion without it");
    assert_refused("[QEMU]\nArguments=-device vfio-pci,host=00:02.0,x-igd-legacy-mode=on\n",
                   AT "2: [QEMU] Arguments= asks for legacy mode of Intel's graphics, which takes the older "
                      "board (i440fx); usher's guests have q35",
                   "remove it: Intel's graphics get their place at 00:02.0 and their OpRegion without it");
    g_autoptr(GuestDefinition) definition = a_definition("[QEMU]\nSet=pci-gpu-0.x-igd-legacy-mode=off\n");
    ck_assert_uint_eq(definition->qemu.overrides->len, 1);
}
END_TEST

START_TEST(a_bar_has_a_size_that_is_a_power_of_two)
{
    assert_refused("[PCI gpu]\nAddress=01:00.0\nBarSize=12G\n",
                   AT "3: [PCI gpu] BarSize= is not a power of two", "choose one such as 256M, 8G or 16G");
    assert_refused("[PCI vgpu]\nMediatedDevice=4b20d080-1b54-4048-85b3-a6a62d165c01\nBarSize=1G\n",
                   AT "3: [PCI vgpu] BarSize= does not go with MediatedDevice=", "remove one of them");
}
END_TEST

#define NUMA "[CPU]\nCores=2\n[Memory]\nSize=2G\n[NUMA a]\nMemory=1G\n"

START_TEST(numa_nodes_have_all_of_the_memory_and_each_vcpu_once)
{
    g_autoptr(GuestDefinition) definition = a_definition(NUMA "CPUs=0-1\n[NUMA b]\nMemory=1G\nNode=1\n");
    ck_assert_uint_eq(definition->memory.numa->len, 2);
    ck_assert_int_eq(((DefinitionNuma *)g_ptr_array_index(definition->memory.numa, 1))->node, 2);
    assert_refused(NUMA "CPUs=0\n[NUMA b]\nMemory=1G\nCPUs=0-1\n",
                   AT "10: [NUMA b] has vCPU 0, and so has another section", "give each vCPU to one section");
    assert_refused(NUMA "CPUs=0\n[NUMA b]\nMemory=1G\nCPUs=2\n",
                   AT "10: [NUMA b] has a vCPU beyond those of [CPU], which has 2",
                   "give each vCPU to one section");
    assert_refused(NUMA "CPUs=0\n[NUMA b]\nMemory=1G\n",
                   AT "8: the [NUMA] sections have 1 of the guest's 2 vCPUs",
                   "name the others in CPUs= of some [NUMA] section");
    assert_refused(NUMA "CPUs=0,1\n",
                   AT "5: Memory= of the [NUMA] sections makes 1.0 GiB together, and "
                      "[Memory] Size= is 2.0 GiB",
                   "make them equal");
    assert_refused(NUMA "CPUs=0-1\n[NUMA b]\nCPUs=1\n", AT "8: [NUMA b] has no Memory=",
                   "add Memory= with a size from 1M to 16T, such as 8G, in steps of 1M");
}
END_TEST

START_TEST(two_cards_have_two_addresses)
{
    assert_refused("[Network a]\nMAC=52:54:00:00:00:0a\n[Network b]\nMAC=52:54:00:00:00:0A\n",
                   AT "4: [Network b] has the same MAC= as [Network a]", "change or remove one of them");
}
END_TEST

/* What definition_lines() lists, one "section|key|value|path:line" after the other. */
static char *listed(const char *file, const char *drop_in)
{
    DefinitionText texts[] = {{"f", file, strlen(file)}, {"d", drop_in, strlen(drop_in)}};
    g_autoptr(GPtrArray) lines = NULL;
    GString *text = g_string_new(NULL);
    ck_assert_int_eq(definition_lines(texts, 2, &lines), 0);
    for (unsigned i = 0; i < lines->len; i++) {
        const DefinitionLine *line = g_ptr_array_index(lines, i);
        g_string_append_printf(text, "%s|%s|%s|%s:%u\n", line->section, line->key, line->value, line->path,
                               line->line);
    }
    return g_string_free(text, FALSE);
}

START_TEST(lines_say_what_is_set_and_where)
{
    g_autofree char *lines =
        listed("[CPU]\nCores=2\nThreads=2\n[Disk a]\nPath=/a\nFormat=raw\n[CPU]\nSockets=1\n",
               "[CPU]\nCores=4\nThreads=\n[Disk b]\nPath=/b\\\nc\n[Disk a]\nBus=nvme\n");
    ck_assert_str_eq(lines, "CPU|Cores|4|d:2\n"
                            "CPU|Sockets|1|f:8\n"
                            "Disk a|Path|/a|f:5\n"
                            "Disk a|Format|raw|f:6\n"
                            "Disk a|Bus|nvme|d:8\n"
                            "Disk b|Path|/b c|d:5\n");
}
END_TEST

START_TEST(lines_of_what_is_no_definition_are_refused)
{
    static const char *const bad[] = {"[Fnord]\n", "[CPU]\nFnord=1\n", "[CPU]\n\xff\n", "x"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        DefinitionText text = {"f", bad[i], strlen(bad[i])};
        GPtrArray *lines = NULL;
        ck_assert_int_eq(definition_lines(&text, 1, &lines), -EBADMSG);
        ck_assert_ptr_null(lines);
    }
}
END_TEST

SUITE("definition", an_empty_file_is_a_guest_of_defaults,
      a_guest_with_devices_keeps_the_host_awake_unless_it_says_otherwise, every_key_reaches_its_field,
      named_sections_have_defaults_of_their_own, the_model_follows_the_accelerator,
      a_later_assignment_overrides_an_earlier_one, an_empty_assignment_gives_the_default_back,
      a_drop_in_adds_to_a_section_or_a_new_one, names_of_guests_are_short_lower_case_words,
      a_bad_name_is_refused_and_shown_safely, unknown_sections_and_keys_are_refused_with_the_nearest,
      mistakes_in_a_drop_in_name_the_drop_in, a_bad_value_is_an_error_even_where_it_is_overridden,
      the_first_mistake_is_the_one_told, long_values_are_shown_shortened,
      sections_with_names_need_one_and_others_take_none, names_of_sections_are_short_lower_case_words,
      there_are_only_so_many_devices, a_missing_key_is_told_with_its_section_s_line,
      initrd_and_command_line_need_an_image, software_cannot_imitate_the_host_s_cpu,
      vcpus_have_a_limit_together, functions_include_the_one_that_the_address_names, no_two_are_tried_first,
      intels_graphics_need_no_legacy_mode, a_bar_has_a_size_that_is_a_power_of_two,
      numa_nodes_have_all_of_the_memory_and_each_vcpu_once, a_guest_has_one_vga_display,
      two_cards_have_two_addresses, lines_say_what_is_set_and_where,
      lines_of_what_is_no_definition_are_refused)
