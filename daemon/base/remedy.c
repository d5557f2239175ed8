/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cleanup.h"
#include "remedy.h"

/* Names as packages.debian.org, archlinux.org's repositories of qemu and edk2, SUSE's spec files of qemu,
 * ovmf, swtpm and virtiofsd, and pkgs/by-name and all-packages.nix of nixpkgs have them. Those of Fedora and
 * RHEL are what their users write, and nobody has looked them up. Debian's qemu-system-common has virtiofsd
 * up to 12, so that it is there with QEMU. Debian's dnsmasq starts a server for the whole host. gvncviewer is
 * a package of Debian's and Fedora's; elsewhere tigervnc has a viewer. On NixOS QEMU brings its firmware
 * along. Fedora's qemu-system-x86 and Arch's qemu-desktop bring all modules of QEMU's; RHEL has no SPICE any
 * more. */
static const struct {
    const char *install; /* %s: the package */
    const char *layer;   /* the same where the system is an image; NULL: it never is */
    const char *grub;    /* what makes GRUB's menu anew */
    const char *kernel;  /* where kernel-install finds the running kernel */
    const char *packages[PACKAGE_MAX];
} table[DISTRIBUTION_MAX] = {
    [DISTRIBUTION_DEBIAN] = {"apt install %s",
                             NULL,
                             "update-grub",
                             "/boot/vmlinuz-$(uname -r)",
                             {"qemu-system-x86", "qemu-system-modules-spice", "qemu-system-gui", "ovmf",
                              "swtpm", "virtiofsd", "linux-image-amd64", "gvncviewer", "virt-viewer",
                              "dnsmasq-base", "nftables"}},
    [DISTRIBUTION_UBUNTU] = {"apt install %s",
                             NULL,
                             "update-grub",
                             "/boot/vmlinuz-$(uname -r)",
                             {"qemu-system-x86", "qemu-system-modules-spice", "qemu-system-gui", "ovmf",
                              "swtpm", "virtiofsd", "linux-generic", "gvncviewer", "virt-viewer",
                              "dnsmasq-base", "nftables"}},
    [DISTRIBUTION_FEDORA] = {"dnf install %s",
                             "rpm-ostree install %s; then reboot",
                             "grub2-mkconfig -o /boot/grub2/grub.cfg",
                             "/lib/modules/$(uname -r)/vmlinuz",
                             {"qemu-system-x86", "qemu-system-x86", "qemu-system-x86", "edk2-ovmf", "swtpm",
                              "virtiofsd", "kernel", "gvncviewer", "virt-viewer", "dnsmasq", "nftables"}},
    [DISTRIBUTION_RHEL] = {"dnf install %s",
                           "rpm-ostree install %s; then reboot",
                           "grub2-mkconfig -o /boot/grub2/grub.cfg",
                           "/lib/modules/$(uname -r)/vmlinuz",
                           {"qemu-kvm", NULL, "qemu-kvm-audio-pa", "edk2-ovmf", "swtpm", "virtiofsd",
                            "kernel", "tigervnc", "virt-viewer", "dnsmasq", "nftables"}},
    [DISTRIBUTION_ARCH] = {"pacman -S %s",
                           NULL,
                           "grub-mkconfig -o /boot/grub/grub.cfg",
                           "/lib/modules/$(uname -r)/vmlinuz",
                           {"qemu-system-x86", "qemu-desktop", "qemu-desktop", "edk2-ovmf", "swtpm",
                            "virtiofsd", "linux", "tigervnc", "virt-viewer", "dnsmasq", "nftables"}},
    [DISTRIBUTION_SUSE] = {"zypper install %s",
                           "transactional-update pkg install %s; then reboot",
                           "grub2-mkconfig -o /boot/grub2/grub.cfg",
                           "/lib/modules/$(uname -r)/vmlinuz",
                           {"qemu-x86", "qemu-hw-display-qxl qemu-ui-spice-core qemu-chardev-spice",
                            "qemu-audio-pa", "qemu-ovmf-x86_64", "swtpm", "virtiofsd", "kernel-default",
                            "tigervnc", "virt-viewer", "dnsmasq", "nftables"}},
    [DISTRIBUTION_NIXOS] =
        {"environment.systemPackages = [ pkgs.%s ]; in configuration.nix, then: nixos-rebuild switch",
         NULL,
         NULL,
         NULL,
         {"qemu_kvm", "qemu_kvm", "qemu_kvm", "qemu_kvm", "swtpm", "virtiofsd", "linux", "tigervnc",
          "virt-viewer", "dnsmasq", "nftables"}},
};

static const struct {
    const char *id;
    Distribution distribution;
} ids[] = {
    {"debian", DISTRIBUTION_DEBIAN},
    {"ubuntu", DISTRIBUTION_UBUNTU},
    {"fedora", DISTRIBUTION_FEDORA},
    {"rhel", DISTRIBUTION_RHEL},
    {"centos", DISTRIBUTION_RHEL},
    {"arch", DISTRIBUTION_ARCH},
    {"opensuse", DISTRIBUTION_SUSE},
    {"suse", DISTRIBUTION_SUSE},
    {"sles", DISTRIBUTION_SUSE},
    {"nixos", DISTRIBUTION_NIXOS},
    /* Made of Fedora, though it says that it is like RHEL first. */
    {"nobara", DISTRIBUTION_FEDORA},
    /* Oracle's rebuild of RHEL, which says that it is like Fedora. */
    {"ol", DISTRIBUTION_RHEL},
};

/* One line of a file, and what has to run then. NULL: the distribution says it. */
static const struct {
    const char *line, *command;
} files[BOOT_SETUP_MAX] = {
    [BOOT_SETUP_GRUB] = {"GRUB_CMDLINE_LINUX in /etc/default/grub", NULL},
    /* kernel-install(8). */
    [BOOT_SETUP_KERNEL_INSTALL] = {"/etc/kernel/cmdline", NULL},
    /* wiki.archlinux.org/title/Unified_kernel_image */
    [BOOT_SETUP_MKINITCPIO] = {"/etc/kernel/cmdline", "mkinitcpio -P"},
    /* openSUSE's image descriptions ("Adjusting kernel boot parameters"), of systemd-boot and GRUB2-BLS. */
    [BOOT_SETUP_SDBOOTUTIL] = {"/etc/kernel/cmdline", "sdbootutil update-all-entries"},
    /* pve.proxmox.com/wiki/Host_Bootloader; of GRUB the refresh runs update-grub for each partition. */
    [BOOT_SETUP_PROXMOX] = {"/etc/kernel/cmdline", "proxmox-boot-tool refresh"},
    [BOOT_SETUP_PROXMOX_GRUB] = {"GRUB_CMDLINE_LINUX in /etc/default/grub", "proxmox-boot-tool refresh"},
    /* wiki.cachyos.org/configuration/boot_manager_configuration */
    [BOOT_SETUP_SDBOOT_MANAGE] = {"LINUX_OPTIONS in /etc/sdboot-manage.conf", "sdboot-manage gen"},
    /* github.com/basecamp/omarchy: the command runs limine-mkinitcpio, which CachyOS has, too. */
    [BOOT_SETUP_LIMINE] = {"KERNEL_CMDLINE[default] in /etc/default/limine", "limine-update"},
    /* loader.conf(5), bootctl(1): nothing is made anew. */
    [BOOT_SETUP_ENTRIES] = {"the options of each entry that bootctl list shows", ""},
};

static RemedyPlace here;

static Distribution look_up(const char *id)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++)
        if (g_str_equal(ids[i].id, id))
            return ids[i].distribution;
    return DISTRIBUTION_OTHER;
}

Distribution distribution_of(const char *id, const char *id_like)
{
    Distribution found = id ? look_up(id) : DISTRIBUTION_OTHER;
    g_auto(GStrv) alike = g_strsplit(id_like ?: "", " ", -1);

    for (char **word = alike; *word && found == DISTRIBUTION_OTHER; word++)
        found = look_up(*word);
    return found;
}

static Distribution distribution_here(void)
{
    g_autofree char *id = g_get_os_info("ID"), *id_like = g_get_os_info("ID_LIKE");

    return distribution_of(id, id_like);
}

/* Made by ostree (ostree-prepare-root(1) leaves the first file), or by transactional-update(8). */
static bool is_image(void)
{
    return g_file_test("/run/ostree-booted", G_FILE_TEST_EXISTS) ||
           g_file_test("/usr/sbin/transactional-update", G_FILE_TEST_EXISTS);
}

void remedy_speak_for(RemedyPlace place)
{
    here = place;
}

void remedy_speak_here(BootSetup boot, NetworkSetup network)
{
    remedy_speak_for((RemedyPlace){distribution_here(), is_image(), boot, network});
}

char *remedy_command(Package package)
{
    const char *layer = table[here.distribution].layer, *name = table[here.distribution].packages[package],
               *frame = here.image && layer ? layer : table[here.distribution].install;

    if (!frame || !name)
        return NULL;
    g_auto(GStrv) around = g_strsplit(frame, "%s", 2);
    return g_strconcat(around[0], name, around[1], NULL);
}

char *remedy_install(Package package)
{
    /* No program is looked for in the kernel that a system boots. */
    if (here.distribution == DISTRIBUTION_NIXOS && package == PACKAGE_KERNEL)
        return g_strdup("set boot.kernelPackages = pkgs.linuxPackages; in configuration.nix, then: "
                        "nixos-rebuild boot; then reboot");
    g_autofree char *command = remedy_command(package);
    return command ? g_strconcat("install it: ", command, NULL) : g_strdup("install it");
}

/* The words with a text before the first, between two, and after the last: "[ \"", "\" \"" and "\" ]" make
 * [ "a" "b" ]. */
static char *each_word(const char *words, const char *before, const char *between, const char *after)
{
    g_auto(GStrv) each = g_strsplit(words, " ", -1);
    g_autofree char *list = g_strjoinv(between, each);

    return g_strconcat(before, list, after, NULL);
}

/* What a program is told. NULL: the words go into a file. */
static char *program_with(const char *words)
{
    switch (here.boot) {
    case BOOT_SETUP_GRUBBY:
        return g_strdup_printf("grubby --update-kernel=ALL --args=\"%s\"", words);
    case BOOT_SETUP_KERNELSTUB: /* github.com/pop-os/kernelstub */
        return g_strdup_printf("kernelstub --add-options=\"%s\"", words);
    case BOOT_SETUP_RPM_OSTREE: /* rpm-ostree(1) */
        return each_word(words, "rpm-ostree kargs --append-if-missing=", " --append-if-missing=", "");
    default:
        return NULL;
    }
}

/* NULL: nobody knows. */
static char *command_of_file(void)
{
    if (here.boot == BOOT_SETUP_GRUB)
        return g_strdup(here.image && here.distribution == DISTRIBUTION_SUSE ? "transactional-update grub.cfg"
                                                                             : table[here.distribution].grub);
    if (here.boot == BOOT_SETUP_KERNEL_INSTALL && table[here.distribution].kernel)
        return g_strdup_printf("kernel-install add \"$(uname -r)\" \"%s\"", table[here.distribution].kernel);
    return g_strdup(files[here.boot].command);
}

char *remedy_boot_with(const char *words)
{
    if (here.distribution == DISTRIBUTION_NIXOS)
        return each_word(words, "set boot.kernelParams = [ \"", "\" \"",
                         "\" ]; in configuration.nix, then: nixos-rebuild boot; then reboot");
    g_autofree char *program = program_with(words), *command = command_of_file();
    if (program)
        return g_strdup_printf("run: %s; then reboot", program);
    if (!command)
        return g_strdup_printf("boot with %s", words);
    return g_strdup_printf("add %s to %s, %s%s%sthen reboot", words, files[here.boot].line,
                           *command ? "then: " : "", command, *command ? "; " : "");
}

/* nmcli-examples(7), systemd.netdev(5) and systemd.network(5), bridge-utils-interfaces(5). Of two profiles
 * for a card, NetworkManager takes the one with the higher priority at the next boot; of two files for it,
 * systemd-networkd takes the first by name, and netplan's begin with 10-netplan. */
char *remedy_bridge(const char *b, const char *card)
{
    switch (here.network) {
    case NETWORK_SETUP_NETWORK_MANAGER:
        return g_strdup_printf("make it: nmcli connection add type bridge con-name %s ifname %s bridge.stp "
                               "no && nmcli connection "
                               "add type ethernet con-name %s-port ifname %s master %s "
                               "connection.autoconnect-priority 1 && nmcli "
                               "connection up %s-port",
                               b, b, b, card, b, b);
    case NETWORK_SETUP_NETWORKD:
        return g_strdup_printf(
            "make it: cd /etc/systemd/network && printf '[NetDev]\\nName=%s\\nKind=bridge\\n' >10-%s.netdev "
            "&& "
            "printf '[Match]\\nName=%s\\n[Network]\\nBridge=%s\\n' >10-%s-port.network && "
            "printf '[Match]\\nName=%s\\n[Network]\\nDHCP=yes\\n' >10-%s.network && networkctl reload",
            b, b, card, b, b, b, b);
    case NETWORK_SETUP_IFUPDOWN:
        return g_strdup_printf(
            "make it: install bridge-utils; in /etc/network/interfaces, in the place of the lines of %s, "
            "write "
            "iface %s inet manual, auto %s, iface %s inet dhcp, and below that bridge_ports %s; then: ifdown "
            "%s; ifup %s",
            card, card, b, b, card, card, b);
    default:
        return g_strdup_printf("make it with what sets up this host's network, with %s as its port", card);
    }
}
