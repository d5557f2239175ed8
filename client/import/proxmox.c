/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxmox.h"

#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "cpu-wish.h"
#include "numa-wish.h"
#include "option.h"
#include "proxmox-private.h"
#include "qemu.h"
#include "screen-wish.h"
#include "trouble-wish.h"

#define LINES_MAX 4096
#define OWN "Proxmox' own matters"
/* The word before host CPUs in a note, for a hook script that many have. */
#define TASKSET "cpu_taskset"

typedef void (*ProxmoxRead)(Proxmox *proxmox, Node *line);

/* "scsi0: PATH,cache=none" → a node "scsi0" with "volume" and the properties. */
static void add_line(Node *parent, const char *key, const char *value, unsigned line)
{
    static const char *const plain[] = {"args", "description", "name", "hookscript", "tags", "sshkeys", NULL};
    Node *node = node_new(parent, key, value, line);

    node->shown = g_strdup_printf("%s: %s", key, value);
    if (g_strv_contains(plain, key))
        return;
    option_properties(node, value, "volume");
    if (node->children->len > 0)
        g_clear_pointer(&node->value, g_free);
}

/* Of a number that has to be there for a guest. */
static bool is_count(const Node *line)
{
    const char *text = node_look(line, "volume") ?: node_look(line, "current") ?: "";

    return g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32, NULL, NULL);
}

/* Why the file is no guest of usher's; NULL: it may be. The caller frees it. */
static char *refusal(const char *path, const Node *root)
{
    static const char *const counts[] = {"memory", "cores", "sockets", "smp", "vcpus", NULL};
    const Node *folder = node_at(root, "rootfs"), *arch = node_at(root, "arch");
    const char *cpu = arch ? node_look(arch, "volume") : NULL;

    if (folder)
        return g_strdup_printf("%s:%u: the file is a container of Proxmox' (rootfs:), and usher's guests are "
                               "virtual machines",
                               path, folder->line);
    if (cpu && !g_str_equal(cpu, "x86_64"))
        return g_strdup_printf("%s:%u: the guest has another CPU than usher's guests, which are x86_64: %s",
                               path, arch->line, cpu);
    for (const char *const *name = counts; *name; name++) {
        const Node *line = node_at(root, *name);
        if (line && !is_count(line))
            return g_strdup_printf("%s:%u: %s: has to be a number from 1 on; qm config VMID prints the "
                                   "guest's lines",
                                   path, line->line, *name);
    }
    return NULL;
}

Node *proxmox_parse(const char *path, const char *text, size_t size, char **ret_why)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX + 1);
    g_autoptr(Node) root = node_new(NULL, "the file", NULL, 0);
    Node *section = root;

    for (unsigned i = 0; lines[i]; i++) {
        char *line = g_strchomp(lines[i]), *colon = strchr(line, ':');
        if (i >= LINES_MAX) {
            *ret_why = g_strdup_printf("%s: the file has more than %d lines", path, LINES_MAX);
            return NULL;
        }
        if (!*line)
            continue;
        if (*line == '#') {
            Node *note = node_new(section, "note", line + 1, i + 1);
            note->shown = g_strdup(line);
        } else if (*line == '[') {
            section = node_new(root, "snapshot", line, i + 1);
            section->shown = g_strdup(line);
        } else if (colon && colon > line) {
            *colon = '\0';
            add_line(section, line, g_strstrip(colon + 1), i + 1);
        } else {
            *ret_why =
                g_strdup_printf("%s:%u: the line has no \"key: value\", as one of Proxmox' has", path, i + 1);
            return NULL;
        }
    }
    *ret_why = refusal(path, root);
    return *ret_why ? NULL : g_steal_pointer(&root);
}

static void read_own(Proxmox *proxmox, Node *line)
{
    draft_same(proxmox->wishes->draft, line, OWN);
}

/* Somebody's words, which may be meant for a hook script. */
static void read_note(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    g_autofree char *text = g_uri_unescape_string(line->value ?: "", NULL);
    const char *words = text ?: line->value ?: "";

    words += strspn(words, " \t");
    if (g_str_has_prefix(words, TASKSET)) {
        const char *end = words + strcspn(words, "\n");
        g_autofree char *set = g_strndup(words + strlen(TASKSET), end - words - strlen(TASKSET));
        draft_set(draft_section(proxmox->wishes->draft, "CPU"), "Pin", line, "%s", g_strstrip(set));
        draft_differs(proxmox->wishes->draft, line, TASKSET ": Pin= does what the hook script did");
        words = end;
    }
    wish_description(proxmox->wishes, words, line);
}

static void read_snapshot(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    if (g_strcmp0(line->value, "[PENDING]") == 0 || g_str_has_prefix(line->value ?: "", "[special:")) {
        draft_left(proxmox->wishes->draft, line,
                   "changes that wait for the guest's next start, or Proxmox' own notes; the guest is "
                   "imported as it is");
        return;
    }
    draft_left(proxmox->wishes->draft, line,
               "a snapshot of Proxmox'; the guest is imported as it is now, and the snapshot stays there");
}

static void read_name(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    g_free(proxmox->wishes->name);
    proxmox->wishes->name = g_strdup(line->value ?: "");
}

static void read_agent(Proxmox *proxmox, Node *line)
{
    const char *on = node_take(line, "volume") ?: node_take(line, "enabled");
    Node *trim = node_at(line, "fstrim_cloned_disks"), *freeze = node_at(line, "freeze-fs-on-backup"),
         *type = node_at(line, "type");

    draft_set(draft_section(proxmox->wishes->draft, "Agent"), "Enabled", line, "%s",
              g_strcmp0(on, "0") == 0 ? "no" : "yes");
    if (trim)
        draft_same(proxmox->wishes->draft, trim, OWN);
    if (freeze)
        draft_same(proxmox->wishes->draft, freeze, OWN);
    if (type)
        draft_same(proxmox->wishes->draft, type, "the agent's channel is a virtio serial port");
}

static void read_onboot(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    draft_differs(proxmox->wishes->draft, line, "onboot: usherctl enable NAME starts the guest at boot");
}

static void read_startup(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    draft_left(proxmox->wishes->draft, line,
               "an order of guests at boot: After= in a drop-in of the guest's unit (systemctl edit "
               "usher-guest@NAME)");
}

static void read_hook(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    draft_left(proxmox->wishes->draft, line,
               "there are no hook scripts: usher does the usual work of one itself (drivers, huge pages, "
               "pinning); the rest "
               "is for ExecStartPre= in a drop-in of the guest's unit");
}

static void read_vga(Proxmox *proxmox, Node *line)
{
    const char *type = node_take(line, "volume") ?: node_take(line, "type") ?: "std";

    node_take_all(line);
    if (g_str_equal(type, "none"))
        draft_differs(proxmox->wishes->draft, line, "without [Display] the guest has no emulated card");
    else if (g_str_has_prefix(type, "serial"))
        draft_differs(proxmox->wishes->draft, line, "the serial port is usherctl console");
    else if (g_str_has_prefix(type, "qxl"))
        wish_screen(proxmox->wishes, "spice", true, true, NULL, line);
    else
        wish_screen(proxmox->wishes, "vnc", true, false, NULL, line);
}

static void read_serial(Proxmox *proxmox, Node *line)
{
    draft_same(proxmox->wishes->draft, line,
               "a guest always has one serial port, which is its console: usherctl console");
}

static void read_tablet(Proxmox *proxmox, Node *line)
{
    draft_same(proxmox->wishes->draft, line, "with [Display] the guest has a tablet as its mouse");
}

static void read_rng(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    wish_rng(proxmox->wishes, line);
}

static void read_watchdog(Proxmox *proxmox, Node *line)
{
    const char *model = node_take(line, "volume") ?: node_take(line, "model");

    wish_watchdog(proxmox->wishes, model, node_take(line, "action") ?: "reset", line);
}

/* Alone it only says that numa0: and the like count; without these, Proxmox makes a node of each socket. */
static void read_numa(Proxmox *proxmox, Node *line)
{
    wish_one_node(proxmox->wishes, line);
}

static void read_numa_node(Proxmox *proxmox, Node *line)
{
    g_autofree char *cpus = g_strdelimit(g_strdup(node_take(line, "cpus") ?: ""), ";", ',');
    g_autofree char *node = g_strdelimit(g_strdup(node_take(line, "hostnodes") ?: ""), ";", ',');
    NumaWish wish = {
        .memory = wish_parse_size(node_take(line, "memory") ?: "", 1 << 20), .cpus = cpus, .node = node};

    node_take(line, "volume");
    node_take(line, "policy");
    if (!node_at(proxmox->root, "numa1"))
        wish_one_node(proxmox->wishes, line);
    else if (g_strcmp0(node_look(proxmox->root, "numa/volume"), "1") == 0)
        wish_numa(proxmox->wishes, &wish, line);
    else
        draft_left(proxmox->wishes->draft, line, "Proxmox counts it with numa: 1 alone");
}

static void read_acpi(Proxmox *proxmox, Node *line)
{
    if (g_str_equal(proxmox_value(line), "0"))
        draft_left(proxmox->wishes->draft, line, "every guest has ACPI: by it the guest is shut down");
}

/* Another one was refused. */
static void read_arch(Proxmox *proxmox, Node *line)
{
    draft_same(proxmox->wishes->draft, line, "every guest is of x86_64");
}

static void read_scsi_controller(Proxmox *proxmox, Node *line)
{
    draft_same(proxmox->wishes->draft, line,
               "SCSI disks are on virtio-scsi; one with IOThread=yes has a controller of its own");
}

static void read_ivshmem(Proxmox *proxmox, Node *line)
{
    const char *size = node_take(line, "size"), *name = node_take(line, "name");
    g_autofree char *path = g_strdup_printf("/dev/shm/pve-shm-%s", name ?: "");

    wish_looking_glass(proxmox->wishes, path, wish_parse_size(size ?: "", 1 << 20), line);
}

static const struct {
    const char *key; /* one that ends with 0 has a number there */
    ProxmoxRead read;
} lines[] = {
    {"note", read_note},
    {"description", read_note},
    {"snapshot", read_snapshot},
    {"name", read_name},
    {"memory", proxmox_read_memory},
    {"balloon", proxmox_read_balloon},
    {"shares", proxmox_read_balloon},
    {"hugepages", proxmox_read_huge_pages},
    {"keephugepages", proxmox_read_keep},
    {"cores", proxmox_read_cores},
    {"sockets", proxmox_read_sockets},
    {"smp", proxmox_read_cores},
    {"cpu", proxmox_read_cpu},
    {"affinity", proxmox_read_affinity},
    {"cpuunits", proxmox_read_shares},
    {"cpulimit", proxmox_read_shares},
    {"ostype", proxmox_read_system},
    {"localtime", proxmox_read_localtime},
    {"bios", proxmox_read_bios},
    {"machine", proxmox_read_machine},
    {"smbios1", proxmox_read_smbios},
    {"vmgenid", proxmox_read_genid},
    {"agent", read_agent},
    {"onboot", read_onboot},
    {"startup", read_startup},
    {"hookscript", read_hook},
    {"vga", read_vga},
    {"serial0", read_serial},
    {"tablet", read_tablet},
    {"kvm", proxmox_read_kvm},
    {"rng0", read_rng},
    {"watchdog", read_watchdog},
    {"numa", read_numa},
    {"numa0", read_numa_node},
    {"scsihw", read_scsi_controller},
    {"ivshmem", read_ivshmem},
    {"audio0", proxmox_read_audio},
    {"efidisk0", proxmox_read_state},
    {"tpmstate0", proxmox_read_state},
    {"net0", proxmox_read_network},
    {"hostpci0", proxmox_read_lent},
    {"usb0", proxmox_read_usb},
    {"ide0", proxmox_read_disk},
    {"sata0", proxmox_read_disk},
    {"scsi0", proxmox_read_disk},
    {"virtio0", proxmox_read_disk},
    {"meta", read_own},
    {"tags", read_own},
    {"parent", read_own},
    {"lock", read_own},
    {"protection", read_own},
    {"template", read_own},
    {"vmstatestorage", read_own},
    {"migrate_speed", read_own},
    {"migrate_downtime", read_own},
    {"hotplug", read_own},
    {"autostart", read_own},
    {"acpi", read_acpi},
    {"arch", read_arch},
    {"digest", read_own},
};

static bool named(const char *key, const char *row)
{
    size_t length = strlen(row) - 1;

    if (row[length] != '0')
        return g_str_equal(key, row);
    return strncmp(key, row, length) == 0 && key[length] &&
           strspn(key + length, "0123456789") == strlen(key + length);
}

static Node *read_arguments(Proxmox *proxmox)
{
    Node *line = node_at(proxmox->root, "args");
    g_auto(GStrv) words = NULL;

    if (!line || !g_shell_parse_argv(line->value ?: "", NULL, &words, NULL))
        return NULL;
    node_take_all(line);
    Node *arguments = node_new(NULL, "args", NULL, 0);
    options_parse(arguments, words, line->line, 0);
    return arguments;
}

static bool any_primary(Proxmox *proxmox)
{
    for (unsigned i = 0; i < proxmox->root->children->len; i++) {
        Node *line = proxmox->root->children->pdata[i];
        const char *primary = node_look(line, "x-vga");
        if (g_str_has_prefix(line->name, "hostpci") && primary && !g_str_equal(primary, "0"))
            return true;
    }
    return false;
}

/* Without vga: the guest has a VGA card that the web page shows, unless a card of the host's takes its place
 * (PVE::QemuServer::PCI, "$vga->{type} = 'none'"). */
static void add_usual_card(Proxmox *proxmox, const Node *arguments)
{
    const Node from = {.shown = (char *)"Proxmox' defaults"};
    const Node *vga = arguments ? node_at(arguments, "-vga") : NULL;

    if (any_primary(proxmox) || (vga && g_strcmp0(vga->value, "none") == 0))
        return;
    if (proxmox->wishes->pci->len > 0)
        draft_left(
            proxmox->wishes->draft, &from,
            "the emulated card that the web page shows is left out, as the guest has the screens of its "
            "own card; [Display] Type=vnc adds one, and usherctl view shows it");
    else
        wish_screen(proxmox->wishes, "vnc", true, false, NULL, &from);
}

void proxmox_read(Wishes *wishes, Node *root, Node **ret_arguments)
{
    Proxmox proxmox = {wishes, root};

    *ret_arguments = read_arguments(&proxmox);
    /* Without the line it is SeaBIOS. */
    draft_set(draft_section(wishes->draft, "Firmware"), "Type", NULL, "bios");
    for (unsigned i = 0; i < root->children->len; i++) {
        Node *line = root->children->pdata[i];
        for (size_t j = 0; j < G_N_ELEMENTS(lines); j++)
            if (named(line->name, lines[j].key)) {
                lines[j].read(&proxmox, line);
                break;
            }
    }
    if (!node_at(root, "vga"))
        add_usual_card(&proxmox, *ret_arguments);
    if (!node_at(root, "cores") && !node_at(root, "sockets"))
        draft_set(draft_section(wishes->draft, "CPU"), "Cores", NULL, "1");
    /* qemu-server's default, but for a guest without KVM. */
    if (!node_at(root, "cpu") && !node_at(root, "kvm"))
        draft_set(draft_section(wishes->draft, "CPU"), "Model", NULL, "kvm64");
    if (!node_at(root, "memory"))
        draft_set(draft_section(wishes->draft, "Memory"), "Size", NULL, "512M");
    proxmox_read_boot(&proxmox);
    if (*ret_arguments)
        qemu_read(wishes, *ret_arguments, false);
}
