/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cleanup.h"
#include "remedy.h"

/* Debian's qemu-system-common had virtiofsd up to 12; Arch's gtk-vnc, and no other's but Debian's and
 * Fedora's gvncviewer, has a viewer of that name. On NixOS QEMU brings its firmware along. */
static const struct {
    const char *install; /* %s: the package */
    const char *grub;    /* what makes GRUB's menu anew */
    const char *kernel;  /* where kernel-install finds the running kernel */
    const char *packages[PACKAGE_MAX];
} table[DISTRIBUTION_MAX] = {
    [DISTRIBUTION_DEBIAN] = {"apt install %s",
                             "update-grub",
                             "/boot/vmlinuz-$(uname -r)",
                             {"qemu-system-x86", "ovmf", "swtpm",
                              "virtiofsd (on Debian 12: qemu-system-common)", "linux-image-amd64",
                              "gvncviewer", "virt-viewer"}},
    [DISTRIBUTION_FEDORA] = {"dnf install %s",
                             "grub2-mkconfig -o /boot/grub2/grub.cfg",
                             "/lib/modules/$(uname -r)/vmlinuz",
                             {"qemu-system-x86", "edk2-ovmf", "swtpm", "virtiofsd", "kernel", "gvncviewer",
                              "virt-viewer"}},
    [DISTRIBUTION_RHEL] = {"dnf install %s",
                           "grub2-mkconfig -o /boot/grub2/grub.cfg",
                           "/lib/modules/$(uname -r)/vmlinuz",
                           {"qemu-kvm", "edk2-ovmf", "swtpm", "virtiofsd", "kernel", "tigervnc",
                            "virt-viewer"}},
    [DISTRIBUTION_ARCH] = {"pacman -S %s",
                           "grub-mkconfig -o /boot/grub/grub.cfg",
                           "/lib/modules/$(uname -r)/vmlinuz",
                           {"qemu-system-x86", "edk2-ovmf", "swtpm", "virtiofsd", "linux", "tigervnc",
                            "virt-viewer"}},
    [DISTRIBUTION_SUSE] = {"zypper install %s",
                           "grub2-mkconfig -o /boot/grub2/grub.cfg",
                           "/lib/modules/$(uname -r)/vmlinuz",
                           {"qemu-x86", "qemu-ovmf-x86_64", "swtpm", "virtiofsd", "kernel-default",
                            "tigervnc", "virt-viewer"}},
    [DISTRIBUTION_NIXOS] =
        {"environment.systemPackages = [ pkgs.%s ]; in configuration.nix, then: nixos-rebuild switch",
         NULL,
         NULL,
         {"qemu_kvm", "qemu_kvm", "swtpm", "virtiofsd", "linux", "tigervnc", "virt-viewer"}},
};

static const struct {
    const char *id;
    Distribution distribution;
} ids[] = {
    {"debian", DISTRIBUTION_DEBIAN}, {"ubuntu", DISTRIBUTION_DEBIAN}, {"fedora", DISTRIBUTION_FEDORA},
    {"rhel", DISTRIBUTION_RHEL},     {"centos", DISTRIBUTION_RHEL},   {"arch", DISTRIBUTION_ARCH},
    {"opensuse", DISTRIBUTION_SUSE}, {"suse", DISTRIBUTION_SUSE},     {"sles", DISTRIBUTION_SUSE},
    {"nixos", DISTRIBUTION_NIXOS},
};

static struct {
    Distribution distribution;
    BootSetup boot;
} here;

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

Distribution distribution_here(void)
{
    g_autofree char *id = g_get_os_info("ID"), *id_like = g_get_os_info("ID_LIKE");

    return distribution_of(id, id_like);
}

void remedy_speak_for(Distribution distribution, BootSetup boot)
{
    here.distribution = distribution;
    here.boot = boot;
}

char *remedy_install(Package package)
{
    const char *frame = table[here.distribution].install;

    if (!frame)
        return g_strdup("install it");
    g_auto(GStrv) around = g_strsplit(frame, "%s", 2);
    return g_strconcat("install it: ", around[0], table[here.distribution].packages[package], around[1],
                       NULL);
}

char *remedy_boot_with(const char *words)
{
    if (here.distribution == DISTRIBUTION_NIXOS) {
        g_auto(GStrv) each = g_strsplit(words, " ", -1);
        g_autofree char *list = g_strjoinv("\" \"", each);
        return g_strdup_printf(
            "set boot.kernelParams = [ \"%s\" ]; in configuration.nix, then: nixos-rebuild boot; then reboot",
            list);
    }
    if (here.boot == BOOT_SETUP_GRUBBY)
        return g_strdup_printf("run: grubby --update-kernel=ALL --args=\"%s\"; then reboot", words);
    if (here.boot == BOOT_SETUP_KERNEL_INSTALL && table[here.distribution].kernel)
        return g_strdup_printf(
            "add %s to /etc/kernel/cmdline, then: kernel-install add \"$(uname -r)\" \"%s\"; then reboot",
            words, table[here.distribution].kernel);
    if (here.boot == BOOT_SETUP_GRUB && table[here.distribution].grub)
        return g_strdup_printf("add %s to GRUB_CMDLINE_LINUX in /etc/default/grub, then: %s; then reboot",
                               words, table[here.distribution].grub);
    return g_strdup_printf("boot with %s", words);
}
