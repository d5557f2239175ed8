/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has the real QEMU take every command line, and looks at what QEMU made of it. There are no PCI devices of
 * the host here: only the golden files show those. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/plan/looking-glass.h"
#include "../../../daemon/core/qemu/check.h"
#include "boot-words.h"

#define MEMORY_FILE "/dev/shm/usher-golden-looking-glass"

static GuestDefinition *read_golden(const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s", USHER_GOLDEN_DIR, name), *text = NULL;
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    DefinitionText texts[] = {{path, text, strlen(text)}, {"here", here, strlen(here)}};
    if (definition_parse("golden", texts, 2, &definition, &fault) != 0)
        ck_abort_msg("%s", fault->message);
    return definition;
}

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name));
}

/* A device has this device and function number on the bus. QEMU's own tree is asked, as buses have no numbers
 * before firmware has run. */
static void assert_place(Qemu *qemu, const char *id, const char *bus, unsigned device, unsigned function)
{
    g_autofree char *path = g_strconcat("/machine/peripheral/", id, NULL);
    struct json_object *parent = qemu_get(qemu, path, "parent_bus"), *place = qemu_get(qemu, path, "addr");

    ck_assert_str_eq(strrchr(json_object_get_string(parent), '/') + 1, bus);
    ck_assert_int_eq(json_object_get_int(place), device * 8 + function);
    json_object_put(parent);
    json_object_put(place);
}

static void assert_cards(Qemu *qemu, const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->networks->len; i++) {
        const DefinitionNetwork *network = g_ptr_array_index(definition->networks, i);
        g_autofree char *id = g_strconcat("net-", network->name, NULL),
                        *port = g_strconcat("port-", id, NULL);

        bool old = network->model == NETWORK_MODEL_E1000 || network->model == NETWORK_MODEL_RTL8139;

        assert_place(qemu, old ? id : port, "pcie.0", 3 + i / 8, i % 8);
        if (!old)
            assert_place(qemu, id, port, 0, 0);
    }
}

/* What QEMU says of the drive of a device. */
static struct json_object *find_block(struct json_object *blocks, const char *device)
{
    for (size_t i = 0; i < json_object_array_length(blocks); i++) {
        struct json_object *block = json_object_array_get_idx(blocks, i);
        g_auto(GStrv) parts = g_strsplit(text_of(block, "qdev"), "/", -1);
        if (g_strv_contains((const char *const *)parts, device))
            return block;
    }
    ck_abort_msg("%s is not there", device);
}

static bool flag_of(struct json_object *object, const char *name)
{
    return json_object_get_boolean(json_object_object_get(object, name));
}

/* The flags that a Cache= stands for; whether writes wait for the disk is a property of the drive. */
static void assert_cache(struct json_object *inserted, DiskCache cache)
{
    struct json_object *shown = json_object_object_get(inserted, "cache");

    ck_assert_int_eq(flag_of(shown, "direct"), cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC);
    ck_assert_int_eq(flag_of(shown, "no-flush"), cache == DISK_CACHE_UNSAFE);
    ck_assert_int_eq(flag_of(shown, "writeback"),
                     cache != DISK_CACHE_WRITETHROUGH && cache != DISK_CACHE_DIRECTSYNC);
}

/* The disk is there, with the right format, protection and cache; if it has a port, it is behind that. */
static void assert_disk(Qemu *qemu, struct json_object *blocks, const DefinitionDisk *disk)
{
    g_autofree char *id = g_strconcat("disk-", disk->name, NULL), *port = g_strconcat("port-", id, NULL),
                    *path = g_strconcat("/machine/peripheral/", id, NULL);
    struct json_object *inserted = json_object_object_get(find_block(blocks, id), "inserted"),
                       *serial = qemu_get(qemu, path, "serial"), *boot = qemu_get(qemu, path, "bootindex");

    ck_assert_str_eq(text_of(inserted, "drv"), disk->format == DISK_FORMAT_RAW ? "raw" : "qcow2");
    ck_assert_int_eq(flag_of(inserted, "ro"), disk->read_only);
    assert_cache(inserted, disk->cache);
    if (disk->serial)
        ck_assert_str_eq(json_object_get_string(serial), disk->serial);
    if (disk->boot_index)
        ck_assert_int_eq(json_object_get_int(boot), disk->boot_index);
    if (disk->bus == DISK_BUS_VIRTIO_BLK || disk->bus == DISK_BUS_NVME)
        assert_place(qemu, id, port, 0, 0);
    json_object_put(serial);
    json_object_put(boot);
}

static void assert_cdrom(struct json_object *blocks, const DefinitionCdrom *cdrom)
{
    g_autofree char *id = g_strconcat("cdrom-", cdrom->name, NULL);
    struct json_object *block = find_block(blocks, id), *inserted = json_object_object_get(block, "inserted");

    ck_assert(flag_of(block, "removable"));
    ck_assert_int_eq(inserted != NULL, cdrom->path != NULL);
    if (inserted)
        ck_assert(flag_of(inserted, "ro"));
}

/* Of the two, one is without variables. */
static unsigned count_flash(const GuestDefinition *definition)
{
    if (definition->firmware.type != FIRMWARE_UEFI)
        return 0;
    return definition->firmware.code && !definition->firmware.variables ? 1 : 2;
}

static void assert_disks(Qemu *qemu, const GuestDefinition *definition)
{
    struct json_object *blocks = qemu_ask(qemu, "query-block", NULL),
                       *threads = qemu_ask(qemu, "query-iothreads", NULL);
    unsigned n_threads = 0, n_flash = count_flash(definition);

    ck_assert_uint_eq(json_object_array_length(blocks),
                      n_flash + definition->disks->len + definition->cdroms->len);
    for (unsigned i = 0; i < definition->disks->len; i++) {
        const DefinitionDisk *disk = g_ptr_array_index(definition->disks, i);
        assert_disk(qemu, blocks, disk);
        n_threads += disk->iothread;
    }
    ck_assert_uint_eq(json_object_array_length(threads), n_threads);
    for (unsigned i = 0; i < definition->cdroms->len; i++)
        assert_cdrom(blocks, g_ptr_array_index(definition->cdroms, i));
    json_object_put(blocks);
    json_object_put(threads);
}

static void assert_firmware(Qemu *qemu, const GuestDefinition *definition)
{
    if (count_flash(definition) < 2)
        return;
    struct json_object *code = qemu_get(qemu, "/machine/system.flash0", "drive"),
                       *variables = qemu_get(qemu, "/machine/system.flash1", "drive"),
                       *secure = qemu_get(qemu, "/machine/system.flash1", "secure");

    ck_assert_str_eq(json_object_get_string(code), "firmware");
    ck_assert_str_eq(json_object_get_string(variables), "nvram");
    ck_assert_int_eq(json_object_get_boolean(secure), definition->firmware.secure_boot);
    json_object_put(code);
    json_object_put(variables);
    json_object_put(secure);
}

static void assert_type(Qemu *qemu, bool wanted, const char *path, const char *type)
{
    if (!wanted)
        return;
    struct json_object *found = qemu_get(qemu, path, "type");
    ck_assert_str_eq(json_object_get_string(found), type);
    json_object_put(found);
}

/* What the guest types and points with. */
static void assert_input(Qemu *qemu, const DefinitionDisplay *display)
{
    static const char *const names[] = {
        [MOUSE_PS2] = "QEMU PS/2 Mouse",
        [MOUSE_USB] = "QEMU HID Mouse",
        [MOUSE_VIRTIO] = "QEMU Virtio Mouse",
        [MOUSE_USB_TABLET] = "QEMU HID Tablet",
        [MOUSE_VIRTIO_TABLET] = "QEMU Virtio Tablet",
    };
    struct json_object *mice = qemu_ask(qemu, "query-mice", NULL);
    const char *text = json_object_to_json_string_ext(mice, JSON_C_TO_STRING_NOSLASHESCAPE);

    ck_assert_msg(strstr(text, names[display_mouse(display)]), "%s", text);
    json_object_put(mice);
    assert_type(qemu, display->keyboard == KEYBOARD_USB, "/machine/peripheral/keyboard", "usb-kbd");
    assert_type(qemu, display->keyboard == KEYBOARD_VIRTIO, "/machine/peripheral/keyboard",
                "virtio-keyboard-pci");
}

/* The graphics card and the mouse, and nobody to connect to. */
static void assert_display(Qemu *qemu, const GuestDefinition *definition)
{
    const DefinitionDisplay *display = &definition->display;

    assert_input(qemu, display);
    if (display_has_card(display)) {
        assert_place(qemu, "display", "pcie.0", 1, 0);
        assert_place(qemu, "usb", "port-usb", 0, 0);
    }
    if (display->type == DISPLAY_SPICE) {
        struct json_object *spice = qemu_ask(qemu, "query-spice", NULL);
        ck_assert(!flag_of(spice, "migrated"));
        ck_assert_ptr_null(json_object_object_get(spice, "port"));
        json_object_put(spice);
    }
}

static void assert_life(Qemu *qemu, const GuestDefinition *definition)
{
    assert_type(qemu, definition->on.panic != TROUBLE_DEFAULT, "/machine/peripheral/panic", "pvpanic-pci");
    assert_type(qemu, definition->on.watchdog != TROUBLE_DEFAULT && !definition->on.itco,
                "/machine/peripheral/watchdog", "i6300esb");
    assert_type(qemu, definition->agent, "/machine/peripheral/" QEMU_AGENT_PORT, "virtserialport");
}

static void assert_tpm(Qemu *qemu, const GuestDefinition *definition)
{
    struct json_object *tpms = qemu_ask(qemu, "query-tpm", NULL);

    ck_assert_uint_eq(json_object_array_length(tpms), definition->tpm == TPM_VERSION_2_0 ? 1 : 0);
    if (definition->tpm == TPM_VERSION_2_0)
        ck_assert_str_eq(text_of(json_object_array_get_idx(tpms, 0), "model"), "tpm-crb");
    json_object_put(tpms);
}

static void assert_shares(Qemu *qemu, const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->shares->len; i++) {
        const DefinitionShare *share = g_ptr_array_index(definition->shares, i);
        g_autofree char *id = g_strconcat("share-", share->name, NULL),
                        *port = g_strconcat("port-", id, NULL),
                        *path = g_strconcat("/machine/peripheral/", id, NULL);
        struct json_object *tag = qemu_get(qemu, path, share->type == SHARE_TYPE_9P ? "mount_tag" : "tag");

        assert_place(qemu, id, port, 0, 0);
        ck_assert_str_eq(json_object_get_string(tag), share->tag ?: share->name);
        json_object_put(tag);
    }
}

static void assert_chardevs(Qemu *qemu, const GuestDefinition *definition)
{
    struct json_object *chardevs = qemu_ask(qemu, "query-chardev", NULL);
    const char *text = json_object_to_json_string_ext(chardevs, JSON_C_TO_STRING_PLAIN);
    unsigned n_virtiofs = 0;

    for (unsigned i = 0; i < definition->shares->len; i++)
        n_virtiofs +=
            ((const DefinitionShare *)g_ptr_array_index(definition->shares, i))->type == SHARE_TYPE_VIRTIOFS;

    ck_assert_uint_eq(json_object_array_length(chardevs),
                      2 + definition->agent + (definition->tpm == TPM_VERSION_2_0) + n_virtiofs +
                          (definition->display.type == DISPLAY_SPICE) + definition->display.usb_redirect);
    ck_assert(!definition->agent || strstr(text, "\"label\":\"agent\""));
    ck_assert_ptr_nonnull(strstr(text, "\"label\":\"qmp\""));
    ck_assert_ptr_nonnull(strstr(text, "\"label\":\"console\""));
    json_object_put(chardevs);
}

static void replace(QemuCommand *command, unsigned index, char *with)
{
    g_free(g_ptr_array_index(command->argv, index));
    g_ptr_array_index(command->argv, index) = with;
}

/* Replaces what this machine lacks. The module for a sound server comes with a desktop's packages: the card
 * plays nowhere, and test-definition-sound.c shows what QEMU makes of the server. The memory of a kernel's
 * module, and the one in a folder of usher's, become a file. */
static void replace_what_is_missing(QemuCommand *command)
{
    for (unsigned i = 0; i + 1 < command->argv->len; i++) {
        const char *word = g_ptr_array_index(command->argv, i), *memory = strstr(word, "/dev/kvmfr0");
        if (!memory)
            memory = strstr(word, LOOKING_GLASS_PREFIX);
        if (g_str_has_prefix(word, "pa,id=sound,"))
            replace(command, i, g_strdup("none,id=sound"));
        else if (memory)
            replace(command, i,
                    g_strdup_printf("%.*s" MEMORY_FILE "%s", (int)(memory - word), word,
                                    memory + strcspn(memory, "\"")));
    }
}

static void assert_accepted(const char *name)
{
    g_autoptr(GuestDefinition) definition = read_golden(name);
    if (definition->pci->len > 0)
        return;
    g_autoptr(QemuCommand) command = a_command_with(definition, access("/dev/vhost-net", F_OK) == 0);
    replace_what_is_missing(command);
    Qemu *qemu = qemu_start(command, fill, NULL);
    qemu_negotiate(qemu);
    struct json_object *status = qemu_ask(qemu, "query-status", NULL);

    ck_assert_str_eq(text_of(status, "status"), "prelaunch");
    json_object_put(status);
    assert_chardevs(qemu, definition);
    assert_life(qemu, definition);
    assert_tpm(qemu, definition);
    assert_shares(qemu, definition);
    assert_cards(qemu, definition);
    assert_disks(qemu, definition);
    assert_firmware(qemu, definition);
    assert_display(qemu, definition);
    assert_type(qemu, definition->sound.type != SOUND_NONE, "/machine/peripheral/sound-codec", "hda-duplex");
    assert_type(qemu, definition->usbs->len > 0, "/machine/peripheral/usb", "qemu-xhci");
    /* A warning would stand as the last words of every guest. That a machine's version is old is what its
     * definition wants. */
    g_autofree char *words = qemu_words(qemu);
    ck_assert_msg(!strstr(words, "deprecated") || strstr(words, "warning: Machine type"), "%s: %s", name,
                  words);
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
    /* QEMU has made the file if it was missing. */
    unlink(MEMORY_FILE);
}

START_TEST(qemu_takes_every_command_line_and_shows_what_was_meant)
{
    g_autofree char *state = g_dir_make_tmp("usher-state-XXXXXX", NULL);
    g_autofree char *remove = g_strdup_printf("rm -rf '%s'", state);
    GDir *dir = g_dir_open(USHER_GOLDEN_DIR, 0, NULL);
    unsigned n = 0;

    a_state_path = state;
    for (const char *name; (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, ".guest")) {
            assert_accepted(name);
            n++;
        }
    g_dir_close(dir);
    ck_assert_int_eq(system(remove), 0);
    ck_assert_uint_gt(n, 20);
}
END_TEST

static char *ask_text(Qemu *qemu, const char *command, const char *name, const char *value)
{
    struct json_object *arguments = json_object_new_object();
    if (name)
        json_object_object_add(arguments, name, json_object_new_string(value));
    struct json_object *result = qemu_ask(qemu, command, arguments);
    char *text = g_strdup_printf("{\"return\":%s}", json_object_to_json_string(result));
    json_object_put(result);
    return text;
}

/* Only KVM makes anything of them, but all of QEMU's CPU models have them. */
START_TEST(qemu_knows_what_kvm_is_to_tell_a_guest)
{
    g_autoptr(GuestDefinition) definition = a_definition_with("", here),
                               tuned =
                                   a_definition("[CPU]\nHyperV=yes\nHideHypervisor=yes\nFeatures=+topoext\n"),
                               hidden = a_definition("[CPU]\nHideHypervisor=yes\n");
    g_autoptr(QemuCommand) command = a_command_for(definition), a = a_command_for(tuned),
                           b = a_command_for(hidden);
    g_autofree char *joined = g_strconcat(option_value(a, "-cpu", 0), ",", option_value(b, "-cpu", 0), NULL);
    g_auto(GStrv) words = g_strsplit(joined, ",", -1);
    Qemu *qemu = qemu_start(command, fill, NULL);
    qemu_negotiate(qemu);
    g_autofree char *known = ask_text(qemu, "device-list-properties", "typename", "max-x86_64-cpu");

    for (char **word = words; *word; word++) {
        g_autofree char *name = g_strdup_printf("\"%.*s\"", (int)strcspn(*word, "="), *word);
        ck_assert_msg(strstr(known, name) || g_str_equal(*word, "host"), "%s", name);
    }
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
}
END_TEST

/* This machine need not have huge pages: QEMU maps them, and touches none. */
START_TEST(qemu_takes_memory_of_huge_pages)
{
    static const char *const sizes[] = {"2M", "1G"};

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *text = g_strdup_printf("[Memory]\nSize=1G\nHugePages=%s\n", sizes[i]);
        g_autoptr(GuestDefinition) definition = a_definition_with("", here), huge = a_definition(text);
        g_autoptr(QemuCommand) command = a_command_for(definition), asked = a_command_for(huge);
        struct json_object *backend = json_tokener_parse(option_value(asked, "-object", 0));
        Qemu *qemu = qemu_start(command, fill, NULL);

        qemu_negotiate(qemu);
        json_object_object_add(backend, "id", json_object_new_string("huge"));
        json_object_object_add(backend, "prealloc", json_object_new_boolean(false));
        json_object_object_add(backend, "reserve", json_object_new_boolean(false));
        json_object_put(qemu_ask(qemu, "object-add", backend));
        struct json_object *size = qemu_get(qemu, "/objects/huge", "hugetlbsize");
        ck_assert_int_eq(json_object_get_int64(size), i == 0 ? 2 << 20 : 1 << 30);
        json_object_put(size);
        qemu_do(qemu, "quit");
        ck_assert_int_eq(qemu_end(qemu, NULL), 0);
    }
}
END_TEST

START_TEST(this_qemu_has_all_that_any_definition_asks_for)
{
    g_autoptr(GuestDefinition) definition = a_definition_with("", here);
    g_autoptr(QemuCommand) command = a_command_for(definition);
    Qemu *qemu = qemu_start(command, fill, NULL);
    qemu_negotiate(qemu);
    g_autofree char *version = ask_text(qemu, "query-version", NULL, NULL);
    g_autofree char *types = ask_text(qemu, "qom-list-types", NULL, NULL);
    g_autofree char *properties = ask_text(qemu, "device-list-properties", "typename", "vfio-pci");
    g_autofree char *cpu = ask_text(qemu, "device-list-properties", "typename", QEMU_FACTS_CPU);
    g_autoptr(QemuFacts) facts = NULL;
    ck_assert_int_eq(
        qemu_facts_from_replies(QEMU_PATH, &(QemuBinary){}, version, types, properties, cpu, &facts), 0);
    for (const char *const *type = qemu_facts_devices; *type; type++) {
        if (!qemu_facts_have_type(facts, *type))
            continue;
        g_autofree char *own = ask_text(qemu, "device-list-properties", "typename", *type);
        ck_assert_int_eq(qemu_facts_add_device(facts, *type, own), 0);
    }
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);

    ck_assert(qemu_facts_cpu_has(facts, "topoext") && !qemu_facts_cpu_has(facts, "topoex"));
    GDir *dir = g_dir_open(USHER_GOLDEN_DIR, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (!g_str_has_suffix(name, ".guest"))
            continue;
        g_autoptr(GuestDefinition) golden = read_golden(name);
        g_autoptr(QemuCommand) golden_command = a_command_for(golden);
        replace_what_is_missing(golden_command);
        _cleanup_fault_ Fault *fault = NULL;
        int r = qemu_command_check(golden_command, facts, &fault);
        /* That of Debian 12 has no iommufd, and says so. */
        bool lacks = g_str_equal(name, "pci-backend.guest") && !qemu_facts_vfio_has(facts, "iommufd");
        ck_assert_msg(r == (lacks ? FAULT_RAISED : 0), "%s", fault ? fault->message : name);
    }
    g_dir_close(dir);
}
END_TEST

SUITE("qemu-accept", qemu_takes_every_command_line_and_shows_what_was_meant, qemu_takes_memory_of_huge_pages,
      qemu_knows_what_kvm_is_to_tell_a_guest, this_qemu_has_all_that_any_definition_asks_for)
