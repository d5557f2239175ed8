/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/remedy.h"
#include "../suite.h"

#define WORDS "intel_iommu=on"

static void expect_install(Distribution distribution, Package package, const char *expected)
{
    remedy_speak_for(distribution, BOOT_SETUP_OTHER);
    g_autofree char *remedy = remedy_install(package);
    ck_assert_str_eq(remedy, expected);
}

static void expect_boot(Distribution distribution, BootSetup boot, const char *expected)
{
    remedy_speak_for(distribution, boot);
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
    ck_assert_int_eq(distribution_of("linuxmint", "ubuntu debian"), DISTRIBUTION_DEBIAN);
    ck_assert_int_eq(distribution_of("rocky", "rhel centos fedora"), DISTRIBUTION_RHEL);
    ck_assert_int_eq(distribution_of("cachyos", "arch"), DISTRIBUTION_ARCH);
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
    expect_install(DISTRIBUTION_FEDORA, PACKAGE_FIRMWARE, "install it: dnf install edk2-ovmf");
    expect_install(DISTRIBUTION_RHEL, PACKAGE_QEMU, "install it: dnf install qemu-kvm");
    expect_install(DISTRIBUTION_ARCH, PACKAGE_QEMU, "install it: pacman -S qemu-system-x86");
    expect_install(DISTRIBUTION_SUSE, PACKAGE_QEMU, "install it: zypper install qemu-x86");
    expect_install(DISTRIBUTION_NIXOS, PACKAGE_SWTPM,
                   "install it: environment.systemPackages = [ pkgs.swtpm ]; in configuration.nix, then: "
                   "nixos-rebuild switch");
}
END_TEST

START_TEST(each_known_one_has_a_name_for_each_package)
{
    for (Distribution d = DISTRIBUTION_DEBIAN; d < DISTRIBUTION_MAX; d++)
        for (Package p = 0; p < PACKAGE_MAX; p++) {
            remedy_speak_for(d, BOOT_SETUP_OTHER);
            g_autofree char *remedy = remedy_install(p);
            /* Without one the command would end where the name belongs. */
            ck_assert_msg(!strchr(" .", remedy[strlen(remedy) - 1]), "%d, %d: %s", d, p, remedy);
        }
}
END_TEST

START_TEST(words_for_the_kernel_go_where_the_host_keeps_them)
{
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_GRUB,
                "add " WORDS " to GRUB_CMDLINE_LINUX in /etc/default/grub, then: update-grub; then reboot");
    expect_boot(DISTRIBUTION_ARCH, BOOT_SETUP_GRUB,
                "add " WORDS
                " to GRUB_CMDLINE_LINUX in /etc/default/grub, then: grub-mkconfig -o /boot/grub/grub.cfg; then reboot");
    expect_boot(DISTRIBUTION_FEDORA, BOOT_SETUP_GRUBBY, "run: grubby --update-kernel=ALL --args=\"" WORDS "\"; then reboot");
    expect_boot(DISTRIBUTION_DEBIAN, BOOT_SETUP_KERNEL_INSTALL,
                "add " WORDS " to /etc/kernel/cmdline, then: kernel-install add \"$(uname -r)\" "
                "\"/boot/vmlinuz-$(uname -r)\"; then reboot");
    expect_boot(DISTRIBUTION_NIXOS, BOOT_SETUP_GRUB,
                "set boot.kernelParams = [ \"" WORDS "\" ]; in configuration.nix, then: nixos-rebuild boot; then reboot");
}
END_TEST

START_TEST(each_word_of_nixos_is_a_string_of_its_own)
{
    remedy_speak_for(DISTRIBUTION_NIXOS, BOOT_SETUP_OTHER);
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

SUITE("remedy", a_distribution_is_known_by_its_id, or_by_the_first_that_it_is_like, others_are_not_known,
      each_installs_by_its_own_command_and_name, each_known_one_has_a_name_for_each_package,
      words_for_the_kernel_go_where_the_host_keeps_them, each_word_of_nixos_is_a_string_of_its_own,
      an_unknown_one_gets_words_without_a_command)
