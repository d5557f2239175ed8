/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What [CPU], [Memory] and [PCI] take. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/host/cpu-list.h"
#include "../../../daemon/core/definition/keys.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(huge_pages_are_of_two_sizes_or_none)
{
    g_autoptr(GuestDefinition) none = a_definition(""), large = a_definition("[Memory]\nHugePages=2M\n"),
                               huge = a_definition("[Memory]\nSize=3G\nHugePages=1G\n");

    ck_assert_int_eq(none->memory.huge_pages, HUGE_PAGES_NO);
    ck_assert_uint_eq(huge_page_size(none->memory.huge_pages), 0);
    ck_assert_uint_eq(huge_page_size(large->memory.huge_pages), 2 << 20);
    ck_assert_uint_eq(huge_page_size(huge->memory.huge_pages), 1 << 30);
    assert_refused("[Memory]\nHugePages=4M\n", AT "2: [Memory] HugePages=4M is not no, 2M or 1G",
                   "did you mean 2M?");
}
END_TEST

START_TEST(memory_is_made_of_whole_huge_pages)
{
    assert_refused("[Memory]\nSize=3585M\nHugePages=2M\n",
                   AT "3: [Memory] Size= is not a multiple of HugePages=2M",
                   "choose a Size= that is a multiple of the page size, or smaller pages");
    assert_refused("[Memory]\nHugePages=1G\nSize=3584M\n",
                   AT "2: [Memory] Size= is not a multiple of HugePages=1G",
                   "choose a Size= that is a multiple of the page size, or smaller pages");
}
END_TEST

START_TEST(features_are_added_or_taken_away)
{
    g_autoptr(GuestDefinition) definition = a_definition("[CPU]\nFeatures=+topoext, -avx512f,+sse4.1\n");

    ck_assert_str_eq(definition->cpu.features, "topoext=on,avx512f=off,sse4.1=on");
    g_autoptr(GuestDefinition) values =
        a_definition("[CPU]\nFeatures=phys-bits=39, vendor=GenuineIntel,-svm,l3-cache=on\n");
    ck_assert_str_eq(values->cpu.features, "phys-bits=39,vendor=GenuineIntel,svm=off,l3-cache=on");
    assert_refused("[CPU]\nFeatures=topoext\n",
                   AT "2: [CPU] Features=topoext is not a list of CPU features, each with + or -, such as "
                      "+topoext,-svm",
                   "write +topoext or -topoext");
}
END_TEST

START_TEST(a_feature_cannot_smuggle_in_a_property)
{
    static const char *const bad[] = {"+a=b", "+a,,+b", "+",     "+-a", "+a b", "+A",   "+a;b",
                                      ",",    "a=",     "a=b=c", "A=b", "=b",   "a=b c"};

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = g_strdup_printf("[CPU]\nFeatures=%s\n", bad[i]);
        GuestDefinition *definition = NULL;
        _cleanup_fault_ Fault *fault = NULL;
        ck_assert_msg(try_definition(text, NULL, &definition, &fault) == FAULT_RAISED, "%s", bad[i]);
    }
}
END_TEST

START_TEST(what_kvm_tells_needs_kvm)
{
    assert_refused("[CPU]\nHyperV=yes\nAccelerator=tcg\n",
                   AT "2: [CPU] HyperV=yes needs Accelerator=kvm: the key changes what KVM tells the guest",
                   "remove it, or remove Accelerator=tcg");
    assert_refused(
        "[CPU]\nAccelerator=tcg\nHideHypervisor=yes\n",
        AT "3: [CPU] HideHypervisor=yes needs Accelerator=kvm: the key changes what KVM tells the guest",
        "remove it, or remove Accelerator=tcg");
}
END_TEST

START_TEST(a_device_may_pass_for_another)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[PCI a]\nAddress=01:00.0\nVendorID=10de\nDeviceID=0x1B81\nSubDeviceID=0000\nROM=/rom\nBootIndex=3\n"
        "[PCI b]\nAddress=02:00.0\nROMBar=no\n");
    const DefinitionPci *a = g_ptr_array_index(definition->pci, 0),
                        *b = g_ptr_array_index(definition->pci, 1);

    ck_assert_uint_eq(a->vendor_id, VALUE_ID_GIVEN | 0x10de);
    ck_assert_uint_eq(a->device_id, VALUE_ID_GIVEN | 0x1b81);
    ck_assert_uint_eq(a->sub_vendor_id, 0);
    ck_assert_uint_eq(a->sub_device_id, VALUE_ID_GIVEN);
    ck_assert_str_eq(a->rom, "/rom");
    ck_assert(a->rom_bar && !b->rom_bar);
    ck_assert_uint_eq(a->boot_index, 3);
    ck_assert_uint_eq(b->boot_index, 0);
    assert_refused("[PCI a]\nAddress=01:00.0\nVendorID=10d\n",
                   AT "3: [PCI a] VendorID=10d is not four hexadecimal digits such as 10de", NULL);
    assert_refused("[PCI a]\nAddress=01:00.0\nROM=/rom\nROMBar=no\n",
                   AT "4: [PCI a] has a ROM=, which ROMBar=no keeps from the guest", "remove one of them");
}
END_TEST

START_TEST(vcpus_are_pinned_one_each_or_to_a_set)
{
    g_autoptr(GuestDefinition) each = a_definition("[CPU]\nCores=2\nThreads=2\nPin=2,8,3,9\n"),
                               set = a_definition("[CPU]\nPin=2-7\n"), none = a_definition("");
    g_autofree char *second = definition_pin(each, 1), *last = definition_pin(each, 3),
                    *any = definition_pin(set, 1);

    ck_assert_str_eq(second, "8");
    ck_assert_str_eq(last, "9");
    ck_assert_str_eq(any, "2-7");
    ck_assert_ptr_null(definition_pin(none, 0));
    g_autoptr(GuestDefinition) fewer = a_definition("[CPU]\nCores=4\nDies=2\nPin=4-6\n");
    g_autofree char *third = definition_pin(fewer, 2);
    ck_assert_str_eq(third, "6");
    ck_assert_ptr_null(definition_pin(fewer, 3));
    ck_assert_ptr_null(definition_pin(fewer, 7));
}
END_TEST

START_TEST(pins_fit_the_host_cpus_that_there_are)
{
    assert_refused("[CPU]\nIdle=guest\nAccelerator=tcg\n",
                   AT "2: [CPU] Idle=guest needs Accelerator=kvm: only KVM lets a vCPU sleep by itself",
                   "remove it, or remove Accelerator=tcg");
    assert_refused("[CPU]\nEmulatorPin=1-3\n",
                   AT "2: [CPU] EmulatorPin= means nothing without Pin=", "add Pin=, or remove it");
    assert_refused("[CPU]\nPin=3-1\n",
                   AT "2: [CPU] Pin=3-1 is not a list of host CPUs, each once, such as 2-7 or 2,8,3,9", NULL);
}
END_TEST

START_TEST(a_list_of_host_cpus_is_written_as_cpusets_are)
{
    static const char *const bad[] = {"",      ",",   "1,",    "a",    "1-",  "-1",
                                      "1-2-3", "1,1", "1-3,2", "1024", "0x1", "1 2"};
    g_autoptr(GArray) list = cpu_list_parse("4, 0-2,1023"), other = cpu_list_parse("0-3");
    g_autofree char *missing = cpu_list_missing(list, other);

    ck_assert_uint_eq(list->len, 5);
    ck_assert_uint_eq(g_array_index(list, unsigned, 0), 4);
    ck_assert_uint_eq(g_array_index(list, unsigned, 3), 2);
    ck_assert_str_eq(missing, "4,1023");
    ck_assert_ptr_null(cpu_list_missing(other, other));
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!cpu_list_parse(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_looking_glass_is_a_power_of_two)
{
    g_autoptr(GuestDefinition) definition = a_definition("[LookingGlass]\nSize=64M\nOwner=alice\n");

    ck_assert_uint_eq(definition->looking_glass.size, 64 << 20);
    ck_assert_str_eq(definition->looking_glass.owner, "alice");
    assert_refused("[LookingGlass]\nSize=48M\n", AT "2: [LookingGlass] Size= is not a power of two",
                   "choose 32M, 64M, 128M or 256M");
    assert_refused("[LookingGlass]\nOwner=alice\n",
                   AT "2: [LookingGlass] Owner= means nothing without Size=", "add Size=, or remove it");
    assert_refused("[LookingGlass]\nDevice=/dev/kvm\n",
                   AT "2: [LookingGlass] Device=/dev/kvm is not a device of kvmfr",
                   "name one that exists: ls /dev/kvmfr*");
    assert_refused("[LookingGlass]\nDevice=/dev/kvmfr0\nSize=64M\nOwner=alice\n",
                   AT "4: [LookingGlass] Owner= means nothing with Device=",
                   "remove it: a udev rule says which user may open the device");
}
END_TEST

START_TEST(a_gaming_machine_is_accepted_as_it_stands)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[CPU]\nModel=host\nSockets=1\nCores=3\nThreads=2\nPin=2-7\nEmulatorPin=0-"
                     "1\nHideHypervisor=yes\nHyperV=yes\n"
                     "[Memory]\nSize=8G\nHugePages=2M\n[PCI gpu]\nAddress=0000:01:00.0\nFunctions=all\n"
                     "ROM=/var/lib/usher/roms/radeon.rom\n[LookingGlass]\nSize=64M\n");
    g_autofree char *last = definition_pin(definition, 5);

    ck_assert_str_eq(last, "7");
}
END_TEST

START_TEST(sets_of_host_cpus_are_taken_from_one_another)
{
    g_autoptr(GArray) none = cpu_set_parse(""), some = cpu_set_parse("3,0-1"), more = cpu_set_parse("1-2"),
                      both = cpu_set_join(some, more), rest = cpu_set_minus(some, more),
                      common = cpu_set_common(some, more);
    const struct {
        const GArray *set;
        const char *text;
    } cases[] = {{none, ""}, {some, "0-1,3"}, {both, "0-3"}, {rest, "0,3"}, {common, "1"}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = cpu_set_to_text(cases[i].set);
        ck_assert_str_eq(text, cases[i].text);
    }
    ck_assert_ptr_null(cpu_set_parse("1-"));
}
END_TEST

START_TEST(host_cpus_for_the_guest_alone_have_to_be_named)
{
    g_autoptr(GuestDefinition) alone = a_definition("[CPU]\nPin=2-3\nIsolate=yes\nGovernor=performance\n");

    ck_assert(alone->cpu.isolate);
    ck_assert_str_eq(alone->cpu.governor, "performance");
    assert_refused("[CPU]\nIsolate=yes\n",
                   AT "2: [CPU] Isolate= means nothing without Pin=", "add Pin=, or remove it");
    assert_refused("[CPU]\nGovernor=performance\n",
                   AT "2: [CPU] Governor= means nothing without Pin=", "add Pin=, or remove it");
}
END_TEST

SUITE("definition-cpu", a_gaming_machine_is_accepted_as_it_stands, a_looking_glass_is_a_power_of_two,
      vcpus_are_pinned_one_each_or_to_a_set, pins_fit_the_host_cpus_that_there_are,
      a_list_of_host_cpus_is_written_as_cpusets_are, huge_pages_are_of_two_sizes_or_none,
      memory_is_made_of_whole_huge_pages, features_are_added_or_taken_away,
      a_feature_cannot_smuggle_in_a_property, what_kvm_tells_needs_kvm, a_device_may_pass_for_another,
      sets_of_host_cpus_are_taken_from_one_another, host_cpus_for_the_guest_alone_have_to_be_named)
