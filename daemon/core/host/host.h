/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as it was seen at one moment: every PCI function and what the kernel says of the IOMMU and VFIO.
 * A snapshot is a value: edge fills it in, everything above only reads it. It owns its strings. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bar.h"
#include "pci-address.h"

#define HOST_NO_GROUP (-1)
#define GUESTS_SLICE "usher.slice"
/* The kernel has not said yet in which group a device that is still to be made will be; each counts as one
 * of its own. */
#define HOST_EXPECTED_GROUP(index) (-2 - (int)(index))

/* A part of a device's memory that the host's CPU sees. */
typedef struct HostBar {
    uint64_t size;  /* bytes; 0: it is none, or has no place */
    uint64_t sizes; /* that it can have: bit n for 2^n MiB; 0: not known */
    bool resizable;
} HostBar;

typedef struct HostDevice {
    PciAddress address;
    uint16_t vendor, device, subvendor, subdevice;
    uint32_t class;    /* 24 bits: base class, subclass, programming interface */
    bool bridge;       /* a PCI or CardBus bridge, not an ISA or host bridge: never touched */
    char *driver;      /* NULL: none */
    char *vfio;        /* "vfio3": what VFIO calls it; NULL: no driver of VFIO's has it */
    char *override;    /* driver_override; NULL: none ("(null)" in sysfs) */
    int group;         /* IOMMU group or HOST_NO_GROUP */
    bool has_upstream; /* behind a bridge, or Intel's VMD, whose address is upstream */
    PciAddress upstream;
    bool virtual_function; /* of an SR-IOV function, whose address is physical */
    PciAddress physical;
    struct {
        unsigned total;          /* how many virtual functions it can have; 0: it has no SR-IOV */
        unsigned offset, stride; /* where the first is from here, and each next one; in functions */
        uint16_t device;         /* the device ID that they have */
        char *autoprobe;         /* whether drivers find them: "0", "1"; NULL: no such attribute */
    } sriov;
    bool boot_vga;       /* the display the firmware used */
    char *reset_methods; /* as sysfs lists them: "flr bus"; NULL: none or unknown */
    struct {
        char *state;          /* "D0", "D3cold", …; NULL: unknown */
        char *control;        /* power/control: "on" or "auto"; NULL: no such attribute */
        char *d3cold_allowed; /* "0" or "1"; NULL: no such attribute */
    } power;
    HostBar bars[BARS_MAX]; /* of graphics and other accelerators */
    int numa_node;          /* -1: none */
    char *needed_for;       /* why the host cannot spare it ("default route over eth0", "/ on nvme0n1",
                             * "console on fb0"); NULL: it can */
    char *quarantine;       /* since when and why no plan may have it; NULL: it may */
    bool dead;              /* its config space answers with ones alone: off the bus, or asleep for good */
    bool stuck;             /* a write to it hangs in the kernel: driver and override are unknown */
} HostDevice;

/* A network interface. */
typedef struct HostLink {
    char *name;
    char *master; /* the bridge or bond that it is a port of; NULL: none */
    bool bridge;
    bool nat;         /* the bridge of Mode=nat, which usher-nat has made (nat-range.h) */
    bool tap;         /* a tap device that stays when nobody has it open */
    bool multi_queue; /* of a tap device: several can open it, a queue each */
} HostLink;

/* A USB device as long as it is plugged in: back in the same port, it has another number. */
typedef struct HostUsb {
    char *port;           /* "1-2.3", as sysfs names it */
    char *place;          /* "pci-0000:00:14.0-usb-0:2.3", as usb_place() has it; NULL: none */
    unsigned bus, number; /* its node is /dev/bus/usb/BUS/NUMBER */
    uint16_t vendor, product;
    char *serial; /* NULL: none */
    bool hub;
    char *drivers;    /* those of its interfaces, as in STEP_USB_DRIVERS */
    char **inputs;    /* its input devices: "event5" */
    char *needed_for; /* why nobody else may have it, in words; NULL: they may */
    char *guest;      /* the guest that has it; NULL: none. Whoever took the snapshot sets it */
} HostUsb;

/* A part of a device that its driver made for a guest: a mediated device
 * (Documentation/driver-api/vfio-mediated-device.rst). */
typedef struct HostMediated {
    char *uuid;       /* in lower case, as sysfs has it */
    char *type;       /* of those that its driver makes: "nvidia-63"; NULL: unknown */
    char *api;        /* "vfio-pci": what it is to a guest; NULL: unknown */
    bool of_function; /* of a PCI function, whose address is parent */
    PciAddress parent;
    int group; /* HOST_NO_GROUP: no driver of VFIO's has it */
} HostMediated;

/* A type of mediated devices that the driver of a PCI function makes; in a snapshot only where somebody asked
 * about that. */
typedef struct HostMediatedType {
    PciAddress parent;
    char *name;    /* "i915-GVTg_V5_4": what it is called in sysfs */
    char *words;   /* name, for people; NULL: its driver says none */
    char *api;     /* "vfio-pci"; NULL: unknown */
    int available; /* so many more of it can be made; -1: unknown */
} HostMediatedType;

/* What a NUMA node has of huge pages; by HugePages. */
#define HOST_PAGE_SIZES 3
typedef struct HostNode {
    unsigned number;
    uint64_t memory; /* bytes; 0: unknown */
    uint64_t left;   /* what of that can be had now, without swapping; 0: unknown */
    struct {
        bool there; /* the host CPU knows the size */
        uint64_t total, free;
    } pages[HOST_PAGE_SIZES];
} HostNode;

/* A host CPU that is online. */
typedef struct HostCpu {
    unsigned number;
    char *governor; /* scaling_governor; NULL: nobody chooses its speed */
} HostCpu;

/* A unit of systemd's that holds what runs on the host. */
typedef struct HostSlice {
    char *unit;       /* "system.slice" */
    GArray *kept_off; /* of unsigned: the host CPUs on which none of its processes may run */
} HostSlice;

typedef struct Host {
    GPtrArray *cpus;           /* of HostCpu */
    char *governors;           /* that can be chosen, separated by blanks; NULL: none */
    bool cpusets;              /* cgroup v2 with the cpuset controller */
    bool guests_cpusets;       /* and usher.slice has it, by a limit of its own that is none */
    GPtrArray *slices;         /* of HostSlice, those that are there */
    GArray *nodes;             /* of HostNode, ascending */
    uint64_t memory;           /* bytes that the kernel has in all; 0: unknown */
    uint64_t memory_left;      /* that can be had without swapping; 0: unknown */
    GPtrArray *devices;        /* of HostDevice, sorted by address */
    GPtrArray *links;          /* of HostLink, sorted by name */
    GPtrArray *usbs;           /* of HostUsb */
    GPtrArray *mediated;       /* of HostMediated */
    GPtrArray *mediated_types; /* of HostMediatedType */
    bool vhost_net;            /* there is /dev/vhost-net */
    bool macvtap;              /* the macvtap driver is there */
    bool iommu;                /* there is at least one IOMMU group */
    bool vfio_pci;             /* the vfio-pci driver is registered */
    GPtrArray *drivers;        /* of char*: the PCI drivers that are registered */
    GPtrArray *vfio_aliases;   /* of VfioAlias (vfio-driver.h) */
    struct {
        const char *lack; /* why no guest gets devices by iommufd, in words; NULL: guests may */
        bool unsure;      /* that is not known for certain */
    } iommufd;
    bool unsafe_interrupts; /* vfio_iommu_type1.allow_unsafe_interrupts is set */
    bool noiommu;           /* vfio.enable_unsafe_noiommu_mode is set */
} Host;

Host *host_new(void);
Host *host_free(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)
/* A snapshot with the same contents, in which a device may be replaced: the other one stays as it is. */
Host *host_share(const Host *host);
/* Puts a device, which may be another snapshot's, in the place of the one with its address, if there is one.
 */
void host_replace(Host *host, HostDevice *device);

/* A new, zeroed device (group HOST_NO_GROUP, numa_node -1) for the given address, owned by the host. Keep the
 * order by calling host_sort() after the last one. */
HostDevice *host_add(Host *host, PciAddress address);
void host_sort(Host *host);

HostLink *host_add_link(Host *host, const char *name);
HostCpu *host_add_cpu(Host *host, unsigned number);
/* kept_off is taken over. */
HostSlice *host_add_slice(Host *host, const char *unit, GArray *kept_off);
/* NULL if there is none of this name. */
const HostLink *host_find_link(const Host *host, const char *name);

/* port: as sysfs names it. */
HostUsb *host_add_usb(Host *host, const char *port);
HostUsb *host_find_usb(const Host *host, const char *port);

HostMediated *host_add_mediated(Host *host, const char *uuid);
HostMediated *host_mediated_free(HostMediated *mediated);
/* Of no known API, and of unknown number. */
HostMediatedType *host_add_mediated_type(Host *host, PciAddress parent, const char *name);
const HostMediatedType *host_find_mediated_type(const Host *host, PciAddress parent, const char *name);
const HostMediated *host_find_mediated(const Host *host, const char *uuid);
/* What it was made of, or NULL: no PCI device, or gone. */
const HostDevice *host_find_parent(const Host *host, const HostMediated *mediated);
/* The one in this group, or NULL: each has one of its own. */
const HostMediated *host_mediated_of(const Host *host, int group);

/* The host's own way to its devices, never lent: bridges, the root complex's own functions, the ISA bridge.
 * Others have the base class of bridges (06) and are devices by their header, such as NVIDIA's NVSwitch and
 * non-transparent bridges (0680). */
bool host_device_stays(const HostDevice *device);

/* Intel's own graphics. Drivers look for them at 00:02.0, and learn of their outputs from a region of the
 * firmware's (OpRegion). */
bool host_intel_graphics(const HostDevice *device);
/* Whether they would be there. */
bool host_intel_graphics_place(PciAddress address);

/* The function whose driver makes the device exist: the physical function of a virtual one, or Intel's
 * VMD, whose driver makes a domain of its own of the devices behind it (drivers/pci/controller/vmd.c).
 * NULL: there is none. */
const HostDevice *host_maker(const Host *host, const HostDevice *device);
/* What to do where that keeps the device from being lent; maker NULL: it is not known. The caller frees it.
 */
char *host_maker_remedy(const HostDevice *maker);

/* NULL if there is no such function. Binary search. */
const HostDevice *host_find(const Host *host, PciAddress address);

/* The members of a group in order of address, bridges included; an array of const HostDevice* that the caller
 * frees. Empty for HOST_NO_GROUP. */
GPtrArray *host_group(const Host *host, int group);

/* The virtual functions of a device, in order of address; likewise. */
GPtrArray *host_virtual_functions(const Host *host, PciAddress physical);

/* The functions of the slot that address is in, itself included. The caller frees the array. */
GPtrArray *host_slot(const Host *host, PciAddress address);

/* "3.8 GiB", for messages. The caller frees it. */
char *host_size_words(uint64_t bytes);
/* "64G", "1536M", for people to write into a key. The caller frees it. */
char *host_size_as_key(uint64_t mib);

/* "0000:01:00.1 (snd_hda_intel), 0000:01:00.2 (no driver)": for messages. The caller frees it. */
char *host_describe(const GPtrArray *devices);
