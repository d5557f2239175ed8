/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt.h"

#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "cpu-wish.h"
#include "libvirt-private.h"
#include "option.h"
#include "pci-wish.h"
#include "qemu.h"

#define OWN "libvirt's own matters, or those of how it runs QEMU"

static void read_own(Libvirt *libvirt, Node *element)
{
    libvirt_take_kind(libvirt, element, OWN);
}

static void read_name(Libvirt *libvirt, Node *element)
{
    node_take_all(element);
    g_free(libvirt->wishes->name);
    libvirt->wishes->name = g_strdup(element->value ?: "");
}

static void read_uuid(Libvirt *libvirt, Node *element)
{
    node_take_all(element);
    wish_uuid(libvirt->wishes, element->value ?: "", element);
}

static void read_genid(Libvirt *libvirt, Node *element)
{
    node_take_all(element);
    wish_genid(libvirt->wishes, element->value ?: "", element);
}

static void read_title(Libvirt *libvirt, Node *element)
{
    node_take_all(element);
    wish_description(libvirt->wishes, element->value ?: "", element);
}

/* A title is the shorter of the two, wherever it stands. */
static void read_description(Libvirt *libvirt, Node *element)
{
    node_take_all(element);
    if (node_look(libvirt->root, "title"))
        draft_left(libvirt->wishes->draft, element, "Description= takes one line, which is the title");
    else
        wish_description(libvirt->wishes, element->value ?: "", element);
}

static void read_memory(Libvirt *libvirt, Node *element)
{
    guint64 bytes = libvirt_bytes(element, element->value);

    node_take_all(element);
    if (bytes > 0)
        wish_memory(libvirt->wishes, bytes, element);
    else
        draft_left(libvirt->wishes->draft, element, "this is no size");
}

static void read_current_memory(Libvirt *libvirt, Node *element)
{
    Node *memory = node_at(libvirt->root, "memory");
    guint64 now = libvirt_bytes(element, element->value),
            all = memory ? libvirt_bytes(memory, memory->value) : 0;

    node_take_all(element);
    if (now < all)
        draft_left(libvirt->wishes->draft, element,
                   "there is no balloon: the guest has all of its memory from the start");
    else
        draft_same(libvirt->wishes->draft, element, "the guest has all of its memory from the start");
}

static void read_backing(Libvirt *libvirt, Node *element)
{
    static const char *const own[] = {"source", "access", "allocation", "locked", "nosharepages", NULL};
    Node *pages = node_at(element, "hugepages"), *page = node_at(element, "hugepages/page");
    Node *discard = node_at(element, "discard");

    if (page) {
        wish_huge_pages(libvirt->wishes, libvirt_bytes(page, node_take(page, "@size")), page);
        Node *nodeset = node_at(page, "@nodeset");
        if (nodeset)
            draft_same(libvirt->wishes->draft, nodeset, "all of the guest's memory has the same pages");
    } else if (pages) {
        node_take_all(pages);
        wish_huge_pages(libvirt->wishes, 2 << 20, pages);
    }
    for (const char *const *name = own; *name; name++) {
        Node *found = node_at(element, *name);
        if (found)
            draft_same(libvirt->wishes->draft, found,
                       "the guest's memory is made as its devices and shares need it");
    }
    if (discard)
        draft_same(libvirt->wishes->draft, discard, "the guest's memory is freed when it ends");
}

static void read_numatune(Libvirt *libvirt, Node *element)
{
    const char *nodes = node_take(element, "memory/@nodeset");

    node_take(element, "memory/@mode");
    if (nodes)
        draft_set(draft_section(libvirt->wishes->draft, "Memory"), "Node", element, "%s", nodes);
}

static void read_iothreads(Libvirt *libvirt, Node *element)
{
    draft_same(libvirt->wishes->draft, element, "each disk with IOThread=yes has a thread of its own");
}

static void read_secure_boot(Libvirt *libvirt, Node *element)
{
    DraftSection *section = draft_section(libvirt->wishes->draft, "Firmware");
    Node *firmware = node_at(element, "firmware");

    if (node_take_if(element, "loader/@secure", "yes"))
        draft_set(section, "SecureBoot", node_at(element, "loader"), "yes");
    node_take_if(element, "loader/@secure", "no");
    for (unsigned i = 0; firmware && i < firmware->children->len; i++) {
        Node *feature = firmware->children->pdata[i];
        const char *name = node_take(feature, "@name"), *enabled = node_take(feature, "@enabled");
        bool on = g_strcmp0(enabled, "yes") == 0;
        if (g_strcmp0(name, "secure-boot") == 0)
            draft_set(section, "SecureBoot", feature, "%s", on ? "yes" : "no");
        else if (g_strcmp0(name, "enrolled-keys") == 0 && !on)
            draft_set(section, "Keys", feature, "none");
    }
    if (g_strcmp0(draft_get(section, "SecureBoot"), "yes") != 0)
        draft_unset(section, "Keys");
}

/* A file name tells of secure boot, where nothing else does. */
static void read_firmware(Libvirt *libvirt, Node *element)
{
    Node *loader = node_at(element, "loader"), *variables = node_at(element, "nvram");
    bool pflash = g_strcmp0(loader ? node_look(loader, "@type") : NULL, "pflash") == 0;
    const char *code = loader ? loader->value : NULL;
    const char *path = variables ? variables->value ?: node_look(variables, "source/@file") : NULL;

    if (node_take_if(element, "@firmware", "bios"))
        draft_set(draft_section(libvirt->wishes->draft, "Firmware"), "Type", element, "bios");
    bool by_name = node_take_if(element, "@firmware", "efi");
    if (loader) {
        loader->taken = true;
        node_take(loader, "@readonly");
        node_take(loader, "@type");
        node_take(loader, "@format");
        node_take(loader, "@stateless");
    }
    if (variables)
        node_take_all(variables);
    if (pflash || by_name) {
        wish_uefi(libvirt->wishes, code, loader ?: element, path, variables);
        read_secure_boot(libvirt, element);
    } else if (loader) {
        wish_bios(libvirt->wishes, code ?: "", loader);
    }
}

static void read_machine(Libvirt *libvirt, Node *element)
{
    const char *machine = node_take(element, "type/@machine"), *arch = node_take(element, "type/@arch");

    node_take(element, "type");
    if (machine)
        wish_machine(libvirt->wishes, machine, node_at(element, "type"));
    if (arch && !g_str_equal(arch, "x86_64"))
        draft_left(libvirt->wishes->draft, node_at(element, "type"), "usher's guests are x86_64, not %s",
                   arch);
}

static void read_kernel(Libvirt *libvirt, Node *element)
{
    static const char *const keys[][2] = {
        {"kernel", "Image"}, {"initrd", "Initrd"}, {"cmdline", "CommandLine"}};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        Node *found = node_at(element, keys[i][0]);
        if (!found)
            continue;
        node_take_all(found);
        draft_set(draft_section(libvirt->wishes->draft, "Kernel"), keys[i][1], found, "%s",
                  found->value ?: "");
    }
}

/* The boot order is about disks that are read later. */
static void read_os(Libvirt *libvirt, Node *element)
{
    Node *table = node_at(element, "acpi/table"), *smbios = node_at(element, "smbios");
    Node *menu = node_at(element, "bootmenu"), *bios = node_at(element, "bios");

    read_machine(libvirt, element);
    read_firmware(libvirt, element);
    read_kernel(libvirt, element);
    if (menu) {
        if (g_strcmp0(node_take(menu, "@enable"), "yes") == 0)
            wish_boot_menu(libvirt->wishes, menu);
        node_take(menu, "@timeout");
    }
    if (table) {
        node_take_all(table);
        wish_acpi_table(libvirt->wishes, table->value ?: "", table);
    }
    if (smbios && node_take_if(smbios, "@mode", "host"))
        libvirt_read_host_smbios(libvirt, smbios);
    else if (smbios)
        node_take_all(smbios);
    if (bios)
        draft_same(libvirt->wishes->draft, bios, "the BIOS' own menus and messages are QEMU's");
}

static void read_boot(Libvirt *libvirt)
{
    Node *os = node_at(libvirt->root, "os"), *first = NULL;
    const char *kinds[8] = {NULL};
    unsigned n = 0;

    for (unsigned i = 0; os && i < os->children->len && n < 7; i++) {
        Node *boot = os->children->pdata[i];
        const char *device = g_str_equal(boot->name, "boot") ? node_take(boot, "@dev") : NULL;
        if (!device)
            continue;
        first = first ?: boot;
        kinds[n++] = g_str_equal(device, "hd")        ? "disk"
                     : g_str_equal(device, "cdrom")   ? "cd"
                     : g_str_equal(device, "network") ? "net"
                                                      : "floppy";
    }
    if (first)
        wish_boot_order(libvirt->wishes, kinds, first);
}

static void read_event(Libvirt *libvirt, Node *element)
{
    static const struct {
        const char *element, *value, *key, *answer;
    } events[] = {{"on_poweroff", "restart", "OnPowerOff", "restart"},
                  {"on_reboot", "destroy", "OnReboot", "stop"},
                  {"on_crash", "restart", "OnPanic", "reset"},
                  {"on_crash", "rename-restart", "OnPanic", "reset"},
                  {"on_crash", "coredump-restart", "OnPanic", "reset"},
                  {"on_crash", "preserve", "OnPanic", "pause"}};

    node_take_all(element);
    if (g_str_has_prefix(element->value ?: "", "coredump-"))
        draft_left(libvirt->wishes->draft, element,
                   "nothing on the host dumps the memory of a guest that panics; its own kdump does");
    for (size_t i = 0; i < G_N_ELEMENTS(events); i++)
        if (g_str_equal(element->name, events[i].element) &&
            g_strcmp0(element->value, events[i].value) == 0) {
            draft_set(draft_section(libvirt->wishes->draft, "Guest"), events[i].key, element, "%s",
                      events[i].answer);
            return;
        }
    /* libvirt keeps a guest's QEMU then, to be looked at. */
    if (g_strcmp0(element->value, "preserve") == 0)
        draft_left(libvirt->wishes->draft, element, "a guest that has ended keeps no QEMU");
    else
        draft_same(libvirt->wishes->draft, element,
                   "so it is with usher: a guest that powers off ends, one that reboots boots again");
}

static void read_pm(Libvirt *libvirt, Node *element)
{
    const char *memory = node_take(element, "suspend-to-mem/@enabled"),
               *disk = node_take(element, "suspend-to-disk/@enabled");

    wish_sleep(libvirt->wishes, memory ? g_str_equal(memory, "yes") : -1,
               disk ? g_str_equal(disk, "yes") : -1, element);
}

/* <qemu:override>: as -set. */
static void read_override(Libvirt *libvirt, Node *element)
{
    for (unsigned i = 0; i < element->children->len; i++) {
        Node *device = element->children->pdata[i], *frontend = node_at(device, "qemu:frontend");
        const char *alias = node_take(device, "@alias");
        for (unsigned j = 0; alias && frontend && j < frontend->children->len; j++) {
            Node *property = frontend->children->pdata[j];
            const char *name = node_take(property, "@name"), *value = node_take(property, "@value");
            node_take(property, "@type");
            if (name && value)
                qemu_set(libvirt->wishes, alias, name, value, property);
        }
    }
}

/* What is passed on to QEMU, as a tree of options; the lines are those of the file. */
static Node *read_arguments(Libvirt *libvirt, Node *element)
{
    Node *arguments = node_new(NULL, "<qemu:commandline>", NULL, 0);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (unsigned i = 0; i < element->children->len; i++) {
        Node *child = element->children->pdata[i];
        const char *value = node_take(child, "@value"), *name = node_take(child, "@name");
        if (g_str_equal(child->name, "qemu:arg") && value) {
            g_ptr_array_add(words, (char *)value);
        } else if (g_strcmp0(name, "QEMU_AUDIO_DRV") == 0) {
            libvirt->sound_driver = value;
        } else if (g_strcmp0(name, "PIPEWIRE_RUNTIME_DIR") == 0) {
            libvirt->sound_server = value;
        } else if (g_strcmp0(name, "QEMU_PA_SERVER") == 0 || g_strcmp0(name, "PULSE_SERVER") == 0) {
            libvirt->sound_server = value;
        } else {
            draft_left(libvirt->wishes->draft, child,
                       "QEMU's environment is usher's; a drop-in of the guest's unit can set it");
        }
    }
    g_ptr_array_add(words, NULL);
    options_parse(arguments, (char **)words->pdata, element->line + 1, 1);
    return arguments;
}

static void read_devices(Libvirt *libvirt, Node *element)
{
    libvirt->devices = element;
    libvirt_read_children(libvirt, element, libvirt_devices, libvirt_n_devices);
}

static const LibvirtWord words[] = {
    {"name", read_name},
    {"uuid", read_uuid},
    {"genid", read_genid},
    {"title", read_title},
    {"description", read_description},
    {"metadata", read_own},
    {"memory", read_memory},
    {"currentMemory", read_current_memory},
    {"memoryBacking", read_backing},
    {"numatune", read_numatune},
    {"vcpu", libvirt_read_vcpu},
    {"iothreads", read_iothreads},
    {"iothreadids", read_iothreads},
    {"cputune", libvirt_read_cputune},
    {"resource", read_own},
    {"sysinfo", libvirt_read_sysinfo},
    {"os", read_os},
    {"features", libvirt_read_features},
    {"cpu", libvirt_read_cpu},
    {"clock", libvirt_read_clock},
    {"on_poweroff", read_event},
    {"on_reboot", read_event},
    {"on_crash", read_event},
    {"on_lockfailure", read_own},
    {"pm", read_pm},
    {"perf", read_own},
    {"seclabel", read_own},
    {"idmap", read_own},
    {"qemu:capabilities", read_own},
};

/* What would be another kind of guest, were it taken for one of usher's. */
char *libvirt_refusal(const Node *root)
{
    const char *type = node_look(root, "@type"), *arch = node_look(root, "os/type/@arch");

    if (type && !g_str_equal(type, "kvm") && !g_str_equal(type, "qemu"))
        return g_strdup_printf("usher's guests are those of KVM and QEMU, not %s", type);
    /* A board of x86_64 runs systems of 32 bits as well. */
    if (arch && !g_str_equal(arch, "x86_64") && !g_str_equal(arch, "i686"))
        return g_strdup_printf("usher's guests are x86_64, not %s", arch);
    return NULL;
}

Node *libvirt_read(Wishes *wishes, Node *root)
{
    Libvirt libvirt = {.wishes = wishes, .root = root};
    Node *passed = node_at(root, "qemu:commandline"), *devices = node_at(root, "devices");
    Node *override = node_at(root, "qemu:override"),
         *arguments = passed ? read_arguments(&libvirt, passed) : NULL;
    const char *type = node_take(root, "@type");

    node_take(root, "@id");
    if (type && (g_str_equal(type, "kvm") || g_str_equal(type, "qemu")))
        draft_set(draft_section(wishes->draft, "CPU"), "Accelerator", node_at(root, "@type"), "%s",
                  g_str_equal(type, "kvm") ? "kvm" : "tcg");
    libvirt_read_children(&libvirt, root, words, G_N_ELEMENTS(words));
    if (devices)
        read_devices(&libvirt, devices);
    read_boot(&libvirt);
    if (override)
        read_override(&libvirt, override);
    if (arguments)
        qemu_read(wishes, arguments, false);
    return arguments;
}
