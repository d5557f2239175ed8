/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/remedy.h"
#include "../suite.h"

#define WORDS "intel_iommu=on"

static void expect_install(Distribution distribution, Package package, const char *expected)
{
    remedy_speak_for((RemedyPlace){distribution, false, BOOT_SETUP_OTHER});
    g_autofree char *remedy = remedy_install(package);
    ck_assert_str_eq(remedy, expected);
}

static void expect_layer(Distribution distribution, Package package, const char *expected)
{
    remedy_speak_for((RemedyPlace){distribution, true, BOOT_SETUP_OTHER});
    g_autofree char *remedy = remedy_install(package);
    ck_assert_str_eq(remedy, expected);
}

static void expect_boot(Distribution distribution, BootSetup boot, const char *expected)
{
    remedy_speak_for((RemedyPlace){distribution, false, boot});
    g_autofree char *remedy = remedy_boot_with(WORDS);
    ck_assert_str_eq(remedy, expected);
}

START_TEST(a_distribution_is_known_by_its_id)
{
    ck_assert_int_eq(distribution_of("debian", NULL), DISTRIBUTION_DEBIAN);
    ck_assert_int_eq(distribution_of("fedora", NULL), DISTRIBUTION_FEDORA);
    ck_assert_int_eq(distribution_of("rhel", "fedora"), DISTRIBUTION_RHEL);
    ck_assert_int_eq(distribution_of("arch", NULL), DISTRIBUTION_ARCH);
    ck_assert_int_eq(distribution_of("nixos", ""), DISTRIBUTION_NIXOS);
}
END_TEST

START_TEST(or_by_the_first_that_it_is_like)
{
    ck_assert_int_eq(distribution_of("linuxmint", "ubuntu debian"), DISTRIBUTION_UBUNTU);
    ck_assert_int_eq(distribution_of("linuxmint", "debian"), DISTRIBUTION_DEBIAN);
    ck_assert_int_eq(distribution_of("rocky", "rhel centos fedora"), DISTRIBUTION_RHEL);
    ck_assert_int_eq(distribution_of("pop", "ubuntu debian"), DISTRIBUTION_UBUNTU);
    ck_assert_int_eq(distribution_of("cachyos", "arch"), DISTRIBUTION_ARCH);
    ck_assert_int_eq(distribution_of("manjaro", "arch"), DISTRIBUTION_ARCH);
    ck_assert_int_eq(distribution_of("bazzite", "fedora"), DISTRIBUTION_FEDORA);
    ck_assert_int_eq(distribution_of("nobara", "rhel centos fedora"), DISTRIBUTION_FEDORA);
    ck_assert_int_eq(distribution_of("ol", "fedora"), DISTRIBUTION_RHEL);
    ck_assert_int_eq(distribution_of("endeavouros", "arch"), DISTRIBUTION_ARCH);
    ck_assert_int_eq(distribution_of("tuxedo", "ubuntu debian"), DISTRIBUTION_UBUNTU);
    ck_assert_int_eq(distribution_of("almalinux", "rhel centos fedora"), DISTRIBUTION_RHEL);
    ck_assert_int_eq(
        distribution_of("opensuse-microos", "suse opensuse opensuse-tumbleweed microos sl-micro"),
        DISTRIBUTION_SUSE);
    ck_assert_int_eq(distribution_of("opensuse-tumbleweed", "opensuse suse"), DISTRIBUTION_SUSE);
    ck_assert_int_eq(distribution_of("new", "unheard-of fedora"), DISTRIBUTION_FEDORA);
}
END_TEST

START_TEST(others_are_not_known)
{
    ck_assert_int_eq(distribution_of(NULL, NULL), DISTRIBUTION_OTHER);
    ck_assert_int_eq(distribution_of("", "  "), DISTRIBUTION_OTHER);
    ck_assert_int_eq(distribution_of("Debian", "debianish"), DISTRIBUTION_OTHER);
}
END_TEST

START_TEST(each_installs_by_its_own_command_and_name)
{
    expect_install(DISTRIBUTION_DEBIAN, PACKAGE_FIRMWARE, "install it: apt install ovmf");
    expect_install(DISTRIBUTION_DEBIAN, PACKAGE_KERNEL, "install it: apt install linux-image-amd64");
    expect_install(DISTRIBUTION_UBUNTU, PACKAGE_KERNEL, "install it: apt install linux-generic");
    expect_install(DISTRIBUTION_DEBIAN, PACKAGE_QEMU_SPICE,
                   "install it: apt install qemu-system-modules-spice");
    expect_install(DISTRIBUTION_ARCH, PACKAGE_QEMU_SPICE, "install it: pacman -S qemu-desktop");
    /* It has none. */
    expect_install(DISTRIBUTION_RHEL, PACKAGE_QEMU_SPICE, "install it");
    expect_install(DISTRIBUTION_FEDORA, PACKAGE_FIRMWARE, "install it: dnf install edk2-ovmf");
    expect_install(DISTRIBUTION_RHEL, PACKAGE_QEMU, "install it: dnf install qemu-kvm");
    expect_install(DISTRIBUTION_ARCH, PACKAGE_QEMU, "install it: pacman -S qemu-system-x86");
    expect_install(DISTRIBUTION_SUSE, PACKAGE_QEMU, "install it: zypper install qemu-x86");
    expect_install(DISTRIBUTION_NIXOS, PACKAGE_SWTPM,
                   "install it: environment.systemPackages = [ pkgs.swtpm ]; in configuration.nix, then: "
                   "nixos-rebuild switch");
}
END_TEST

START_TEST(a_system_that_is_an_image_gets_packages_at_the_next_boot)
{
    expect_layer(DISTRIBUTION_FEDORA, PACKAGE_SWTPM, "install it: rpm-ostree install swtpm; then reboot");
    expect_layer(DISTRIBUTION_SUSE, PACKAGE_SWTPM,
                 "install it: transactional-update pkg install swtpm; then reboot");
    expect_layer(DISTRIBUTION_DEBIAN, PACKAGE_SWTPM, "install it: apt install swtpm");
    expect_layer(DISTRIBUTION_OTHER, PACKAGE_SWTPM, "install it");
}
END_TEST

START_TEST(a_kernel_of_nixos_is_no_program)
{
    expect_install(DISTRIBUTION_NIXOS, PACKAGE_KERNEL,
                   "set boot.kernelPackages = pkgs.linuxPackages; in configuration.nix, then: "
                   "nixos-rebuild boot; then reboot");
}
END_TEST

START_TEST(each_known_one_has_a_name_for_each_package)
{
    for (Distribution d = DISTRIBUTION_DEBIAN; d < DISTRIBUTION_MAX; d++)
        for (Package p = 0; p < PACKAGE_MAX; p++) {
            remedy_speak_for((RemedyPlace){d, false, BOOT_SETUP_OTHER});
            g_autofree char *remedy = remedy_install(p);
            /* Without one the command would end where the name belongs. */
            ck_assert_msg(!strchr(" .", remedy[strlen(remedy) - 1]), "%d, %d: %s", d, p, remedy);
            /* A shell takes it as it stands. */
            ck_assert_msg(!strpbrk(remedy, "()"), "%d, %d: %s", d, p, remedy);
        }
}
END_TEST

START_TEST(words_for_the_kernel_go_where_the_host_keeps_them)
{
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_GRUB,
                "add " WORDS " to GRUB_CMDLINE_LINUX in /etc/default/grub, then: update-grub; then reboot");
    expect_boot(DISTRIBUTION_ARCH, BOOT_SETUP_GRUB,
                "add " WORDS " to GRUB_CMDLINE_LINUX in /etc/default/grub, then: grub-mkconfig -o "
                "/boot/grub/grub.cfg; then reboot");
    expect_boot(DISTRIBUTION_FEDORA, BOOT_SETUP_GRUBBY,
                "run: grubby --update-kernel=ALL --args=\"" WORDS "\"; then reboot");
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_KERNEL_INSTALL,
                "add " WORDS " to /etc/kernel/cmdline, then: kernel-install add \"$(uname -r)\" "
                "\"/boot/vmlinuz-$(uname -r)\"; then reboot");
    expect_boot(DISTRIBUTION_NIXOS, BOOT_SETUP_GRUB,
                "set boot.kernelParams = [ \"" WORDS
                "\" ]; in configuration.nix, then: nixos-rebuild boot; then reboot");
}
END_TEST

START_TEST(each_loader_of_a_distribution_has_its_own_command)
{
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_PROXMOX,
                "add " WORDS " to /etc/kernel/cmdline, then: proxmox-boot-tool refresh; then reboot");
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_PROXMOX_GRUB,
                "add " WORDS
                " to GRUB_CMDLINE_LINUX in /etc/default/grub, then: proxmox-boot-tool refresh; then reboot");
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_KERNELSTUB,
                "run: kernelstub --add-options=\"" WORDS "\"; then reboot");
    expect_boot(DISTRIBUTION_SUSE, BOOT_SETUP_SDBOOTUTIL,
                "add " WORDS " to /etc/kernel/cmdline, then: sdbootutil update-all-entries; then reboot");
    expect_boot(DISTRIBUTION_ARCH, BOOT_SETUP_MKINITCPIO,
                "add " WORDS " to /etc/kernel/cmdline, then: mkinitcpio -P; then reboot");
    expect_boot(DISTRIBUTION_ARCH, BOOT_SETUP_SDBOOT_MANAGE,
                "add " WORDS
                " to LINUX_OPTIONS in /etc/sdboot-manage.conf, then: sdboot-manage gen; then reboot");
    expect_boot(DISTRIBUTION_ARCH, BOOT_SETUP_LIMINE,
                "add " WORDS
                " to KERNEL_CMDLINE[default] in /etc/default/limine, then: limine-update; then reboot");
    expect_boot(DISTRIBUTION_OTHER, BOOT_SETUP_ENTRIES,
                "add " WORDS " to the options of each entry that bootctl list shows, then reboot");
}
END_TEST

START_TEST(each_setup_of_a_known_one_has_more_than_words)
{
    for (BootSetup boot = BOOT_SETUP_GRUB; boot < BOOT_SETUP_MAX; boot++) {
        remedy_speak_for((RemedyPlace){DISTRIBUTION_DEBIAN, false, boot});
        g_autofree char *remedy = remedy_boot_with(WORDS);
        ck_assert_msg(g_str_has_suffix(remedy, "then reboot") && !strstr(remedy, "(null)"), "%d: %s", boot,
                      remedy);
    }
}
END_TEST

START_TEST(each_word_is_an_option_of_its_own_where_the_program_wants_that)
{
    remedy_speak_for((RemedyPlace){DISTRIBUTION_FEDORA, true, BOOT_SETUP_RPM_OSTREE});
    g_autofree char *remedy = remedy_boot_with("hugepagesz=1G hugepages=8");
    ck_assert_str_eq(remedy, "run: rpm-ostree kargs --append-if-missing=hugepagesz=1G "
                             "--append-if-missing=hugepages=8; then reboot");
}
END_TEST

START_TEST(grub_of_a_suse_that_is_an_image_is_made_anew_in_the_next_one)
{
    remedy_speak_for((RemedyPlace){DISTRIBUTION_SUSE, true, BOOT_SETUP_GRUB});
    g_autofree char *remedy = remedy_boot_with(WORDS);
    ck_assert_ptr_nonnull(strstr(remedy, "then: transactional-update grub.cfg; then reboot"));
}
END_TEST

START_TEST(each_word_of_nixos_is_a_string_of_its_own)
{
    remedy_speak_for((RemedyPlace){DISTRIBUTION_NIXOS, false, BOOT_SETUP_OTHER});
    g_autofree char *remedy = remedy_boot_with("hugepagesz=1G hugepages=8");
    ck_assert_ptr_nonnull(strstr(remedy, "[ \"hugepagesz=1G\" \"hugepages=8\" ]"));
}
END_TEST

START_TEST(an_unknown_one_gets_words_without_a_command)
{
    expect_install(DISTRIBUTION_OTHER, PACKAGE_QEMU, "install it");
    expect_boot(DISTRIBUTION_OTHER, BOOT_SETUP_OTHER, "boot with " WORDS);
    expect_boot(DISTRIBUTION_OTHER, BOOT_SETUP_GRUB, "boot with " WORDS);
    expect_boot(DISTRIBUTION_OTHER, BOOT_SETUP_KERNEL_INSTALL, "boot with " WORDS);
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_OTHER, "boot with " WORDS);
}
END_TEST

static void expect_bridge(NetworkSetup network, const char *expected)
{
    remedy_speak_for((RemedyPlace){.network = network});
    g_autofree char *remedy = remedy_bridge("br0", "eno1");
    ck_assert_str_eq(remedy, expected);
}

START_TEST(a_bridge_is_made_by_what_sets_up_the_network)
{
    expect_bridge(NETWORK_SETUP_NETWORK_MANAGER,
                  "make it: nmcli connection add type bridge con-name br0 ifname br0 bridge.stp no && nmcli "
                  "connection add type ethernet con-name br0-port ifname eno1 master br0 "
                  "connection.autoconnect-priority 1 && nmcli connection up br0-port");
    expect_bridge(NETWORK_SETUP_NETWORKD,
                  "make it: cd /etc/systemd/network && printf '[NetDev]\\nName=br0\\nKind=bridge\\n' "
                  ">10-br0.netdev && printf '[Match]\\nName=eno1\\n[Network]\\nBridge=br0\\n' "
                  ">10-br0-port.network && printf '[Match]\\nName=br0\\n[Network]\\nDHCP=yes\\n' "
                  ">10-br0.network && networkctl reload");
    expect_bridge(
        NETWORK_SETUP_IFUPDOWN,
        "make it: install bridge-utils; in /etc/network/interfaces, in the place of the lines of eno1, "
        "write iface eno1 inet manual, auto br0, iface br0 inet dhcp, and below that bridge_ports eno1; "
        "then: ifdown eno1; ifup br0");
    expect_bridge(NETWORK_SETUP_OTHER,
                  "make it with what sets up this host's network, with eno1 as its port");
}
END_TEST

SUITE("remedy", a_distribution_is_known_by_its_id, or_by_the_first_that_it_is_like, others_are_not_known,
      each_installs_by_its_own_command_and_name, a_system_that_is_an_image_gets_packages_at_the_next_boot,
      a_kernel_of_nixos_is_no_program, each_known_one_has_a_name_for_each_package,
      words_for_the_kernel_go_where_the_host_keeps_them, each_loader_of_a_distribution_has_its_own_command,
      each_setup_of_a_known_one_has_more_than_words,
      each_word_is_an_option_of_its_own_where_the_program_wants_that,
      grub_of_a_suse_that_is_an_image_is_made_anew_in_the_next_one, each_word_of_nixos_is_a_string_of_its_own,
      an_unknown_one_gets_words_without_a_command, a_bridge_is_made_by_what_sets_up_the_network)
