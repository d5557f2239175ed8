/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "known-loss.h"

#include <string.h>

#define LIMIT                                                                                                \
    "usher limits no disk and no card; IOReadBandwidthMax= and the like in a drop-in of the guest's unit, "  \
    "and tc, do"
#define REAL_TIME                                                                                            \
    "no vCPU or thread has a real-time scheduler; Pin= and Isolate= keep host CPUs free for the guest"
#define NOT_MORE "no memory can be plugged in while the guest runs: it has all of Size= from the start"
#define IOMMU "a guest with lent devices has no IOMMU of its own"
#define VSOCK "no key connects host and guest by vsock; the agent and the console have channels of their own"
#define VLAN "no key puts the card into a VLAN; make a bridge of the VLAN's interface, and name it in Bridge="
#define CLOUD_INIT                                                                                           \
    "Proxmox makes the disk for cloud-init anew at each start; the guest's own settings are there to stay"
#define WEBPAGE "a matter of Proxmox' web page and of its viewer"
#define PORT "a guest has one serial port and no parallel one"
#define LOGS "QEMU's own log, its words and its files; journalctl -u usher-guest@NAME has what QEMU says"
#define ADDRESSES "with Mode=user the guest has QEMU's usual addresses and names (10.0.2.0/24)"

/* The name of an element, option, property or line; one that ends with * is a beginning. above: what it is
 * below of; NULL: anything. */
static const struct {
    const char *name, *above, *why;
} losses[] = {
    {"vcpusched", NULL, REAL_TIME},
    {"iothreadsched", NULL, REAL_TIME},
    {"emulatorsched", NULL, REAL_TIME},
    {"cachetune", NULL, "shares of the host's caches are those of resctrl(5), which usher leaves alone"},
    {"memorytune", NULL,
     "shares of the host's memory bandwidth are those of resctrl(5), which usher leaves alone"},
    {"memtune", NULL, "limits of memory are systemd's: MemoryMax= in a drop-in of the guest's unit"},
    {"blkiotune", NULL, LIMIT},
    {"iotune", NULL, LIMIT},
    {"bandwidth", NULL, LIMIT},
    {"iops*", NULL, LIMIT},
    {"mbps*", NULL, LIMIT},
    {"bps*", NULL, LIMIT},
    {"throttling.*", NULL, LIMIT},
    {"limits.*", NULL, LIMIT},
    {"mtu", NULL, "the card has the MTU of the bridge or of the link above"},
    {"host_mtu", NULL, "the card has the MTU of the bridge or of the link above"},
    {"romfile", "-device", "a network card's ROM is for booting from it, which no key has the guest do"},
    {"portgroup", NULL, VLAN},
    {"vlan", NULL, VLAN},
    {"virtualport", NULL, "Open vSwitch plugs the card in by itself with Mode=tap and a port that exists"},
    {"filterref", NULL, "usher filters nothing; the host's nftables filter what the bridge carries"},
    {"vsock", NULL, VSOCK},
    {"iommu", NULL, IOMMU},
    {"viommu", NULL, IOMMU},
    {"memory", "devices", NOT_MORE},
    {"maxMemory", NULL, NOT_MORE},
    {"slots", NULL, NOT_MORE},
    {"maxmem", NULL, NOT_MORE},
    {"vmcoreinfo", NULL, "a guest's dump is made by its own kdump; nothing on the host reads one"},
    {"async-teardown", NULL, "the devices go back once QEMU has ended as a whole, memory included"},
    {"limit", "maxphysaddr",
     "write Features=host-phys-bits-limit= to [CPU] if the host's CPU has more bits than the IOMMU"},
    {"frequency", "timer",
     "the guest's time stamp counter runs as the host's; Features=tsc-frequency= says another speed"},
    {"launchSecurity", NULL, "a guest whose memory is encrypted cannot have devices of the host's by VFIO"},
    {"smartcard", NULL, "usher has no smart card; a [USB] section lends the reader"},
    {"parallel", NULL, PORT},
    {"-parallel", NULL, PORT},
    {"parallel*", NULL, PORT},
    {"serial*", NULL, PORT},
    {"writeFiltering", NULL, "QEMU filters what the guest writes to the device's registers, always"},
    {"binary", "filesystem", "usher starts the host's virtiofsd with options of its own"},
    {"queue", "driver", "a shared folder has as many queue entries as QEMU gives it"},
    {"rawio", NULL, "the guest's SCSI commands do not reach the disk itself"},
    {"iothreads", "driver", "a disk has one thread, by IOThread=yes"},
    {"-D", NULL, LOGS},
    {"-d", NULL, LOGS},
    {"-L", NULL, LOGS},
    {"-k", NULL, "the keys' layout is the viewer's, and the guest's own"},
    {"keyboard", NULL, "the keys' layout is the viewer's, and the guest's own"},
    {"-readconfig", NULL,
     "options of that file are not read; import the file's words together with the others"},
    {"-id", NULL, "Proxmox' number of the guest; usher knows guests by their names"},
    {"-iscsi", NULL,
     "usher's disks are image files and block devices; the host attaches one of iSCSI (iscsiadm)"},
    {"packed", NULL, "QEMU's own way with queues"},
    {"-alt-grab", NULL, "the keys that free the mouse are the viewer's"},
    {"-ctrl-grab", NULL, "the keys that free the mouse are the viewer's"},
    {"-no-acpi", NULL, "every guest has ACPI: by it the guest is shut down"},
    {"igd-passthru", NULL, "Xen's word; Intel's graphics at 00:02.0 needs none"},
    {"hostname", "-netdev", ADDRESSES},
    {"dns*", "-netdev", ADDRESSES},
    {"net", "-netdev", ADDRESSES},
    {"host", "-netdev", ADDRESSES},
    {"dhcpstart", "-netdev", ADDRESSES},
    {"domainname", "-netdev", ADDRESSES},
    {"ipv*", "-netdev", ADDRESSES},
    {"tftp", "-netdev", ADDRESSES},
    {"bootfile", "-netdev", ADDRESSES},
    {"size", "dirty-ring", "QEMU's own way to find pages that the guest wrote"},
    {"backingStore", NULL, "the chain of an image that was left out"},
    {"start", "clock", "a guest's clock always starts at the host's time"},
    {"-no-fd-bootchk", NULL, "a guest has no floppy drive, so its BIOS checks none"},
    {"splash*", NULL, "the firmware's own picture is shown as long as the firmware likes"},
    {"reboot-timeout", NULL, "a guest that finds nothing to boot waits until usherctl reset"},
    {"ci*", NULL, CLOUD_INIT},
    {"ipconfig*", NULL, CLOUD_INIT},
    {"nameserver", NULL, CLOUD_INIT},
    {"searchdomain", NULL, CLOUD_INIT},
    {"sshkeys", NULL, CLOUD_INIT},
    {"unused*", NULL, "a volume that the guest does not use; it stays where it is"},
    {"spice_enhancements", NULL, WEBPAGE},
    {"startdate", NULL, "a guest's clock always starts at the host's time"},
    {"virtiofs*", NULL, "only Proxmox knows which folder that is; add a [Share] section with its Path="},
    {"cut off", NULL,
     "the command ends above these words, at an empty line or a comment, so QEMU never had them; close the "
     "gap and import again if the guest is to have them"},
    {"conditions", NULL,
     "QEMU's environment is usher's; [Sound] says where the guest plays, and a drop-in of the guest's unit "
     "can "
     "set the rest"},
    {"second guest", NULL,
     "the first command that starts QEMU was read; import this one from a file of its own"},
};

static bool is(const char *name, const char *row)
{
    size_t length = strlen(row);

    return row[length - 1] == '*' ? strncmp(name, row, length - 1) == 0 : g_str_equal(name, row);
}

static bool below(const Node *node, const char *above)
{
    return !above || (node->parent && g_str_equal(node->parent->name, above));
}

const char *known_loss(const Node *node)
{
    const char *name = node->name + (*node->name == '@');

    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++)
        if (is(name, losses[i].name) && below(node, losses[i].above))
            return losses[i].why;
    return NULL;
}
