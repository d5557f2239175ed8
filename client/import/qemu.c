/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu.h"

#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "cpu-wish.h"
#include "pci-wish.h"
#include "qemu-private.h"

#define OWN "usher runs QEMU itself: its process, its sandbox, its monitors"

static void read_own(Qemu *qemu, Node *option)
{
    draft_same(qemu->wishes->draft, option, OWN);
}

/* A monitor is at the end of a character device. */
static void read_monitor(Qemu *qemu, Node *option)
{
    Node *other_end = qemu_find(qemu, "-chardev", "id", node_look(option, "chardev"));

    read_own(qemu, option);
    if (other_end)
        read_own(qemu, other_end);
}

static void read_process(Qemu *qemu, Node *option)
{
    node_take_all(option);
    draft_left(
        qemu->wishes->draft, option,
        "usher starts QEMU in a unit of systemd, as a user of its own (usherd(8)); for the monitor there is "
        "usherctl");
}

static void read_name(Qemu *qemu, Node *option)
{
    const char *name = node_take(option, "guest");

    if (name) {
        g_free(qemu->wishes->name);
        qemu->wishes->name = g_strdup(name);
        draft_differs(qemu->wishes->draft, option, "a guest's name is that of its file");
    }
    node_take(option, "process");
    node_take(option, "debug-threads");
}

static void read_uuid(Qemu *qemu, Node *option)
{
    node_take_all(option);
    wish_uuid(qemu->wishes, option->value ?: "", option);
}

static void read_localtime(Qemu *qemu, Node *option)
{
    node_take_all(option);
    wish_clock(qemu->wishes, "localtime", option);
}

static void read_no_hpet(Qemu *qemu, Node *option)
{
    node_take_all(option);
    wish_hpet(qemu->wishes, false, option);
}

static void read_overcommit(Qemu *qemu, Node *option)
{
    Node *lock = node_at(option, "mem-lock");

    if (lock)
        draft_same(qemu->wishes->draft, lock, "memory of a guest with devices is locked, as it has to be");
    if (!option_on(option, "cpu-pm"))
        return;
    draft_set(draft_section(qemu->wishes->draft, "CPU"), "Idle", option, "guest");
}

/* "dc": d a CD drive, c a disk, n a network card. */
static void boot_order(Qemu *qemu, const char *letters, const Node *from)
{
    const char *kinds[8] = {NULL};
    unsigned n = 0;

    for (; *letters && n < 7; letters++)
        kinds[n++] = *letters == 'd' ? "cd" : *letters == 'n' ? "net" : *letters == 'c' ? "disk" : "floppy";
    wish_boot_order(qemu->wishes, kinds, from);
}

static void read_boot(Qemu *qemu, Node *option)
{
    const char *order = node_take(option, "order"), *once = node_take(option, "once");
    Node *strict = node_at(option, "strict");

    if (order || once)
        boot_order(qemu, order ?: once, option);
    if (option_on(option, "menu"))
        wish_boot_menu(qemu->wishes, option);
    else
        option_off(option, "menu");
    if (strict)
        draft_same(qemu->wishes->draft, strict, "a guest boots from its disks and drives alone");
}

static void read_bios(Qemu *qemu, Node *option)
{
    node_take_all(option);
    wish_bios(qemu->wishes, option->value ?: "", option);
}

static void read_kernel(Qemu *qemu, Node *option)
{
    const char *key = g_str_equal(option->name, "-kernel")   ? "Image"
                      : g_str_equal(option->name, "-initrd") ? "Initrd"
                                                             : "CommandLine";

    node_take_all(option);
    draft_set(draft_section(qemu->wishes->draft, "Kernel"), key, option, "%s", option->value ?: "");
}

static void read_acpitable(Qemu *qemu, Node *option)
{
    const char *file = node_take(option, "file");

    if (file) {
        wish_acpi_table(qemu->wishes, file, option);
        return;
    }
    /* data= is a table without a header. */
    g_autofree char *words = option_words(option, NULL);
    node_take_all(option);
    wish_argument(qemu->wishes, option, words);
}

static void read_argument(Qemu *qemu, Node *option)
{
    g_autofree char *words = option_words(option, NULL);

    node_take_all(option);
    wish_argument(qemu->wishes, option, words);
}

/* OVMF's own name for the room of large BARs, in MiB. */
static bool read_room(Qemu *qemu, Node *option)
{
    const char *name = node_look(option, "name") ?: "", *size = node_look(option, "string") ?: "";
    guint64 bytes = wish_parse_size(size, 1 << 20);

    if (!g_str_equal(name, "opt/ovmf/X-PciMmio64Mb") || bytes == 0)
        return false;
    g_autofree char *text = wish_size(bytes);
    node_take_all(option);
    draft_set(draft_section(qemu->wishes->draft, "Firmware"), "MMIO64", option, "%s", text);
    return true;
}

static void read_firmware_config(Qemu *qemu, Node *option)
{
    if (!read_room(qemu, option))
        read_argument(qemu, option);
}

static void read_console(Qemu *qemu, Node *option)
{
    draft_same(qemu->wishes->draft, option,
               "a guest always has one serial port, which is its console: usherctl console");
}

static void read_balloon(Qemu *qemu, Node *option)
{
    node_take_all(option);
    if (g_strcmp0(option->value, "none") == 0)
        draft_differs(qemu->wishes->draft, option, "a guest has no balloon");
    else
        draft_left(qemu->wishes->draft, option,
                   "a guest with devices can give back none of its memory: there is no balloon");
}

static void read_usb(Qemu *qemu, Node *option)
{
    draft_same(qemu->wishes->draft, option,
               "a guest has a USB controller (qemu-xhci) as soon as it needs one");
}

static void read_usbdevice(Qemu *qemu, Node *option)
{
    const char *value = option->value ?: "";
    g_auto(GStrv) parts = g_strsplit(value, ":", -1);

    node_take_all(option);
    if (g_strv_length(parts) == 3 && g_str_equal(parts[0], "host")) {
        wish_usb(qemu->wishes, parts[1], parts[2], NULL, option);
        draft_differs(qemu->wishes->draft, option,
                      "-usbdevice is gone since QEMU 6.0; [USB] lends the device");
    } else if (g_str_equal(value, "tablet") || g_str_equal(value, "mouse") ||
               g_str_equal(value, "keyboard")) {
        draft_differs(qemu->wishes->draft, option, "with [Display] the guest has a tablet as its mouse");
    } else {
        draft_left(
            qemu->wishes->draft, option,
            "bus and number of a USB device change with each plugging; lsusb shows ID and port for a [USB] "
            "section");
    }
}

static void read_set(Qemu *qemu, Node *option)
{
    const Node *first = option->children->len > 0 ? option->children->pdata[0] : NULL;
    g_auto(GStrv) parts = g_strsplit(first ? first->name : "", ".", 3);

    if (g_strv_length(parts) != 3 || !g_str_equal(parts[0], "device"))
        return;
    node_take_all(option);
    qemu_set(qemu->wishes, parts[1], parts[2], first->value ?: "", option);
}

void qemu_set(Wishes *wishes, const char *id, const char *property, const char *value, const Node *from)
{
    PciWish *pci = pci_wish_find(wishes, id);
    const char *known = g_hash_table_lookup(wishes->ids, id);

    if (pci)
        pci_wish_property(pci, property, value, from);
    else if (known)
        wish_override(wishes, from, known, property, value);
    else
        draft_left(wishes->draft, from, "import does not know which device %s is, or usher has none like it",
                   id);
}

static void read_migration(Qemu *qemu, Node *option)
{
    node_take_all(option);
    draft_left(qemu->wishes->draft, option,
               "a guest starts from its disks, not from another one's state, and keeps what it writes");
}

/* A folder by 9p, whose parts are the same in both options. */
static void write_share(Qemu *qemu, Node *option, const char *tag)
{
    const char *path = node_look(option, "path"), *model = node_look(option, "security_model");
    DraftSection *section = draft_add(qemu->wishes->draft, "Share", tag ?: "share");

    draft_set(section, "Path", option, "%s", path ?: "");
    if (tag)
        draft_set(section, "Tag", option, "%s", tag);
    draft_set(section, "Type", option, "9p");
    if (model && g_str_has_prefix(model, "mapped"))
        draft_set(section, "Owner", option, "mapped");
    if (node_at(option, "readonly") && !option_off(option, "readonly"))
        draft_set(section, "ReadOnly", option, "yes");
    node_take_all(option);
}

static void read_virtfs(Qemu *qemu, Node *option)
{
    write_share(qemu, option, node_look(option, "mount_tag"));
}

static void read_fsdev(Qemu *qemu, Node *option)
{
    Node *device = qemu_find(qemu, "-device", "fsdev", node_look(option, "id"));

    write_share(qemu, option, device ? node_look(device, "mount_tag") : NULL);
    if (device)
        node_take_all(device);
}

/* Those that another option speaks of are taken with it and have no row; what remains is found by the walk.
 */
static const QemuWord options[] = {
    {"-name", read_name},
    {"-machine", qemu_read_machine},
    {"-M", qemu_read_machine},
    {"-accel", qemu_read_machine},
    {"-enable-kvm", qemu_read_machine},
    {"-cpu", qemu_read_cpu},
    {"-m", qemu_read_memory},
    {"-smp", qemu_read_smp},
    {"-mem-path", qemu_read_mem_path},
    {"-mem-prealloc", qemu_read_mem_path},
    {"-smbios", qemu_read_smbios},
    {"-rtc", qemu_read_rtc},
    {"-global", qemu_read_global},
    {"-object", qemu_read_object},
    {"-uuid", read_uuid},
    {"-localtime", read_localtime},
    {"-no-hpet", read_no_hpet},
    {"-overcommit", read_overcommit},
    {"-bios", read_bios},
    {"-kernel", read_kernel},
    {"-initrd", read_kernel},
    {"-append", read_kernel},
    {"-acpitable", read_acpitable},
    {"-fw_cfg", read_firmware_config},
    {"-serial", read_console},
    {"-balloon", read_balloon},
    {"-usb", read_usb},
    {"-usbdevice", read_usbdevice},
    {"taskset", qemu_read_runner},
    {"numactl", qemu_read_runner},
    {"chrt", qemu_read_runner},
    {"nice", qemu_read_runner},
    {"ionice", qemu_read_runner},
    {"prlimit", qemu_read_runner},
    {"-watchdog", qemu_read_watchdog},
    {"-watchdog-action", qemu_read_watchdog_action},
    {"-action", qemu_read_action},
    {"-vga", qemu_read_vga},
    {"-display", qemu_read_display},
    {"-nographic", qemu_read_display},
    {"-curses", qemu_read_display},
    {"-sdl", qemu_read_display},
    {"-full-screen", qemu_read_display},
    {"-spice", qemu_read_spice},
    {"-vnc", qemu_read_vnc},
    {"-soundhw", qemu_read_soundhw},
    {"-audio", qemu_read_soundhw},
    {"-device", qemu_read_device},
    {"-drive", qemu_read_drive},
    {"-hd*", qemu_read_image},
    {"-cdrom", qemu_read_image},
    {"IMAGE", qemu_read_image},
    {"-nic", qemu_read_nic},
    {"-net", qemu_read_net},
    {"-virtfs", read_virtfs},
    {"-fsdev", read_fsdev},
    {"-numa", qemu_read_numa},
    {"-set", read_set},
    {"-boot", read_boot},
    {"-incoming", read_migration},
    {"-loadvm", read_migration},
    {"-snapshot", read_migration},
    {"-S", read_own},
    {"-nodefaults", read_own},
    {"-no-user-config", read_own},
    {"-nodefconfig", read_own},
    {"-no-reboot", qemu_read_no_reboot},
    {"-no-shutdown", read_own},
    {"-sandbox", read_own},
    {"-msg", read_own},
    {"-mon", read_monitor},
    {"-add-fd", read_own},
    {"-daemonize", read_process},
    {"-pidfile", read_process},
    {"-runas", read_process},
    {"-run-with", read_process},
    {"-chroot", read_process},
    {"-monitor", read_process},
    {"-qmp", read_process},
    {"-qmp-pretty", read_process},
};

/* Devices last: -set and -object may stand behind them. A boot order is about all of them. */
static unsigned turn_of(const Node *option)
{
    if (g_str_equal(option->name, "-set"))
        return 2;
    return g_str_equal(option->name, "-boot") ? 3 : 1;
}

static void read_option(Qemu *qemu, Node *option)
{
    const QemuWord *word = qemu_word(options, G_N_ELEMENTS(options), option->name);

    if (word)
        word->read(qemu, option);
}

/* What QEMU gives a guest of which nobody said otherwise. */
static void tell_defaults(Qemu *qemu)
{
    Draft *draft = qemu->wishes->draft;
    Node from = {.shown = (char *)"QEMU's defaults"};

    if (!node_at(qemu->root, "-machine") && !node_at(qemu->root, "-M"))
        draft_differs(draft, &from,
                      "without -machine it is the old one (pc, i440fx); usher's is q35, with PCI Express");
    if (!node_at(qemu->root, "-m"))
        draft_set(draft_section(draft, "Memory"), "Size", &from, "128M");
    if (!node_at(qemu->root, "-smp"))
        draft_set(draft_section(draft, "CPU"), "Cores", &from, "1");
    if (!draft_get(draft_section(draft, "Firmware"), "Type"))
        draft_set(draft_section(draft, "Firmware"), "Type", &from, "bios");
    if (!node_at(qemu->root, "-accel") && !draft_get(draft_section(draft, "CPU"), "Accelerator"))
        draft_set(draft_section(draft, "CPU"), "Accelerator", &from, "kvm");
}

void qemu_read(Wishes *wishes, Node *root, bool whole)
{
    Qemu qemu = {wishes, root, whole};

    qemu_sort_disks(&qemu);
    for (unsigned turn = 1; turn <= 3; turn++)
        for (unsigned i = 0; i < root->children->len; i++) {
            Node *option = root->children->pdata[i];
            if (turn_of(option) == turn)
                read_option(&qemu, option);
        }
    qemu_finish_network(&qemu);
    qemu_finish_screen(&qemu);
    if (whole)
        tell_defaults(&qemu);
}
