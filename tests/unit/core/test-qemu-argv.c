/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What golden files cannot tell. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/qemu/check.h"
#include "../suite.h"
#include "a-command.h"

#include <json-c/json.h>

/* A member of the nth -device or other option in JSON. */
static char *member_of(const QemuCommand *command, const char *option, unsigned n, const char *name)
{
    struct json_object *object = json_tokener_parse(option_value(command, option, n));
    char *text = g_strdup(json_object_get_string(json_object_object_get(object, name)));
    json_object_put(object);
    return text;
}

static char *mac_of(const char *guest, const char *text)
{
    DefinitionText file = {FILE_PATH, text, strlen(text)};
    g_autoptr(GuestDefinition) definition = NULL;
    ck_assert_int_eq(definition_parse(guest, &file, 1, &definition, NULL), 0);
    g_autoptr(QemuCommand) command = a_command_for(definition);
    return member_of(command, "-device", 1, "mac");
}

START_TEST(a_card_without_an_address_gets_one_from_both_names)
{
    g_autofree char *lan = mac_of("win10", "[Network lan]\n"),
                    *again = mac_of("win10", "[Network lan]\nModel=e1000e\n");
    g_autofree char *wan = mac_of("win10", "[Network wan]\n"), *other = mac_of("win11", "[Network lan]\n");
    g_autofree char *joined = mac_of("win10lan", "[Network lan]\n");
    /* It must never change: guests know their networks by it. */
    ck_assert_str_eq(lan, "52:54:00:a1:dd:63");
    ck_assert_str_eq(again, lan);
    ck_assert_str_ne(wan, lan);
    ck_assert_str_ne(other, lan);
    ck_assert_str_ne(joined, lan);
}
END_TEST

START_TEST(the_same_card_on_another_host_has_another_address)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[Network lan]\n[Network own]\nMAC=52:54:00:00:00:01\n");
    const DefinitionNetwork *lan = g_ptr_array_index(definition->networks, 0),
                            *own = g_ptr_array_index(definition->networks, 1);
    g_autofree char *nowhere = definition_mac(definition, lan), *set = definition_mac(definition, own);
    definition->host_id = g_strdup("6e3a5d0b9c4f4f0d8d8ab1f3f1b0c7a2");
    g_autofree char *here = definition_mac(definition, lan), *again = definition_mac(definition, lan);
    g_free(definition->host_id);
    definition->host_id = g_strdup("6e3a5d0b9c4f4f0d8d8ab1f3f1b0c7a3");
    g_autofree char *there = definition_mac(definition, lan), *set_there = definition_mac(definition, own);

    /* It must never change: guests know their networks by it. */
    ck_assert_str_eq(here, "52:54:00:fc:3f:0d");
    ck_assert_str_eq(again, here);
    ck_assert_str_ne(there, here);
    ck_assert_str_ne(nowhere, here);
    ck_assert_str_eq(set, "52:54:00:00:00:01");
    ck_assert_str_eq(set_there, set);
}
END_TEST

START_TEST(a_disk_that_comes_moves_no_card_and_no_device)
{
    g_autoptr(GuestDefinition) before =
        a_definition("[Guest]\nSparePorts=0\nRNG=no\n[Network lan]\n[PCI gpu]\nAddress=01:00.0\n");
    g_autoptr(GuestDefinition) after = a_definition(
        "[Disk a]\nPath=/a\nFormat=raw\n[Network lan]\n[Disk b]\nPath=/b\nFormat=raw\nBus=virtio-scsi\n"
        "[PCI gpu]\nAddress=01:00.0\n");
    g_autoptr(QemuCommand) few = a_command_for(before), many = a_command_for(after);
    /* The card and its port, the device's port and both functions. */
    for (unsigned i = 0; i < 5; i++)
        ck_assert_str_eq(option_value(few, "-device", i), option_value(many, "-device", i));
    ck_assert_ptr_null(option_value(few, "-device", 5));
}
END_TEST

START_TEST(a_sata_disk_that_comes_moves_no_cd_drive)
{
    g_autoptr(GuestDefinition) before = a_definition("[CDROM a]\n[CDROM b]\n");
    g_autoptr(GuestDefinition) after =
        a_definition("[Disk a]\nPath=/a\nFormat=raw\nBus=sata\n[CDROM a]\n[CDROM b]\n");
    g_autoptr(QemuCommand) few = a_command_for(before), many = a_command_for(after);

    ck_assert_str_eq(option_value(few, "-device", 0), option_value(many, "-device", 1));
    ck_assert_str_eq(option_value(few, "-device", 1), option_value(many, "-device", 2));
}
END_TEST

START_TEST(serial_numbers_of_disks_are_short_and_unlike)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[Disk twenty-letters-as-is]\nPath=/a\nFormat=raw\n[Disk a-name-longer-than-twenty-1]\nPath=/b\n"
        "Format=raw\n[Disk a-name-longer-than-twenty-2]\nPath=/c\nFormat=raw\n");
    g_autoptr(QemuCommand) command = a_command_for(definition);
    g_autofree char *first = member_of(command, "-device", 1, "serial");
    g_autofree char *second = member_of(command, "-device", 3, "serial");
    g_autofree char *third = member_of(command, "-device", 5, "serial");
    ck_assert_uint_eq(strlen(first), 20);
    ck_assert_uint_eq(strlen(second), 20);
    ck_assert(g_str_has_prefix(second, "a-name-long-") && g_str_has_prefix(third, "a-name-long-"));
    ck_assert_str_ne(second, third);
}
END_TEST

START_TEST(a_block_device_is_driven_as_one)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[Disk a]\nPath=/a\nFormat=raw\n[Disk b]\nPath=/dev/sdb\nFormat=raw\n");
    g_autoptr(QemuCommand) command = a_command_for(definition);
    const QemuFile *file = &g_array_index(command->files, QemuFile, command->files->len - 1);
    unsigned n_arguments = command->argv->len;

    ck_assert_str_eq(file->path, "/dev/sdb");
    qemu_command_set_block_device(command, file->fd, &(DiskGeometry){512, 512, false});
    g_autofree char *first = member_of(command, "-blockdev", 0, "driver");
    g_autofree char *second = member_of(command, "-blockdev", 2, "driver");
    g_autofree char *name = member_of(command, "-blockdev", 2, "filename");
    ck_assert_str_eq(first, "file");
    ck_assert_str_eq(second, "host_device");
    ck_assert_str_eq(name, "/dev/fdset/7");
    ck_assert_uint_eq(command->argv->len, n_arguments);
}
END_TEST

static char *carried_over(const char *keys, DiskGeometry geometry)
{
    g_autofree char *text = g_strdup_printf("[Disk a]\nPath=/dev/sdb\n%s", keys);
    g_autoptr(GuestDefinition) definition = a_definition(text);
    g_autoptr(QemuCommand) command = a_command_for(definition);
    const QemuFile *file = &g_array_index(command->files, QemuFile, command->files->len - 1);

    qemu_command_set_block_device(command, file->fd, &geometry);
    return g_strdup(g_ptr_array_index(command->argv, file->device));
}

START_TEST(a_disk_of_the_hosts_is_in_the_guest_as_it_is)
{
    g_autofree char *blk = carried_over("Format=raw\n", (DiskGeometry){4096, 4096, true}),
                    *scsi = carried_over("Format=raw\nBus=virtio-scsi\n", (DiskGeometry){512, 4096, true}),
                    *said = carried_over("Format=raw\nBus=sata\nSectorSize=512\nRotationRate=7200\n",
                                         (DiskGeometry){4096, 4096, true}),
                    *part = carried_over("Format=raw\n", (DiskGeometry){0, 4096, false}),
                    *image = carried_over("Format=qcow2\nBus=sata\n", (DiskGeometry){4096, 4096, true});

    ck_assert_ptr_nonnull(strstr(blk, "\"logical_block_size\":4096,\"physical_block_size\":4096"));
    ck_assert_ptr_null(strstr(blk, "rotation"));
    ck_assert_ptr_null(strstr(scsi, "logical"));
    ck_assert_ptr_nonnull(strstr(scsi, "\"physical_block_size\":4096,\"rotation_rate\":1"));
    ck_assert_ptr_null(strstr(said, "_block_size"));
    ck_assert_ptr_nonnull(strstr(said, "\"rotation_rate\":7200"));
    ck_assert_ptr_null(strstr(part, "logical"));
    ck_assert_ptr_null(strstr(image, "_block_size"));
    ck_assert_ptr_nonnull(strstr(image, "\"rotation_rate\":1"));
}
END_TEST

START_TEST(memory_is_locked_only_where_there_can_be_devices)
{
    g_autoptr(GuestDefinition) without = a_definition("[Guest]\nSparePorts=0\n[Memory]\nSize=8G\n");
    g_autoptr(GuestDefinition) spare = a_definition("[Memory]\nSize=8G\n");
    g_autoptr(QemuCommand) later = a_command_for(spare);
    ck_assert_uint_eq(later->memlock, 9ull << 30);
    g_autoptr(GuestDefinition) with = a_definition("[Memory]\nSize=8G\n[PCI gpu]\nAddress=01:00.0\n");
    g_autoptr(QemuCommand) little = a_command_for(without), much = a_command_for(with);
    ck_assert_uint_eq(little->memlock, 64ull << 20);
    ck_assert_uint_eq(much->memlock, 9ull << 30);
}
END_TEST

START_TEST(a_definition_without_a_plan_has_no_devices)
{
    QemuFacts facts = {.path = (char *)QEMU_PATH};
    g_autoptr(GuestDefinition) definition =
        a_definition("[Guest]\nSparePorts=0\nRNG=no\n[PCI gpu]\nAddress=01:00.0\n");
    g_autoptr(QemuCommand) command = qemu_command_build(definition, NULL, &facts, NULL);
    ck_assert_ptr_null(option_value(command, "-device", 0));
}
END_TEST

START_TEST(memory_is_bound_to_the_node_of_the_plan)
{
    QemuFacts facts = {.path = (char *)QEMU_PATH};
    g_autoptr(GuestDefinition) definition = a_definition("[Memory]\nSize=1G\n");
    g_autoptr(Plan) plan = plan_new("guest/x");
    plan->memory_node = 1;
    g_autoptr(QemuCommand) command = qemu_command_build(definition, plan, &facts, NULL);
    ck_assert_str_eq(
        option_value(command, "-object", 0),
        "{\"qom-type\":\"memory-backend-ram\",\"id\":\"ram\",\"size\":1073741824,\"share\":false,"
        "\"host-nodes\":[1],\"policy\":\"bind\"}");
}
END_TEST

START_TEST(memory_of_a_guests_numa_nodes_is_bound_where_the_host_has_several)
{
    QemuFacts facts = {.path = (char *)QEMU_PATH};
    g_autoptr(GuestDefinition) definition = a_definition("[CPU]\nCores=1\n[Memory]\nSize=2G\n[NUMA a]\nMemory=1G\n"
                                                         "CPUs=0\nNode=1\n[NUMA b]\nMemory=1G\n");
    g_autoptr(Plan) plan = plan_new("guest/x"), one = plan_new("guest/x");
    plan->nodes = true;
    plan->memory_node = 0;
    g_autoptr(QemuCommand) several = qemu_command_build(definition, plan, &facts, NULL);
    g_autoptr(QemuCommand) single = qemu_command_build(definition, one, &facts, NULL);
    static const char backend[] =
        "{\"qom-type\":\"memory-backend-ram\",\"id\":\"ram-0\",\"size\":1073741824,\"share\":false";

    ck_assert(g_str_has_prefix(option_value(several, "-object", 0), backend));
    ck_assert(g_str_has_suffix(option_value(several, "-object", 0), ",\"host-nodes\":[1],\"policy\":\"bind\"}"));
    ck_assert(g_str_has_suffix(option_value(several, "-object", 1), ",\"host-nodes\":[0],\"policy\":\"bind\"}"));
    ck_assert_ptr_null(strstr(option_value(single, "-object", 0), "host-nodes"));
}
END_TEST

/* A QEMU that has these types and vfio-pci properties. */
static int check(const char *text, const char *const *types, const char *const *properties, Fault **ret_fault)
{
    g_autoptr(GHashTable) type_set = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) property_set = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) cpu_set = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) devices = g_hash_table_new(g_str_hash, g_str_equal);
    QemuFacts facts = {.path = (char *)"/q",
                       .version = (char *)"9",
                       .types = type_set,
                       .vfio_properties = property_set,
                       .cpu_properties = cpu_set,
                       .devices = devices};
    g_autoptr(GuestDefinition) definition = a_definition(text);
    g_autoptr(QemuCommand) command = a_command_for(definition);

    /* Every guest asks for one. */
    g_hash_table_add(type_set, (char *)"virtio-rng-pci");
    g_hash_table_add(cpu_set, (char *)"topoext");
    g_hash_table_add(cpu_set, (char *)"phys-bits");
    g_hash_table_insert(devices, (char *)"nvme", (char *)" addr bootindex drive serial ");
    for (; *types; types++)
        g_hash_table_add(type_set, (char *)*types);
    for (; *properties; properties++)
        g_hash_table_add(property_set, (char *)*properties);
    return qemu_command_check(command, &facts, ret_fault);
}

static void assert_lacking(const char *text, const char *const *types, const char *const *properties,
                           const char *message, const char *remedy)
{
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(check(text, types, properties, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_str_eq(fault->message, message);
    ck_assert_str_eq(fault->remedy, remedy);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(what_a_qemu_lacks_is_told_before_it_is_started)
{
    const char *const *most = NAMES("host-x86_64-cpu", "EPYC-x86_64-cpu", "pcie-root-port", "vfio-pci");
    const char *const *plain = NAMES("addr", "host", "multifunction");

    assert_lacking("[CPU]\nModel=EPCY\n", most, plain, "/q (9) has no CPU model EPCY",
                   "did you mean Model=EPYC?");
    assert_lacking("[CPU]\nFeatures=phys_bits=39,+topoextt\n", most, plain,
                   "[CPU] Features=: /q (9) has no CPU property topoextt", "did you mean topoext?");
    assert_lacking("[CPU]\nModel=pentium\n", most, plain, "/q (9) has no CPU model pentium",
                   "see which models there are: /q -cpu help");
    assert_lacking("[Disk a]\nPath=/a\nFormat=raw\nBus=nvme\n", most, plain,
                   "/q (9) has no device type nvme, which disk-a needs",
                   "install a QEMU that has it, or the package of its module");
    assert_lacking("[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n", most, plain,
                   "/q (9) has no vfio-pci property x-vga, which pci-gpu-0 needs",
                   "remove the key that asks for it");
    assert_lacking("[Display]\nType=spice\n", most, plain, "/q (9) has no SPICE",
                   "install the package of its SPICE modules; or write [Display] Type=vnc");
}
END_TEST

START_TEST(what_a_definition_adds_by_its_own_words_is_looked_for_as_well)
{
    const char *const *most =
        NAMES("host-x86_64-cpu", "pcie-root-port", "vfio-pci", "pvpanic-pci", "virtio-net-pci");
    const char *const *plain = NAMES("addr", "host", "multifunction", "romfile", "x-no-mmap");
    _cleanup_fault_ Fault *fault = NULL;

    assert_lacking("[PCI gpu]\nAddress=01:00.0\n[QEMU]\nSet=pci-gpu-0.romfil=/x,,y\n", most, plain,
                   "/q (9) has no vfio-pci property romfil, which pci-gpu-0 needs", "did you mean romfile?");
    assert_lacking("[PCI gpu]\nAddress=01:00.0\n[QEMU]\nSet=pci-gpu-0.fnord=on\n", most, plain,
                   "/q (9) has no vfio-pci property fnord, which pci-gpu-0 needs",
                   "remove the key that asks for it");
    assert_lacking("[Guest]\nSparePorts=0\n[QEMU]\nArguments=-device pvpanic-pc,x=1\n", most, plain,
                   "/q (9) has no device type pvpanic-pc, which [QEMU] Arguments= needs",
                   "did you mean pvpanic-pci?");
    assert_lacking("[Guest]\nSparePorts=0\n[QEMU]\nArguments=-device vfio-pci,host=01:00.0,x-no-map=on\n",
                   most, plain, "/q (9) has no vfio-pci property x-no-map, which [QEMU] Arguments= needs",
                   "did you mean x-no-mmap?");
    assert_lacking(
        "[Guest]\nSparePorts=0\n[QEMU]\nArguments=-device nvme,serail=1\n", NAMES("host-x86_64-cpu", "nvme"),
        plain, "/q (9) has no nvme property serail, which [QEMU] Arguments= needs", "did you mean serial?");
    ck_assert_int_eq(check("[PCI gpu]\nAddress=01:00.0\n[QEMU]\nSet=pci-gpu-0.romfile=/a,b=c\n"
                           "Arguments=-device virtio-net\n",
                           most, plain, &fault),
                     0);
}
END_TEST

START_TEST(a_device_in_its_own_words_may_have_another_name_and_flags)
{
    const char *const *types = NAMES("host-x86_64-cpu", "vfio-pci", "AC97", "lsi53c895a");
    const char *const *plain = NAMES("addr", "host", "multifunction");
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(check("[Guest]\nSparePorts=0\n[QEMU]\nArguments=-device ac97 -device lsi,id=scsi\n"
                           "Arguments=-device vfio-pci,host=01:00.0,multifunction\n"
                           "Arguments=-device vfio-pci,host=01:00.1,nomultifunction\n",
                           types, plain, &fault),
                     0);
    assert_lacking("[Guest]\nSparePorts=0\n[QEMU]\nArguments=-device vfio-pci,host=01:00.0,multifunktion\n",
                   types, plain,
                   "/q (9) has no vfio-pci property multifunktion, which [QEMU] Arguments= needs",
                   "did you mean multifunction?");
}
END_TEST

START_TEST(a_version_of_the_machine_that_a_qemu_has_dropped_is_missed_and_the_next_is_named)
{
    const char *const *types =
        NAMES("host-x86_64-cpu", "pc-q35-9.2-machine", "pc-q35-10.0-machine", "pc-q35-10.1-machine");
    _cleanup_fault_ Fault *fault = NULL;

    assert_lacking("[Guest]\nMachine=pc-q35-4.2\nSparePorts=0\n", types, NAMES(NULL),
                   "/q (9) has no machine pc-q35-4.2",
                   "write Machine=pc-q35-9.2, which comes nearest: the guest's system may find new hardware");
    assert_lacking(
        "[Guest]\nMachine=pc-q35-9.3\nSparePorts=0\n", types, NAMES(NULL), "/q (9) has no machine pc-q35-9.3",
        "write Machine=pc-q35-10.0, which comes nearest: the guest's system may find new hardware");
    assert_lacking(
        "[Guest]\nMachine=pc-q35-11.0\nSparePorts=0\n", types, NAMES(NULL),
        "/q (9) has no machine pc-q35-11.0",
        "write Machine=pc-q35-10.1, which comes nearest: the guest's system may find new hardware");
    ck_assert_int_eq(check("[Guest]\nMachine=pc-q35-10.1\nSparePorts=0\n", types, NAMES(NULL), &fault), 0);
}
END_TEST

START_TEST(a_sound_driver_that_a_qemu_would_crash_without_is_missed_before)
{
    static const char sound[] = "[Sound]\nType=pipewire\nSocket=/s\n";
    const char *const *before = NAMES("host-x86_64-cpu", "pcie-root-port", "ich9-intel-hda", "hda-duplex");
    const char *const *without =
        NAMES("host-x86_64-cpu", "pcie-root-port", "ich9-intel-hda", "hda-duplex", "audio-none");
    const char *const *with =
        NAMES("host-x86_64-cpu", "pcie-root-port", "ich9-intel-hda", "hda-duplex", "audio-none", "audio-pa");
    _cleanup_fault_ Fault *fault = NULL;

    assert_lacking(sound, without, NAMES(NULL), "/q (9) has no sound through PulseAudio or PipeWire",
                   "install the package of its module for PulseAudio; or remove [Sound]");
    ck_assert_int_eq(check(sound, with, NAMES(NULL), &fault), 0);
    ck_assert_int_eq(check(sound, before, NAMES(NULL), &fault), 0);
}
END_TEST

START_TEST(a_qemu_that_has_all_passes_and_values_are_no_options)
{
    _cleanup_fault_ Fault *fault = NULL;
    const char *const *most = NAMES("host-x86_64-cpu", "pcie-root-port", "vfio-pci");
    ck_assert_int_eq(
        check("[PCI gpu]\nAddress=01:00.0\n", most, NAMES("addr", "host", "multifunction"), &fault), 0);
    ck_assert_int_eq(check("[Kernel]\nImage=/k\nCommandLine=-device\n[PCI gpu]\nAddress=01:00.0\n", most,
                           NAMES("addr", "host", "multifunction"), &fault),
                     0);
}
END_TEST

SUITE("qemu-argv", a_card_without_an_address_gets_one_from_both_names,
      the_same_card_on_another_host_has_another_address, a_disk_that_comes_moves_no_card_and_no_device,
      a_sata_disk_that_comes_moves_no_cd_drive, serial_numbers_of_disks_are_short_and_unlike,
      a_block_device_is_driven_as_one, a_disk_of_the_hosts_is_in_the_guest_as_it_is,
      memory_is_locked_only_where_there_can_be_devices, memory_of_a_guests_numa_nodes_is_bound_where_the_host_has_several, memory_is_bound_to_the_node_of_the_plan,
      a_definition_without_a_plan_has_no_devices, what_a_qemu_lacks_is_told_before_it_is_started,
      a_version_of_the_machine_that_a_qemu_has_dropped_is_missed_and_the_next_is_named,
      a_sound_driver_that_a_qemu_would_crash_without_is_missed_before,
      what_a_definition_adds_by_its_own_words_is_looked_for_as_well,
      a_device_in_its_own_words_may_have_another_name_and_flags,
      a_qemu_that_has_all_passes_and_values_are_no_options)
