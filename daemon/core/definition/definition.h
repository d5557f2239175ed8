/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest as its file and drop-ins define it. One table (definition-keys.h) says everything about a key;
 * parser, checks, nearest-word hints, the list in the manual and completions come from it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../base/fault.h"
#include "../host/pci-address.h"

#define GUEST_NAME_MAX 63
#define LINK_NAME_MAX 15 /* IFNAMSIZ, without the NUL */
#define INPUT_FOLDER "/dev/input/"
#define LINK_PREFIX "ush-" /* of the links that usher makes */

typedef enum HostSleep {
    HOST_SLEEP_AUTO, /* never seen in a definition that was read */
    HOST_SLEEP_INHIBIT,
    HOST_SLEEP_PAUSE,
    HOST_SLEEP_SHUTDOWN,
    HOST_SLEEP_IGNORE,
    HOST_SLEEP_MAX,
    HOST_SLEEP_INVALID = -EINVAL,
} HostSleep;

typedef enum HostShutdown {
    HOST_SHUTDOWN_STOP,
    HOST_SHUTDOWN_INHIBIT,
    HOST_SHUTDOWN_MAX,
    HOST_SHUTDOWN_INVALID = -EINVAL,
} HostShutdown;

/* What happens to a guest whose system has panicked, or hangs. */
typedef enum TroubleAction {
    TROUBLE_DEFAULT, /* a panic that is told fails the guest, and nothing is there to tell of more */
    TROUBLE_FAIL,
    TROUBLE_RESET,
    TROUBLE_PAUSE,
    TROUBLE_IGNORE,
    TROUBLE_MAX,
    TROUBLE_INVALID = -EINVAL,
} TroubleAction;

typedef enum Accelerator {
    ACCELERATOR_KVM,
    ACCELERATOR_TCG,
    ACCELERATOR_MAX,
    ACCELERATOR_INVALID = -EINVAL,
} Accelerator;

typedef enum HugePages {
    HUGE_PAGES_NO,
    HUGE_PAGES_2M,
    HUGE_PAGES_1G,
    HUGE_PAGES_MAX,
    HUGE_PAGES_INVALID = -EINVAL,
} HugePages;

typedef enum FirmwareType {
    FIRMWARE_BIOS,
    FIRMWARE_UEFI,
    FIRMWARE_TYPE_MAX,
    FIRMWARE_TYPE_INVALID = -EINVAL,
} FirmwareType;

typedef enum TpmVersion {
    TPM_VERSION_NONE,
    TPM_VERSION_2_0,
    TPM_VERSION_MAX,
    TPM_VERSION_INVALID = -EINVAL,
} TpmVersion;

typedef enum DiskFormat {
    DISK_FORMAT_RAW,
    DISK_FORMAT_QCOW2,
    DISK_FORMAT_MAX,
    DISK_FORMAT_INVALID = -EINVAL,
} DiskFormat;

typedef enum DiskBus {
    DISK_BUS_VIRTIO_BLK,
    DISK_BUS_VIRTIO_SCSI,
    DISK_BUS_NVME,
    DISK_BUS_SATA,
    DISK_BUS_MAX,
    DISK_BUS_INVALID = -EINVAL,
} DiskBus;

typedef enum DiskCache {
    DISK_CACHE_WRITEBACK,
    DISK_CACHE_NONE,
    DISK_CACHE_WRITETHROUGH,
    DISK_CACHE_DIRECTSYNC,
    DISK_CACHE_UNSAFE,
    DISK_CACHE_MAX,
    DISK_CACHE_INVALID = -EINVAL,
} DiskCache;

/* Whether it goes past the host's page cache (qemu-block-drivers(7), "cache.direct"). */
static inline bool disk_cache_direct(DiskCache cache)
{
    return cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC;
}

typedef enum CdromBus {
    CDROM_BUS_SATA,
    CDROM_BUS_VIRTIO_SCSI,
    CDROM_BUS_MAX,
    CDROM_BUS_INVALID = -EINVAL,
} CdromBus;

typedef enum ShareType {
    SHARE_TYPE_AUTO, /* until host_kit_settle() */
    SHARE_TYPE_VIRTIOFS,
    SHARE_TYPE_9P,
    SHARE_TYPE_MAX,
    SHARE_TYPE_INVALID = -EINVAL,
} ShareType;

typedef enum ShareOwner {
    SHARE_OWNER_HOST,   /* owners and modes are the host's */
    SHARE_OWNER_MAPPED, /* the guest has its own, kept in extended attributes */
    SHARE_OWNER_MAX,
    SHARE_OWNER_INVALID = -EINVAL,
} ShareOwner;

typedef enum NetworkMode {
    NETWORK_MODE_USER,
    NETWORK_MODE_BRIDGE,
    NETWORK_MODE_TAP,
    NETWORK_MODE_MACVTAP,
    NETWORK_MODE_NONE,
    NETWORK_MODE_MAX,
    NETWORK_MODE_INVALID = -EINVAL,
} NetworkMode;

typedef enum NetworkModel {
    NETWORK_MODEL_VIRTIO,
    NETWORK_MODEL_E1000E,
    NETWORK_MODEL_MAX,
    NETWORK_MODEL_INVALID = -EINVAL,
} NetworkModel;

/* How the guest's screen is seen from outside. */
typedef enum DisplayType {
    DISPLAY_NONE, /* it has none but its devices' own */
    DISPLAY_VNC,
    DISPLAY_SPICE,
    DISPLAY_MAX,
    DISPLAY_INVALID = -EINVAL,
} DisplayType;

/* The sound server that plays for the guest. QEMU speaks PulseAudio's protocol with both. */
typedef enum SoundType {
    SOUND_NONE,
    SOUND_PIPEWIRE,
    SOUND_PULSEAUDIO,
    SOUND_MAX,
    SOUND_INVALID = -EINVAL,
} SoundType;

/* [PCI name] */
typedef struct DefinitionPci {
    char *name;
    PciAddress address; /* of nothing if mediated is set, and mediated_type is not */
    char *mediated;     /* MediatedDevice=: UUID in lower case; NULL: not said */
    char
        *mediated_type; /* MediatedType=: one of it is made, and lent in place of the device; NULL: none is */
    char *fingerprint;  /* Fingerprint=; NULL: not said */
    uint8_t functions;  /* Functions=: bit n for function n; 0 stands for all (the default) */
    unsigned virtual_functions; /* VirtualFunctions=: so many are made, and lent in its place; 0: it is lent
                                   itself */
    bool whole_group;           /* Group=all; default only */
    bool reset_before;          /* ResetBefore=, ResetAfter=; default no */
    bool reset_after;
    bool primary_vga;    /* PrimaryVGA=: QEMU's x-vga, for BIOS guests */
    char *rom;           /* ROM=: absolute; NULL: the device's own */
    bool rom_bar;        /* ROMBar=, default yes */
    unsigned boot_index; /* BootIndex=, from 1; 0: not booted from */
    unsigned vendor_id, device_id, sub_vendor_id,
        sub_device_id; /* with VALUE_ID_GIVEN, or 0: the device's own */
} DefinitionPci;

/* An image with what is in it: "qcow2:/srv/base.qcow2". */
typedef struct DefinitionImage {
    DiskFormat format;
    char *path; /* absolute */
} DefinitionImage;

/* [Disk name] */
typedef struct DefinitionDisk {
    char *name;
    char *path;        /* absolute */
    DiskFormat format; /* always said; never probed */
    DiskBus bus;       /* default virtio-blk */
    DiskCache cache;   /* default writeback */
    bool discard;      /* Discard=unmap; default ignore */
    bool iothread;
    bool read_only;
    char *serial;        /* NULL: made from the section's name */
    unsigned boot_index; /* BootIndex=, 1 to 99; 0: after those that have one */
    uint64_t size;       /* bytes of an image that is made; 0: it must be there */
    GPtrArray
        *backing; /* of DefinitionImage, owned: what it is built upon, the next one first; NULL: nothing */
} DefinitionDisk;

/* [CDROM name] */
typedef struct DefinitionCdrom {
    char *name;
    char *path;   /* absolute; NULL: nothing is in it */
    CdromBus bus; /* default sata */
    unsigned boot_index;
} DefinitionCdrom;

/* Forward=: what comes in at a port of the host goes to one of the guest. */
typedef struct DefinitionForward {
    bool udp;
    char *address; /* IPv4; default 127.0.0.1 */
    unsigned host_port, guest_port;
} DefinitionForward;

/* [Network name] */
typedef struct DefinitionNetwork {
    char *name;
    NetworkMode mode;
    char *bridge;        /* with Mode=bridge: the bridge that the guest's link is a port of */
    char *device;        /* with tap: the link, which is somebody else's */
    char *parent;        /* with macvtap: the link that the guest's is made upon */
    char *link;          /* what the guest's link on the host is called; NULL: it has none */
    GPtrArray *forwards; /* of DefinitionForward, owned; NULL: none */
    bool restricted;     /* Restrict=: forwards alone lead in and out */
    NetworkModel model;  /* default virtio */
    char *mac;           /* NULL: see definition_mac() */
} DefinitionNetwork;

/* Which keys, pressed together, have the guest or the host listen; in the order of QEMU's GrabToggleKeys. */
typedef enum GrabToggle {
    GRAB_TOGGLE_CTRL_CTRL,
    GRAB_TOGGLE_ALT_ALT,
    GRAB_TOGGLE_SHIFT_SHIFT,
    GRAB_TOGGLE_META_META,
    GRAB_TOGGLE_SCROLLLOCK,
    GRAB_TOGGLE_CTRL_SCROLLLOCK,
    GRAB_TOGGLE_MAX,
    GRAB_TOGGLE_INVALID = -EINVAL,
} GrabToggle;

/* [Input name] */
typedef struct DefinitionInput {
    char *name;
    char *device; /* below /dev/input */
    GrabToggle grab_toggle;
} DefinitionInput;

/* [USB name]: the one device that all of these fit; at least one is there */
typedef struct DefinitionUsb {
    char *name;
    char *id;     /* "046d:0a8f"; NULL: any */
    char *serial; /* NULL: any */
    char *port;   /* "1-2.3"; NULL: any */
} DefinitionUsb;

/* [Share name] */
typedef struct DefinitionShare {
    char *name;
    char *path; /* absolute */
    char *tag;  /* NULL: the section's name */
    ShareType type;
    bool read_only;
    ShareOwner owner;
} DefinitionShare;

typedef struct GuestDefinition {
    char *name;
    char *source;  /* the file it came from, for messages */
    char *host_id; /* what tells this host from others; NULL: nothing. Whoever loads the definition sets it */
    char *description;       /* default: the name */
    HostSleep on_host_sleep; /* default: inhibit with devices, ignore without */
    HostShutdown on_host_shutdown;
    TroubleAction on_panic;
    unsigned spare_ports;   /* SparePorts=, default 4: PCI devices that can be plugged in while it runs */
    TroubleAction watchdog; /* [Watchdog] Action= */
    bool agent;             /* [Agent] Enabled= */
    struct {
        FirmwareType type; /* default bios */
        bool secure_boot;  /* SecureBoot=, uefi alone */
    } firmware;
    TpmVersion tpm; /* default none */
    struct {
        Accelerator accelerator;          /* default kvm */
        char *model;                      /* default host with kvm, max with tcg */
        unsigned sockets, cores, threads; /* defaults 1, 2, 1 */
        char *features;                   /* Features= as QEMU takes them: "topoext=on,svm=off"; NULL: none */
        bool hide_hypervisor, hyper_v;
        char *pin, *emulator_pin, *iothread_pin; /* as cpu_list_parse() takes them; NULL: anywhere */
        bool isolate;                            /* what runs on the host is kept off those of pin */
        char *governor;                          /* of those of pin; NULL: as it is */
    } cpu;
    uint64_t memory;      /* bytes, a multiple of 1 MiB; default 2 GiB */
    int node;             /* Node=, and 1; 0: that of the first device, where it matters */
    HugePages huge_pages; /* HugePages=, default no: whatever pages the kernel chooses */
    struct {
        char *image, *initrd; /* absolute; NULL: boots from firmware and disks */
        char *command_line;
    } kernel;
    struct {
        uint64_t agent_usec;        /* AgentSec=, default 30 s; 0: skip the rung */
        uint64_t power_button_usec; /* PowerButtonSec=, default 60 s; 0: skip the rung */
        uint64_t quit_usec;         /* QuitSec=, default 5 s */
        uint64_t terminate_usec;    /* TerminateSec=, default 5 s; then SIGKILL */
    } stop;
    DisplayType display; /* default none */
    struct {
        SoundType type; /* default none */
        char *socket;   /* absolute; with a type */
    } sound;
    struct {
        uint64_t size; /* bytes, a power of two; 0: none, or the device's */
        char *owner;   /* NULL: root */
        char *device;  /* "/dev/kvmfr0", which has a size of its own; NULL: a file is made */
    } looking_glass;
    bool console_log; /* [Console] Log=, default yes */
    struct {
        GPtrArray *arguments; /* of char*, words; NULL: none */
        GPtrArray *overrides; /* of char*, "DEVICE.PROPERTY=VALUE"; NULL: none */
    } qemu;
    GPtrArray *pci;      /* of DefinitionPci, owned, in the order of the file */
    GPtrArray *disks;    /* of DefinitionDisk */
    GPtrArray *cdroms;   /* of DefinitionCdrom */
    GPtrArray *networks; /* of DefinitionNetwork */
    GPtrArray *inputs;   /* of DefinitionInput */
    GPtrArray *usbs;     /* of DefinitionUsb */
    GPtrArray *shares;   /* of DefinitionShare */
} GuestDefinition;

/* What a definition may have in all, and how often a key may be written in one section. */
#define DEFINITION_KIB_MAX 256
#define DEFINITION_SIZE_MAX (DEFINITION_KIB_MAX * 1024)
#define DEFINITION_DROP_INS_MAX 64
#define DEFINITION_ASSIGNMENTS_MAX 512

/* One text to parse: the file itself first, then its drop-ins in their order. */
typedef struct DefinitionText {
    const char *path; /* for messages; "/etc/usher/guests/win10.guest" */
    const char *text;
    size_t size; /* NUL bytes inside are an error with their line */
} DefinitionText;

/* It changes what usher would do with QEMU. */
bool definition_tainted(const GuestDefinition *definition);

/* "none", "vnc", "spice" */
const char *display_type_to_string(DisplayType type);

/* ^[a-z0-9][a-z0-9-]{0,62}$ */
bool guest_name_valid(const char *name);

/* Parses and checks. As in systemd's unit files, a later assignment of a key overrides an earlier one, an
 * empty one restores the default, lines may be continued with a backslash, # and ; start comments. Unknown
 * sections and keys are errors. FAULT_RAISED with INVALID_NAME or BAD_DEFINITION: "win10.guest:12: [CPU]
 * Coers= is not known", remedy "did you mean Cores=?". The fault is about the first mistake. Whether files
 * and devices exist is not checked here. */
int definition_parse(const char *name, const DefinitionText *texts, size_t n_texts, GuestDefinition **ret,
                     Fault **ret_fault);
GuestDefinition *definition_free(GuestDefinition *definition);

/* MAC= of a card, or else an address made from the names of guest and section and host_id: a card keeps it,
 * and no other card has it. The caller frees it. */
char *definition_mac(const GuestDefinition *definition, const DefinitionNetwork *network);

/* Whether a mediated device is lent, one that is there or one that is made, and no PCI device. */
bool definition_mediates(const DefinitionPci *section);
/* The UUID of that: MediatedDevice=, or one made likewise: a guest's mediated device keeps it, and no other
 * has it. The caller frees it. */
char *definition_mediated(const GuestDefinition *definition, const DefinitionPci *section);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestDefinition, definition_free)

/* Bytes; 0 for no huge pages. */
uint64_t huge_page_size(HugePages pages);

/* The host CPUs for one vCPU, counted from 0: one each if Pin= names as many as the guest has vCPUs, else
 * all that it names. NULL without Pin=. The caller frees it. */
char *definition_pin(const GuestDefinition *definition, unsigned cpu);

/* Whether another process than QEMU maps the guest's memory: a vhost-user server, which gets its descriptor
 * (QEMU's docs/system/devices/vhost-user.rst). ivshmem does not need it, as it has memory of its own. */
bool definition_shares_memory(const GuestDefinition *definition);

/* What is set, and where: for `usherctl show`. */
typedef struct DefinitionLine {
    char *section; /* "PCI gpu" */
    char *key;
    char *value;
    char *path;
    unsigned line;
} DefinitionLine;

/* The effective assignments in the order of sections and keys as written. Takes what definition_parse()
 * accepted; -EBADMSG for other text. */
int definition_lines(const DefinitionText *texts, size_t n_texts,
                     GPtrArray **ret /* of DefinitionLine, owned */);
