/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of QEMU's command line (disk.c, network.c, …) are written with. Only they include it, and
 * argv.c, which calls each in its turn. */
#pragma once

#include <json-c/json.h>

#include "../definition/disk.h"
#include "../definition/machine.h"
#include "../definition/display.h"
#include "../definition/life.h"
#include "../host/huge-pages.h"
#include "argv.h"

/* Where root ports, and devices that are not PCI Express, sit on q35's root bus, eight to a device number.
 * Each kind has numbers of its own, so that none moves when another kind grows. Firmware numbers the buses
 * behind them in this order: cards come first, as guests name them by their bus (enp1s0). 0x1f is the
 * chipset's. */
enum {
    SLOT_DISPLAY = 0x01, /* an emulated graphics card; no port */
    SLOT_INTEL_GRAPHICS = 0x02,
    PORTS_NETWORK = 0x03, /* 2 × 8 */
    PORTS_PCI = 0x05,     /* 4 × 8 */
    PORTS_DISK = 0x09,    /* 4 × 8 */
    PORTS_SCSI = 0x0d,
    PORTS_USB = 0x0e,
    PORTS_SERIAL = 0x0f, /* virtio-serial: the agents' */
    PORTS_SHARE = 0x10,  /* 2 × 8 */
    PORTS_SPARE = 0x12,  /* 2 × 8, for what is plugged in while the guest runs */
    PORTS_INPUT = 0x14,  /* 2 × 8 */
    SLOT_MEMORY = 0x16,  /* ivshmem; no port */
    SLOT_WATCHDOG = 0x17,
    SLOT_SOUND = 0x18,
    SLOT_PANIC = 0x19,
    SLOT_RNG = 0x1a,
};

typedef struct QemuBuilder {
    const GuestDefinition *definition; /* its fields are known to argv.c alone */
    const Plan *plan;                  /* NULL: no devices */
    const HostTools *tools;
    QemuCommand *command;
    unsigned n_pci_ports, n_disk_ports, n_sata, n_sata_cdroms;
    unsigned n_usb, n_inputs; /* emulated devices: of USB, and keyboard and mouse of virtio */
    bool scsi;                /* the controller that disks share is there */
    bool serial;              /* the controller of virtio-serial is there */
    bool usb;                 /* likewise */
    bool iommufd;             /* the object is there */
    bool numa;                /* the guest has NUMA nodes, each with memory of its own */
} QemuBuilder;

/* An argument, unchanged. */
void builder_add(QemuBuilder *builder, const char *argument);
/* An option and its value. */
void builder_option(QemuBuilder *builder, const char *option, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* An option whose value is an object, which it takes over. */
void builder_json(QemuBuilder *builder, const char *option, struct json_object *object);

/* A file to be opened for QEMU; returns the number that QEMU will know it by. */
int builder_file(QemuBuilder *builder, QemuFileKind kind, const char *path, bool read_only);
/* The same, handed over as /dev/fdset/N, which block drivers and logs open in place of a path. */
int builder_file_set(QemuBuilder *builder, QemuFileKind kind, const char *path, bool read_only);

/* The file of that number, until the next is added. */
QemuFile *builder_file_at(QemuBuilder *builder, int fd);
/* A copy that lives as long as the command; NULL stays NULL. */
const char *builder_keep(QemuBuilder *builder, const char *text);

/* A companion; its argv begins with the program. */
QemuCompanion *builder_companion(QemuBuilder *builder, const char *name, const char *program);
void companion_add(QemuCompanion *companion, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A socket between QEMU and the companion added last; returns QEMU's number of it, the companion listens at
 * its own. */
int builder_companion_socket(QemuBuilder *builder, int *ret_listener);
/* A file of the companion's, as builder_file(). */
int builder_companion_file(QemuBuilder *builder, QemuCompanion *companion, QemuFileKind kind,
                           const char *path);

/* The place on the root bus that the port of that index has. */
void builder_set_place(struct json_object *device, unsigned first, unsigned index);
/* A root port for one device, "port-" and the device's id. index counts the ports of its kind without gaps,
 * as guests look for further functions only where they find function 0. */
void builder_port(QemuBuilder *builder, unsigned first, unsigned index, const char *device);
/* The same to be added to, and then it goes to builder_json(). */
struct json_object *builder_new_port(unsigned first, unsigned index, const char *device);
/* A device behind the port of its id, or of the id given. Its properties are the caller's to add, and then it
 * goes to builder_json(). */
struct json_object *builder_device(const char *driver, const char *id, const char *port, unsigned function);

/* The USB controller, once. */
void builder_usb(QemuBuilder *builder);
/* An emulated device, in a port that is no [USB] section's, with the controller. Its properties are the
 * caller's to add, and then it goes to builder_json(). */
struct json_object *builder_usb_device(QemuBuilder *builder, const char *driver, const char *id);
/* A port of virtio-serial that guest and chardev know by that name, with the controller. */
void builder_serial_port(QemuBuilder *builder, const char *id, const char *chardev, const char *name);

/* {"driver": driver} */
struct json_object *json_new_driver(const char *driver);
/* A device in that port of the USB controller. */
struct json_object *json_new_usb(const char *driver, const char *id, unsigned port);
void json_set_text(struct json_object *object, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
void json_set_number(struct json_object *object, const char *name, int number);
void json_set_bool(struct json_object *object, const char *name, bool value);

/* The guest's memory, as -machine memory-backend= knows it. */
#define QEMU_MEMORY_ID "ram"

/* The parts of which there is one at most. Each gets what it needs of the definition; argv.c decides
 * whether there is such a part. */
void qemu_add_cpu(QemuBuilder *builder, const DefinitionCpu *wish);
/* size in bytes; shared: another process maps it. */
void qemu_add_memory(QemuBuilder *builder, uint64_t size, HugePages huge_pages, bool shared);
/* Likewise, the memory of several NUMA nodes. */
void qemu_add_numa(QemuBuilder *builder, const GPtrArray *nodes /* of DefinitionNuma */, HugePages huge_pages,
                   bool shared);
/* size in bytes */
void qemu_add_looking_glass(QemuBuilder *builder, uint64_t size);
/* socket: where a sound server listens that speaks PulseAudio's protocol; NULL: a SPICE viewer plays, or
 * nobody */
void qemu_add_sound(QemuBuilder *builder, const char *socket, bool spice);
void qemu_add_agent(QemuBuilder *builder);
/* kvm: it runs by KVM. */
void qemu_add_machine(QemuBuilder *builder, const DefinitionMachine *machine, bool kvm);
void qemu_add_smbios(QemuBuilder *builder, const DefinitionSmbios *wish);
void qemu_add_rng(QemuBuilder *builder);
void qemu_add_clock(QemuBuilder *builder, const DefinitionMachine *machine, bool kvm);
void qemu_add_trouble(QemuBuilder *builder, const DefinitionLife *life);
void qemu_add_firmware(QemuBuilder *builder);
/* size in bytes */
void qemu_add_mmio64(QemuBuilder *builder, uint64_t size);
void qemu_add_tpm(QemuBuilder *builder);
/* What [QEMU] has; either may be NULL. */
void qemu_add_extra(QemuBuilder *builder, const GPtrArray *arguments, const GPtrArray *overrides);
void qemu_add_display_server(QemuBuilder *builder, const DefinitionDisplay *display);
/* Card, keyboard, mouse, and what a viewer needs besides. */
void qemu_add_display(QemuBuilder *builder, const DefinitionDisplay *display);
/* The others; index is the section's place among those of its kind. */
void qemu_add_network(QemuBuilder *builder, const DefinitionNetwork *network, unsigned index);
void qemu_add_pci(QemuBuilder *builder, const PlanDevice *planned);
/* Root ports for what is plugged in later. */
void qemu_add_spare_ports(QemuBuilder *builder, unsigned n);
void qemu_add_share(QemuBuilder *builder, const DefinitionShare *share, unsigned index);
void qemu_add_disk(QemuBuilder *builder, const DefinitionDisk *disk, unsigned index);
void qemu_add_cdrom(QemuBuilder *builder, const DefinitionCdrom *cdrom, unsigned index);

/* What QEMU is to make of an image's file. */
typedef struct QemuImage {
    const char *path;
    DiskFormat format;
    DiskCache cache;
    DiskIo io;
    bool discard, read_only;
    const char *backing; /* the node that a qcow2 image is built upon; NULL: none, whatever the image says */
    DiskZeroes zeroes;
} QemuImage;

/* The sectors that a disk has for the guest, in bytes; 0: as QEMU has them. */
void json_set_sectors(struct json_object *device, unsigned logical, unsigned physical);

/* A block node of that name, and one below it for the file, whose number as QEMU knows it is returned. */
int builder_image(QemuBuilder *builder, const char *node, const QemuImage *image);
