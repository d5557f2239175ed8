/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-argv.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Where root ports sit on q35's root bus, eight to a device number; each kind has numbers of its own, so that
 * none moves when another kind grows. Firmware numbers the buses behind them in this order: cards come first,
 * as guests name them by their bus (enp1s0). 0x01, 0x02 (Intel's graphics must be there) and 0x0e to 0x1e are
 * left free; 0x1f is the chipset's. */
enum {
    PORTS_NETWORK = 0x03, /* 2 × 8 */
    PORTS_PCI = 0x05,     /* 4 × 8 */
    PORTS_DISK = 0x09,    /* 4 × 8 */
    PORTS_SCSI = 0x0d,
};

/* The longest that virtio-blk and NVMe let a guest read. */
#define SERIAL_MAX 20

typedef struct Builder {
    const GuestDefinition *definition;
    const Plan *plan;
    QemuCommand *command;
    unsigned n_disk_ports, n_sata;
    bool scsi; /* the controller is there */
} Builder;

static const char *const disk_drivers[] = {
    [DISK_BUS_VIRTIO_BLK] = "virtio-blk-pci",
    [DISK_BUS_VIRTIO_SCSI] = "scsi-hd",
    [DISK_BUS_NVME] = "nvme",
    [DISK_BUS_SATA] = "ide-hd",
};
static const char *const format_drivers[] = {[DISK_FORMAT_RAW] = "raw", [DISK_FORMAT_QCOW2] = "qcow2"};
static const char *const network_drivers[] = {
    [NETWORK_MODEL_VIRTIO] = "virtio-net-pci",
    [NETWORK_MODEL_E1000E] = "e1000e",
};

static void add(Builder *builder, const char *argument)
{
    g_ptr_array_add(builder->command->argv, g_strdup(argument));
}

static void add_option(Builder *builder, const char *option, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void add_option(Builder *builder, const char *option, const char *format, ...)
{
    va_list arguments;

    add(builder, option);
    va_start(arguments, format);
    g_ptr_array_add(builder->command->argv, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* Takes the object over. */
static void add_json(Builder *builder, const char *option, struct json_object *object)
{
    add_option(
        builder, option, "%s",
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static void set_text(struct json_object *object, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void set_text(struct json_object *object, const char *name, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    json_object_object_add(object, name, json_object_new_string(text));
}

static void set_number(struct json_object *object, const char *name, int number)
{
    json_object_object_add(object, name, json_object_new_int(number));
}

static void set_bool(struct json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

static struct json_object *new_driver(const char *driver)
{
    struct json_object *object = json_object_new_object();

    set_text(object, "driver", "%s", driver);
    return object;
}

/* Returns the number that QEMU will know the file by. */
static int add_file(Builder *builder, QemuFileKind kind, const char *path, bool read_only)
{
    QemuFile file = {kind, QEMU_FD_FIRST + (int)builder->command->files->len, path, read_only};

    g_array_append_val(builder->command->files, file);
    return file.fd;
}

/* Hands a descriptor over as /dev/fdset/N, which block drivers and logs open in place of a path. */
static int add_file_set(Builder *builder, QemuFileKind kind, const char *path, bool read_only)
{
    int fd = add_file(builder, kind, path, read_only);

    add_option(builder, "-add-fd", "fd=%d,set=%d", fd, fd);
    return fd;
}

static void add_machine(Builder *builder)
{
    const GuestDefinition *definition = builder->definition;
    bool kvm = definition->cpu.accelerator == ACCELERATOR_KVM;
    unsigned sockets = definition->cpu.sockets, cores = definition->cpu.cores,
             threads = definition->cpu.threads;

    add_option(builder, "-name", "guest=%s,debug-threads=on", definition->name);
    add(builder, "-no-user-config");
    add(builder, "-nodefaults");
    add_option(builder, "-display", "none");
    add_option(builder, "-vga", "none");
    add_option(builder, "-machine", "q35,accel=%s,usb=off", kvm ? "kvm,kernel-irqchip=on" : "tcg");
    add_option(builder, "-cpu", "%s", definition->cpu.model);
    add_option(builder, "-smp", "cpus=%u,sockets=%u,cores=%u,threads=%u", sockets * cores * threads, sockets,
               cores, threads);
    add_option(builder, "-m", "size=%" G_GUINT64_FORMAT "M", definition->memory / MIB);
    add_option(builder, "-rtc", "base=utc,driftfix=slew");
    add_option(builder, "-sandbox",
               "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    /* A guest that panics has failed: without this QEMU would end with status 0, as after a shutdown. */
    add_option(builder, "-action", "panic=exit-failure");
    add(builder, "-S");
}

static void add_sockets(Builder *builder)
{
    int fd = add_file(builder, QEMU_FILE_QMP, NULL, false), log = -1;

    add_option(builder, "-chardev", "socket,id=qmp,fd=%d,server=on,wait=off", fd);
    add_option(builder, "-mon", "chardev=qmp,mode=control");
    fd = add_file(builder, QEMU_FILE_CONSOLE, NULL, false);
    if (builder->definition->console_log)
        log = add_file_set(builder, QEMU_FILE_CONSOLE_LOG, NULL, false);
    g_autofree char *logged =
        log < 0 ? g_strdup("") : g_strdup_printf(",logfile=/dev/fdset/%d,logappend=on", log);
    add_option(builder, "-chardev", "socket,id=console,fd=%d,server=on,wait=off%s", fd, logged);
    add_option(builder, "-serial", "chardev:console");
}

/* QEMU takes no descriptors here, but it reads the files only once, at the start. */
static void add_kernel(Builder *builder)
{
    const GuestDefinition *definition = builder->definition;

    if (!definition->kernel.image)
        return;
    add_option(builder, "-kernel", "/proc/self/fd/%d",
               add_file(builder, QEMU_FILE_KERNEL, definition->kernel.image, true));
    if (definition->kernel.initrd)
        add_option(builder, "-initrd", "/proc/self/fd/%d",
                   add_file(builder, QEMU_FILE_INITRD, definition->kernel.initrd, true));
    if (definition->kernel.command_line)
        add_option(builder, "-append", "%s", definition->kernel.command_line);
}

/* A root port for one device, "port-" and the device's id. index counts the ports of its kind without gaps,
 * as guests look for further functions only where they find function 0. */
static void add_port(Builder *builder, unsigned first, unsigned index, const char *device)
{
    struct json_object *port = new_driver("pcie-root-port");
    unsigned number = first + index / 8, function = index % 8;

    set_text(port, "id", "port-%s", device);
    set_text(port, "bus", "pcie.0");
    set_text(port, "addr", "0x%x.0x%x", number, function);
    if (function == 0)
        set_bool(port, "multifunction", true);
    /* Both together must be unlike those of any other port; a guest may name what is plugged in after them.
     */
    set_number(port, "chassis", number * 8 + function);
    set_number(port, "slot", number * 8 + function);
    add_json(builder, "-device", port);
}

/* A device behind the port of its id, or of the id given. */
static struct json_object *new_device(const char *driver, const char *id, const char *port, unsigned function)
{
    struct json_object *device = new_driver(driver);

    set_text(device, "id", "%s", id);
    set_text(device, "bus", "port-%s", port);
    set_text(device, "addr", "0x0.0x%x", function);
    return device;
}

/* Made from both names, so that a card keeps its address and no other guest of this host has it. */
static char *make_mac(const char *guest, const char *section)
{
    g_autofree char *seed = g_strconcat(guest, "/", section, NULL);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);

    return g_strdup_printf("52:54:00:%.2s:%.2s:%.2s", hash, hash + 2, hash + 4);
}

static void add_network(Builder *builder, const DefinitionNetwork *network, unsigned index)
{
    g_autofree char *id = g_strconcat("net-", network->name, NULL);
    g_autofree char *made = make_mac(builder->definition->name, network->name);
    struct json_object *device = new_device(network_drivers[network->model], id, id, 0);

    set_text(device, "mac", "%s", network->mac ?: made);
    if (network->mode == NETWORK_MODE_USER) {
        struct json_object *link = json_object_new_object();
        set_text(link, "type", "user");
        set_text(link, "id", "link-%s", network->name);
        add_json(builder, "-netdev", link);
        set_text(device, "netdev", "link-%s", network->name);
    }
    add_port(builder, PORTS_NETWORK, index, id);
    add_json(builder, "-device", device);
}

static void add_pci(Builder *builder, const PlanDevice *planned, unsigned index)
{
    g_autofree char *port = g_strconcat("pci-", planned->name, NULL);

    add_port(builder, PORTS_PCI, index, port);
    for (unsigned i = 0; i < planned->functions->len; i++) {
        g_autofree char *id = g_strdup_printf("%s-%u", port, i);
        struct json_object *device = new_device("vfio-pci", id, port, i);

        set_text(device, "host", "%s", PCI_ADDRESS_STR(g_array_index(planned->functions, PciAddress, i)));
        if (i == 0 && planned->functions->len > 1)
            set_bool(device, "multifunction", true);
        if (i == 0 && planned->wish && planned->wish->primary_vga)
            set_bool(device, "x-vga", true);
        add_json(builder, "-device", device);
    }
}

/* The section's name, which the guest's udev puts into /dev/disk/by-id; a long one is told apart by its hash.
 */
static char *make_serial(const char *section)
{
    if (strlen(section) <= SERIAL_MAX)
        return g_strdup(section);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, section, -1);
    return g_strdup_printf("%.11s-%.8s", section, hash);
}

/* The file, and in it the format: QEMU would guess neither right for every guest that writes what it likes.
 */
static void add_disk_nodes(Builder *builder, const DefinitionDisk *disk, unsigned index)
{
    int fd = add_file_set(builder, QEMU_FILE_DISK, disk->path, disk->read_only);
    struct json_object *file = new_driver("file"), *format = new_driver(format_drivers[disk->format]);

    /* Names of nodes have 31 bytes at most: too few for a section's name. */
    set_text(file, "node-name", "file-%u", index);
    set_text(file, "filename", "/dev/fdset/%d", fd);
    set_bool(file, "read-only", disk->read_only);
    add_json(builder, "-blockdev", file);
    g_array_index(builder->command->files, QemuFile, fd - QEMU_FD_FIRST).argument =
        builder->command->argv->len - 1;

    set_text(format, "node-name", "disk-%u", index);
    set_text(format, "file", "file-%u", index);
    set_bool(format, "read-only", disk->read_only);
    /* An image that names another as its backing file would have QEMU open whatever path it likes. */
    if (disk->format == DISK_FORMAT_QCOW2)
        json_object_object_add(format, "backing", NULL);
    add_json(builder, "-blockdev", format);
}

static void add_scsi_controller(Builder *builder)
{
    if (builder->scsi)
        return;
    builder->scsi = true;
    add_port(builder, PORTS_SCSI, 0, "scsi");
    add_json(builder, "-device", new_device("virtio-scsi-pci", "scsi", "scsi", 0));
}

static void add_disk(Builder *builder, const DefinitionDisk *disk, unsigned index)
{
    g_autofree char *id = g_strconcat("disk-", disk->name, NULL), *serial = make_serial(disk->name);
    const char *driver = disk_drivers[disk->bus];
    struct json_object *device;

    add_disk_nodes(builder, disk, index);
    if (disk->bus == DISK_BUS_VIRTIO_SCSI || disk->bus == DISK_BUS_SATA) {
        device = new_driver(driver);
        set_text(device, "id", "%s", id);
    } else {
        add_port(builder, PORTS_DISK, builder->n_disk_ports++, id);
        device = new_device(driver, id, id, 0);
    }
    if (disk->bus == DISK_BUS_SATA) {
        set_text(device, "bus", "ide.%u", builder->n_sata++);
    } else if (disk->bus == DISK_BUS_VIRTIO_SCSI) {
        add_scsi_controller(builder);
        set_text(device, "bus", "scsi.0");
        set_number(device, "scsi-id", index);
    }
    set_text(device, "drive", "disk-%u", index);
    set_text(device, "serial", "%s", serial);
    /* In the order of the file; -kernel comes before all, as 0. */
    set_number(device, "bootindex", index + 1);
    add_json(builder, "-device", device);
}

static void add_devices(Builder *builder)
{
    const GuestDefinition *definition = builder->definition;

    for (unsigned i = 0; i < definition->networks->len; i++)
        add_network(builder, g_ptr_array_index(definition->networks, i), i);
    for (unsigned i = 0; builder->plan && i < builder->plan->devices->len; i++)
        add_pci(builder, g_ptr_array_index(builder->plan->devices, i), i);
    for (unsigned i = 0; i < definition->disks->len; i++)
        add_disk(builder, g_ptr_array_index(definition->disks, i), i);
}

/* With VFIO the whole of the guest's memory is locked, and the devices' own memory is counted along. */
static uint64_t memlock_limit(const Builder *builder)
{
    bool devices = builder->plan && builder->plan->devices->len > 0;

    return devices ? builder->definition->memory + GIB : 64 * MIB;
}

QemuCommand *qemu_command_build(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts)
{
    QemuCommand *command = g_new0(QemuCommand, 1);
    Builder builder = {.definition = definition, .plan = plan, .command = command};

    command->argv = g_ptr_array_new_with_free_func(g_free);
    command->files = g_array_new(FALSE, FALSE, sizeof(QemuFile));
    add(&builder, facts->path);
    add_machine(&builder);
    add_sockets(&builder);
    add_kernel(&builder);
    add_devices(&builder);
    g_ptr_array_add(command->argv, NULL);
    command->memlock = memlock_limit(&builder);
    return command;
}

void qemu_command_set_block_device(QemuCommand *command, int fd)
{
    const QemuFile *file = &g_array_index(command->files, QemuFile, fd - QEMU_FD_FIRST);
    char **argument = (char **)&g_ptr_array_index(command->argv, file->argument);
    struct json_object *node = json_tokener_parse(*argument);

    g_assert(file->kind == QEMU_FILE_DISK);
    set_text(node, "driver", "host_device");
    g_free(*argument);
    *argument = g_strdup(
        json_object_to_json_string_ext(node, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(node);
}

QemuCommand *qemu_command_free(QemuCommand *command)
{
    if (!command)
        return NULL;
    g_ptr_array_unref(command->argv);
    g_array_unref(command->files);
    g_free(command);
    return NULL;
}
