/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host made of files: something like /sys, /dev and /proc in a temporary folder, with a model of what the
 * kernel does when somebody writes to it. Production code reads it through the descriptors below and never
 * knows; its writes arrive here because test programs are linked with --wrap (see fake_host in
 * tests/unit/meson.build).
 *
 * One host at a time. Whatever cannot be on a real host (a device added twice) ends the test.
 *
 * What is modelled: drivers find their devices by themselves, or by driver_override; vfio-pci sets
 * power/control to "auto" when it takes a device and to "on" when it leaves it, and the group's node comes
 * with its first member and goes with the last; a probe for which there is no driver succeeds and binds
 * nothing; while a group is open (a guest runs) no host driver takes one of its members, vfio-pci lets none
 * go, and nobody else can open the group's node; a reset is done whoever uses the device. No time passes
 * there: who waits does not (g_usleep()). Virtual functions come and go as sriov_numvfs is written, mediated
 * devices upon create and remove. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct FakeHost FakeHost;

/* A machine with an IOMMU, vfio-pci loaded, and no device. */
FakeHost *fake_host_new(void);
/* With a GPU and its audio function, 0000:01:00.0 and .1, behind a bridge, in group 12. */
FakeHost *fake_host_new_with_gpu(void);
/* Takes the folder away. NULL is fine; returns NULL. */
FakeHost *fake_host_free(FakeHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHost, fake_host_free)

/* Borrowed. */
int fake_host_sys_fd(const FakeHost *host);
int fake_host_dev_fd(const FakeHost *host);
int fake_host_proc_fd(const FakeHost *host);
/* The folder that "sys", "dev" and "proc" are in, for files of the test's own. */
const char *fake_host_path(const FakeHost *host);

/* --- Building it --- */

#define FAKE_NO_GROUP (-1)

typedef struct FakeFunction {
    const char *address;
    const char *behind; /* the bridge above it; NULL: it is on the root bus */
    int group;          /* or FAKE_NO_GROUP */
    uint16_t vendor, device, subvendor, subdevice;
    uint32_t class;
    const char *driver; /* finds the function by itself, and has it; NULL: none */
    bool sleeps;        /* that driver lets it sleep: sets power/control to "auto", and "on" when it leaves */
    bool no_d3cold;     /* there is no d3cold_allowed */
    bool boot_vga;
    const char *reset_methods; /* NULL: "flr bus" */
    const char *physical;      /* a virtual function of this one */
} FakeFunction;

void fake_host_add_function(FakeHost *host, const FakeFunction *function);
/* Intel's VMD with a disk behind a port, in a domain that exists while vmd has the device. */
#define FAKE_VMD_PORT "10000:e0:06.0"
#define FAKE_VMD_DISK "10000:e1:00.0"
void fake_host_add_vmd(FakeHost *host, const char *address, int group);
/* A PCI bridge on the root bus, or behind another, with pcieport. */
void fake_host_add_bridge(FakeHost *host, const char *address, const char *behind, int group);
/* A Radeon in function 0 of a slot ("0000:01:00") and its audio in function 1: radeon, snd_hda_intel. */
void fake_host_add_gpu(FakeHost *host, const char *slot, const char *behind, int group);
/* A network card (e1000e) with its interface. */
void fake_host_add_network_card(FakeHost *host, const char *address, const char *behind, int group,
                                const char *name);
/* An NVMe controller with a disk of two partitions: "nvme0n1", "nvme0n1p1", "nvme0n1p2". */
void fake_host_add_disk(FakeHost *host, const char *address, const char *behind, int group, const char *name);

/* An existing function can make this many virtual ones. The first is two functions on, each further one two
 * more. They have groups of their own, from first_group on, and this driver finds them. */
void fake_host_add_sriov(FakeHost *host, const char *address, unsigned total, int first_group,
                         const char *driver);

/* The BAR of an existing function, and the sizes that it can have: bit n for 2^n MiB. */
void fake_host_add_bar(FakeHost *host, const char *address, unsigned number, uint64_t size, uint64_t sizes);

/* A mediated device of an existing function, in a group of its own, which has a node. */
void fake_host_add_mediated(FakeHost *host, const char *uuid, const char *parent, const char *type,
                            int group);

/* The parent's driver can make this many mediated devices of a type, in groups from first_group on. */
void fake_host_add_mediated_type(FakeHost *host, const char *parent, const char *type, const char *words,
                                 unsigned number, int first_group);

/* The kernel claims a disk or a partition for itself (a ZFS pool, an external journal) without telling what
 * for, or lets go of it. From then on its node exists; O_EXCL fails for that and for the disk's node. */
void fake_host_claim_disk(FakeHost *host, const char *name);
void fake_host_release_disk(FakeHost *host, const char *name);
/* A loop device over a device or a file, by its path. */
void fake_host_add_loop(FakeHost *host, const char *name, const char *backing);
/* A device made of others: "dm-0" or "md0" of disks, "br0" of interfaces. */
void fake_host_stack_disk(FakeHost *host, const char *name, const char *below);
void fake_host_stack_interface(FakeHost *host, const char *name, const char *below);
/* NVMe with several controllers: the disk hangs below the subsystem that they share. */
void fake_host_add_shared_disk(FakeHost *host, const char *name, const char *const *controllers);

void fake_host_mount(FakeHost *host, const char *disk, const char *point);
void fake_host_mount_btrfs(FakeHost *host, const char *const *disks, const char *point);
void fake_host_swap_on(FakeHost *host, const char *disk);
void fake_host_route_over(FakeHost *host, const char *interface, bool v6);
/* A DRM device of a display function, with a connector and a framebuffer. */
void fake_host_light_display(FakeHost *host, const char *address, unsigned card);
/* A framebuffer of the firmware's ("efi-framebuffer.0"), and the devices by which a driver draws into it
 * ("fb0", "card0"). address: the card whose child it is, as of Linux 6.9, or NULL. */
void fake_host_add_firmware_display(FakeHost *host, const char *name, const char *address,
                                    const char *const *entries);
/* The driver of vtconNUMBER: "(M) frame buffer device", "(S) VGA+", … */
void fake_host_set_console_driver(FakeHost *host, unsigned number, const char *name, bool bound);
/* A serial port on a card: "ttyS4", 4:minor. */
void fake_host_add_terminal(FakeHost *host, const char *address, const char *name, unsigned minor);
/* Sets the state of an existing connector, "card0-HDMI-A-1". */
void fake_host_set_connector(FakeHost *host, const char *name, const char *status, const char *enabled);
/* Where a card's memory is, and the firmware's framebuffer. */
void fake_host_set_memory(FakeHost *host, const char *address, uint64_t first, uint64_t last);
void fake_host_set_firmware_memory(FakeHost *host, uint64_t base);

/* A USB device on bus 1, each of whose interfaces has a driver ("": none) that finds it by itself. */
typedef struct FakeUsb {
    const char *port;
    unsigned number; /* the kernel's; each plugging in needs another */
    uint16_t vendor, product;
    const char *serial;         /* NULL: none */
    const char *const *drivers; /* NULL-terminated */
} FakeUsb;

void fake_host_plug_usb(FakeHost *host, const FakeUsb *usb);
/* A disk with two partitions ("sdap1") on its first interface. */
void fake_host_add_usb_disk(FakeHost *host, const FakeUsb *usb, const char *name);
void fake_host_unplug_usb(FakeHost *host, const FakeUsb *usb);
/* "usbhid none": the driver of each interface. The caller frees it. */
char *fake_host_usb_drivers(const FakeHost *host, const FakeUsb *usb);
/* Gives all interfaces this driver: "usbfs", as a program does, or NULL, as when it was killed. */
void fake_host_claim_usb(FakeHost *host, const FakeUsb *usb, const char *driver);

/* A NUMA node that has total huge pages of 2 MiB, all of them free, and room for this many at most. */
void fake_host_add_node(FakeHost *host, unsigned node, unsigned total, unsigned room);
/* How many there are now, as sysfs shows it; somebody else sets another number. */
unsigned fake_host_huge_pages(const FakeHost *host, unsigned node);
void fake_host_set_huge_pages(FakeHost *host, unsigned node, unsigned total);

/* Adds n host CPUs, from 0 on, with this governor ("schedutil", "performance"; NULL: none), and system.slice
 * and user.slice, which run on them. */
void fake_host_add_cpus(FakeHost *host, unsigned n, const char *governor);
/* AllowedCPUs= of a slice, as systemd and the kernel show it; "": no limit. */
char *fake_host_allowed_cpus(const FakeHost *host, const char *slice);
/* What systemd does, too: counts as a write, and fails like one. 0 or -errno. */
int fake_host_allow_cpus(FakeHost *host, const char *slice, const char *cpus);
void fake_host_set_governor(FakeHost *host, unsigned cpu, const char *governor);
/* Its governor's file stays, but cannot be read (EBUSY). */
void fake_host_switch_off_cpu(FakeHost *host, unsigned cpu);

/* --- What others do to it --- */

/* vfio-pci goes, with all that it had bound; or comes (again). */
void fake_host_unload_vfio_pci(FakeHost *host);
void fake_host_load_vfio_pci(FakeHost *host);
/* modprobe(8) does not find it. */
/* A driver that finds no device by itself, such as a variant of vfio-pci. */
void fake_host_load_driver(FakeHost *host, const char *driver);
void fake_host_lose_vfio_pci(FakeHost *host);
/* A driver of the host's goes. */
void fake_host_unload_driver(FakeHost *host, const char *driver);
/* Somebody else binds a device (driver NULL: unbinds it), or writes driver_override (NULL: clears it). */
void fake_host_set_driver(FakeHost *host, const char *address, const char *driver);
void fake_host_set_override(FakeHost *host, const char *address, const char *value);
void fake_host_set_power_control(FakeHost *host, const char *address, const char *value);
/* A parameter of a module: "vfio", "enable_unsafe_noiommu_mode", "Y". */
void fake_host_set_parameter(FakeHost *host, const char *module, const char *parameter, const char *value);
/* Somebody removes a mediated device. */
void fake_host_remove_mediated(FakeHost *host, const char *uuid);
/* The card is pulled out. */
void fake_host_remove_device(FakeHost *host, const char *address);
/* QEMU opens the group, or closes it. */
void fake_host_open_group(FakeHost *host, int group);
void fake_host_close_group(FakeHost *host, int group);
/* QEMU closes the group once this many others have tried to open it. */
void fake_host_close_group_after(FakeHost *host, int group, unsigned tries);
/* The device stops answering: config space reads as ones. */
void fake_host_silence(FakeHost *host, const char *address);

/* --- What goes wrong --- */

/* A write is anything that changes the host: an attribute, a node's owner, the start of modprobe. After
 * `after` other writes, the next one fails with a positive errno without an effect; or takes effect, but
 * complains. */
void fake_host_fail_write(FakeHost *host, unsigned after, int error);
void fake_host_complain_at_write(FakeHost *host, unsigned after, int error);
/* The next probe of this device succeeds and binds nothing. */
void fake_host_fail_probe(FakeHost *host, const char *address);

/* --- Looking at it --- */

/* How many writes there have been, failed ones included. */
unsigned fake_host_writes(const FakeHost *host);
/* How often a device was reset. */
unsigned fake_host_resets(const FakeHost *host, const char *address);
/* "" for none. The caller frees it. */
char *fake_host_driver(const FakeHost *host, const char *address);
/* Everything that a step can change, as text to compare. The caller frees it. */
char *fake_host_snapshot_text(const FakeHost *host);
/* What should never happen: a write to a forbidden file (new_id, bind, remove, rescan); a driver of the
 * host's takes a member of an open group; vfio-pci lets go of one, or one is reset. "" if none of this
 * happened. Borrowed. */
const char *fake_host_mishaps(const FakeHost *host);
