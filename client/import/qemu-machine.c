/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -machine, -cpu, -m, -smp, -object and what else makes the board. */
#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "cpu-wish.h"
#include "qemu-private.h"

#define OWN "usher chooses this itself"
#define TIMERS "usher chooses the timers' policies that guests with devices do best with"
#define SPEED "a root port has all the speed and width that a device can have, since QEMU 4.0"

static void take_own(Qemu *qemu, Node *option, const char *const *names)
{
    for (; *names; names++) {
        Node *found = node_at(option, *names);
        if (found)
            draft_same(qemu->wishes->draft, found, OWN);
    }
}

/* The image of a node: of the raw layer the file below. */
static Node *storage_of(Qemu *qemu, const char *name)
{
    Node *format = qemu_find(qemu, "-blockdev", "node-name", name);
    const char *file = format ? node_look(format, "file") : NULL;
    Node *storage = file ? qemu_find(qemu, "-blockdev", "node-name", file) : NULL;

    if (format)
        node_take_all(format);
    if (storage)
        node_take_all(storage);
    return storage ?: format;
}

/* Below as many layers as a throttle and a format make. */
static const char *file_of(const Node *storage)
{
    return node_look(storage, "filename") ?: node_look(storage, "file.filename")
                                          ?: node_look(storage, "file.file.filename");
}

static void read_pflash(Qemu *qemu, Node *option)
{
    const char *code_name = node_take(option, "pflash0"), *variables_name = node_take(option, "pflash1");
    Node *code = code_name ? storage_of(qemu, code_name) : NULL;
    Node *variables = variables_name ? storage_of(qemu, variables_name) : NULL;
    const char *code_path = code ? file_of(code) : NULL, *path = variables ? file_of(variables) : NULL;

    if (code || variables)
        wish_uefi(qemu->wishes, code_path, code, path, variables);
}

static void accelerate(Qemu *qemu, const char *accelerator, const Node *from)
{
    DraftSection *section = draft_section(qemu->wishes->draft, "CPU");

    /* "kvm:tcg" is a wish and its substitute. */
    if (g_str_has_prefix(accelerator, "kvm") || g_str_has_prefix(accelerator, "tcg"))
        draft_set(section, "Accelerator", from, "%.3s", accelerator);
    else
        draft_left(qemu->wishes->draft, from, "usher knows kvm and tcg alone");
}

void qemu_read_machine(Qemu *qemu, Node *option)
{
    static const char *const own[] = {
        "usb",  "kernel_irqchip", "kernel-irqchip", "dump-guest-core",         "mem-merge", "memory-backend",
        "acpi", "graphics",       "hpet-present",   "smbios-entry-point-type", "sata",      "i8042",
        NULL};
    const char *type = node_take(option, "type"), *accelerator = node_take(option, "accel");

    if (g_str_equal(option->name, "-accel")) {
        accelerate(qemu, accelerator ?: "kvm", option);
        return;
    }
    if (g_str_equal(option->name, "-enable-kvm")) {
        accelerate(qemu, "kvm", option);
        node_take_all(option);
        return;
    }
    if (type)
        wish_machine(qemu->wishes, type, node_at(option, "type"));
    if (accelerator)
        accelerate(qemu, accelerator, node_at(option, "accel"));
    read_pflash(qemu, option);
    if (option_off(option, "hpet"))
        wish_hpet(qemu->wishes, false, node_at(option, "hpet"));
    else if (option_on(option, "hpet"))
        wish_hpet(qemu->wishes, true, node_at(option, "hpet"));
    Node *vmport = node_at(option, "vmport"), *smm = node_at(option, "smm");
    if (vmport)
        draft_same(qemu->wishes->draft, vmport,
                   "VMware's port is for guests of VMware's tools; usher turns it off");
    if (smm)
        draft_same(qemu->wishes->draft, smm,
                   "SecureBoot=yes brings system management mode, and nothing else needs it");
    take_own(qemu, option, own);
}

void qemu_read_cpu(Qemu *qemu, Node *option)
{
    if (cpu_wish_begin(qemu->wishes->cpu, node_take(option, "model") ?: "host", option))
        draft_differs(qemu->wishes->draft, option,
                      "the last -cpu counts, as it does for QEMU: what was said before of the CPU's features "
                      "is overridden");
    for (unsigned i = 0; i < option->children->len; i++) {
        Node *property = option->children->pdata[i];
        const char *name = property->name;
        char sign = *name == '+' || *name == '-' ? *name : '\0';
        if (g_str_equal(name, "model"))
            continue;
        node_take_all(property);
        if (sign)
            cpu_wish_feature(qemu->wishes->cpu, name + 1, sign == '+' ? "on" : "off", option);
        else
            cpu_wish_feature(qemu->wishes->cpu, name, property->value ?: "on", option);
    }
}

void qemu_read_memory(Qemu *qemu, Node *option)
{
    const char *text = node_take(option, "size");
    guint64 bytes = text ? wish_parse_size(text, 1 << 20) : 0;

    if (bytes > 0)
        wish_memory(qemu->wishes, bytes, option);
    else if (text)
        draft_left(qemu->wishes->draft, option, "this is no size");
}

static unsigned number(Node *option, const char *name)
{
    const char *text = node_take(option, name);

    return text ? MIN(strtoul(text, NULL, 10), 1024) : 0;
}

void qemu_read_smp(Qemu *qemu, Node *option)
{
    unsigned sockets = number(option, "sockets"), dies = number(option, "dies"),
             cores = number(option, "cores");
    unsigned threads = number(option, "threads"), cpus = number(option, "cpus");

    number(option, "clusters");
    number(option, "modules");
    /* Of what is not said, QEMU takes one. */
    if (!cpus && (sockets || cores || threads))
        cpus = (sockets ?: 1) * (dies ?: 1) * (cores ?: 1) * (threads ?: 1);
    wish_topology(qemu->wishes, cpus, sockets, dies, cores, threads, option);
    unsigned most = number(option, "maxcpus");
    if (most > cpus)
        draft_left(qemu->wishes->draft, option, "no vCPU can be plugged in while the guest runs (maxcpus=%u)",
                   most);
}

void qemu_read_smbios(Qemu *qemu, Node *option)
{
    const char *type = node_take(option, "type");
    unsigned number_of_type = type ? strtoul(type, NULL, 10) : 99;

    if (number_of_type == 2)
        draft_set(draft_section(qemu->wishes->draft, "SMBIOS"), "Board", option, "yes");
    if (!type || number_of_type > 2) {
        node_take_all(option);
        draft_left(qemu->wishes->draft, option, "[SMBIOS] has keys for the tables 0, 1 and 2 alone");
        return;
    }
    for (unsigned i = 0; i < option->children->len; i++) {
        Node *property = option->children->pdata[i];
        if (property->taken)
            continue;
        node_take_all(property);
        wish_smbios(qemu->wishes, number_of_type, property->name, property->value ?: "", option);
    }
}

void qemu_read_rtc(Qemu *qemu, Node *option)
{
    const char *base = node_take(option, "base");
    Node *clock = node_at(option, "clock"), *driftfix = node_at(option, "driftfix");

    if (base)
        wish_clock(qemu->wishes, base, option);
    if (clock)
        draft_same(qemu->wishes->draft, clock, "the guest's clock goes by the host's");
    if (driftfix)
        draft_same(qemu->wishes->draft, driftfix, TIMERS);
}

/* What people set of all devices of a kind, and usher has by itself. */
static const struct {
    const char *property, *why; /* ends with a dot: all of that driver */
} globals[] = {
    {"kvm-pit.lost_tick_policy", TIMERS},
    {"mc146818rtc.lost_tick_policy", TIMERS},
    {"mc146818rtc.driftfix", TIMERS},
    {"pcie-root-port.speed", SPEED},
    {"pcie-root-port.width", SPEED},
    {"pcie-root-port.x-speed", SPEED},
    {"pcie-root-port.x-width", SPEED},
    {"nec-usb-xhci.", "the guest's USB controller is qemu-xhci, which needs no such help"},
};

static const char *global_reason(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(globals); i++) {
        const char *property = globals[i].property;
        if (g_str_has_suffix(property, ".") ? g_str_has_prefix(name, property) : g_str_equal(name, property))
            return globals[i].why;
    }
    return NULL;
}

static void read_property(Qemu *qemu, Node *option, const char *name, const char *value)
{
    bool one = g_strcmp0(value, "1") == 0 || g_strcmp0(value, "on") == 0 || g_strcmp0(value, "true") == 0;
    const char *reason = global_reason(name);

    if (g_str_has_suffix(name, ".disable_s3") || g_str_has_suffix(name, ".disable_s4"))
        wish_sleep(qemu->wishes, g_str_has_suffix(name, "s3") ? !one : -1,
                   g_str_has_suffix(name, "s4") ? !one : -1, option);
    else if (g_str_equal(name, "cfi.pflash01.secure"))
        draft_set(draft_section(qemu->wishes->draft, "Firmware"), "SecureBoot", option, "%s",
                  one ? "yes" : "no");
    else if (g_str_equal(name, CHIPSET_WATCHDOG) && !one)
        qemu_wish_chipset_watchdog(qemu, option);
    else if (g_str_has_suffix(name, ".acpi-pci-hotplug-with-bridge-support"))
        draft_set(draft_section(qemu->wishes->draft, "Guest"), "HotPlug", option, "%s",
                  one ? "acpi" : "native");
    else if (reason)
        draft_same(qemu->wishes->draft, option, reason);
    else
        draft_left(qemu->wishes->draft, option,
                   "no key sets a property of all devices of a kind; if the guest needs it, [QEMU] takes "
                   "Arguments=-global %s=%s",
                   name, value);
}

/* "-global DRIVER.PROPERTY=VALUE", or the three by name. */
void qemu_read_global(Qemu *qemu, Node *option)
{
    const Node *first = option->children->len > 0 ? option->children->pdata[0] : NULL;
    bool named = node_at(option, "driver") != NULL;
    g_autofree char *name =
        named ? g_strdup_printf("%s.%s", node_look(option, "driver"), node_look(option, "property") ?: "")
              : g_strdup(first ? first->name : "");
    const char *value = named ? node_look(option, "value") : first ? first->value : NULL;

    node_take_all(option);
    read_property(qemu, option, name, value ?: "");
}

/* Of a folder of huge pages, which people call "hugepages-1G" or "hugepages-1048576kB". */
static guint64 page_size(const char *path)
{
    return strstr(path, "1G") || strstr(path, "1048576") ? 1u << 30 : 2u << 20;
}

void qemu_read_mem_path(Qemu *qemu, Node *option)
{
    const char *path = option->value ?: "";

    node_take_all(option);
    if (g_str_equal(option->name, "-mem-prealloc"))
        draft_same(qemu->wishes->draft, option, "memory of a guest with devices is there from the start");
    else if (strstr(path, "huge"))
        wish_huge_pages(qemu->wishes, page_size(path), option);
    else
        draft_left(qemu->wishes->draft, option,
                   "the guest's memory is in no file; HugePages= chooses the size of pages");
}

/* The guest's own memory. */
static void read_memory_backend(Qemu *qemu, Node *object)
{
    const char *path = node_look(object, "mem-path"), *huge = node_look(object, "hugetlbsize");
    Node *ivshmem = qemu_find(qemu, "-device", "memdev", node_look(object, "id"));

    if (ivshmem)
        return;
    if (path && strstr(path, "huge"))
        wish_huge_pages(qemu->wishes, page_size(path), object);
    else if (huge)
        wish_huge_pages(qemu->wishes, wish_parse_size(huge, 1), object);
    else if (option_on(object, "hugetlb"))
        wish_huge_pages(qemu->wishes, 2u << 20, object);
    const char *nodes = node_look(object, "host-nodes") ?: node_look(object, "host-nodes.0");
    if (nodes && !qemu_has_numa(qemu))
        draft_set(draft_section(qemu->wishes->draft, "Memory"), "Node", object, "%s", nodes);
    draft_same(qemu->wishes->draft, object, "the guest's memory is made as its devices and shares need it");
}

static void read_grab(Qemu *qemu, Node *object)
{
    static const char *const switches[] = {"repeat", "grab_all", "grab-all", NULL};

    for (const char *const *name = switches; *name; name++) {
        if (option_off(object, *name))
            draft_left(qemu->wishes->draft, object,
                       "%s: a keyboard repeats its keys, and takes the guest's other devices with it; no key "
                       "changes that",
                       *name);
        option_on(object, *name);
    }
}

static void read_input(Qemu *qemu, Node *object)
{
    const char *device = node_take(object, "evdev"), *toggle = node_take(object, "grab-toggle");

    wish_evdev(qemu->wishes, device ?: "", toggle, object);
    node_take(object, "id");
    read_grab(qemu, object);
}

void qemu_read_object(Qemu *qemu, Node *object)
{
    const char *type = node_look(object, "qom-type") ?: "";

    if (g_str_has_prefix(type, "memory-backend-")) {
        read_memory_backend(qemu, object);
    } else if (g_str_equal(type, "input-linux")) {
        node_take(object, "qom-type");
        read_input(qemu, object);
    } else if (g_str_equal(type, "throttle-group")) {
        node_take(object, "qom-type");
        node_take(object, "id");
    } else if (g_str_equal(type, "iothread") || g_str_equal(type, "iommufd") ||
               g_str_has_prefix(type, "rng-") || g_str_equal(type, "secret") ||
               g_str_equal(type, "thread-context")) {
        draft_same(qemu->wishes->draft, object, "a part of another device, or of the tool that started QEMU");
    }
}
