/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which program sets the kernel's command line, by the files of a host. */
#include <fcntl.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/scan/remedy-look.h"
#include "../scratch.h"
#include "../suite.h"

#define VARIABLES "sys/firmware/efi/efivars/"
#define LOADER_INFO VARIABLES "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

static char *top;

static void set_up(void)
{
    top = scratch_new("loader");
}

static void tear_down(void)
{
    scratch_remove(top);
    g_free(top);
}

static void write_bytes(const char *name, const char *bytes, size_t size)
{
    g_autofree char *path = g_build_filename(top, name, NULL), *folder = g_path_get_dirname(path);

    g_mkdir_with_parents(folder, 0755);
    ck_assert(g_file_set_contents(path, bytes, size, NULL));
}

static void has(const char *name)
{
    write_bytes(name, "", 0);
}

/* As efivarfs shows it. */
static void was_started_by(const char *loader)
{
    g_autoptr(GString) variable = g_string_new_len("\6\0\0\0", 4);

    for (const char *c = loader; *c; c++) {
        g_string_append_c(variable, *c);
        g_string_append_c(variable, '\0');
    }
    g_string_append_len(variable, "\0\0", 2);
    write_bytes(LOADER_INFO, variable->str, variable->len);
}

/* UEFI, and a loader that keeps its name to itself. */
static void was_started_by_another(void)
{
    has(VARIABLES "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
}

static void is_set_by(BootSetup expected)
{
    _cleanup_close_ int root = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_eq(boot_setup_find(root), expected);
}

START_TEST(a_host_with_nothing_that_is_known_has_no_setup)
{
    is_set_by(BOOT_SETUP_OTHER);
    was_started_by("rEFInd 0.14");
    is_set_by(BOOT_SETUP_OTHER);
}
END_TEST

START_TEST(grub_has_its_file)
{
    has("etc/default/grub");
    is_set_by(BOOT_SETUP_GRUB);
    was_started_by_another();
    is_set_by(BOOT_SETUP_GRUB);
    was_started_by("GRUB 2.12-9");
    is_set_by(BOOT_SETUP_GRUB);
    has("etc/kernel/cmdline");
    is_set_by(BOOT_SETUP_GRUB);
}
END_TEST

START_TEST(a_file_that_grub_left_behind_is_not_believed)
{
    has("etc/default/grub");
    was_started_by("systemd-boot 257.9-1");
    is_set_by(BOOT_SETUP_ENTRIES);
    has("etc/kernel/cmdline");
    is_set_by(BOOT_SETUP_KERNEL_INSTALL);
}
END_TEST

START_TEST(who_has_a_command_line_boots_by_it_if_the_loader_is_not_known)
{
    has("etc/default/grub");
    has("etc/kernel/cmdline");
    is_set_by(BOOT_SETUP_KERNEL_INSTALL);
    has("etc/mkinitcpio.d/linux.preset");
    is_set_by(BOOT_SETUP_MKINITCPIO);
    has("usr/bin/sdbootutil");
    is_set_by(BOOT_SETUP_SDBOOTUTIL);
    has("usr/bin/grubby");
    is_set_by(BOOT_SETUP_GRUBBY);
}
END_TEST

START_TEST(proxmox_with_partitions_of_its_own_is_refreshed)
{
    has("etc/kernel/cmdline");
    has("etc/default/grub");
    has("etc/kernel/proxmox-boot-uuids");
    is_set_by(BOOT_SETUP_PROXMOX_GRUB);
    was_started_by_another();
    is_set_by(BOOT_SETUP_PROXMOX_GRUB);
    was_started_by("systemd-boot 252.26-1");
    is_set_by(BOOT_SETUP_PROXMOX);
}
END_TEST

START_TEST(an_image_of_fedora_is_told_by_its_own_program)
{
    has("usr/bin/grubby");
    has("run/ostree-booted");
    is_set_by(BOOT_SETUP_GRUBBY);
    has("usr/bin/rpm-ostree");
    is_set_by(BOOT_SETUP_RPM_OSTREE);
}
END_TEST

START_TEST(managers_of_systemd_boots_entries_come_before_the_entries)
{
    was_started_by("systemd-boot 258.1");
    has("etc/sdboot-manage.conf");
    is_set_by(BOOT_SETUP_SDBOOT_MANAGE);
    has("usr/bin/kernelstub");
    is_set_by(BOOT_SETUP_KERNELSTUB);
}
END_TEST

START_TEST(and_count_only_if_it_started_the_host)
{
    was_started_by("GRUB 2.14");
    has("etc/sdboot-manage.conf");
    has("usr/bin/kernelstub");
    has("etc/default/limine");
    has("etc/default/grub");
    is_set_by(BOOT_SETUP_GRUB);
    was_started_by("Limine 10.3.0");
    is_set_by(BOOT_SETUP_LIMINE);
}
END_TEST

START_TEST(a_broken_variable_names_no_loader)
{
    has("etc/default/grub");
    has(LOADER_INFO);
    is_set_by(BOOT_SETUP_OTHER);
}
END_TEST

static void network_is_set_up_by(NetworkSetup expected)
{
    _cleanup_close_ int root = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_eq(network_setup_find(root), expected);
}

START_TEST(the_network_is_set_up_by_whoever_runs)
{
    network_is_set_up_by(NETWORK_SETUP_OTHER);
    has("etc/network/interfaces");
    network_is_set_up_by(NETWORK_SETUP_IFUPDOWN);
    has("run/systemd/netif/state");
    network_is_set_up_by(NETWORK_SETUP_NETWORKD);
    has("run/NetworkManager/no-stub-resolv.conf");
    network_is_set_up_by(NETWORK_SETUP_NETWORK_MANAGER);
}
END_TEST

SUITE_WITH("remedy-look", set_up, tear_down, a_host_with_nothing_that_is_known_has_no_setup,
           grub_has_its_file, a_file_that_grub_left_behind_is_not_believed,
           who_has_a_command_line_boots_by_it_if_the_loader_is_not_known,
           proxmox_with_partitions_of_its_own_is_refreshed, an_image_of_fedora_is_told_by_its_own_program,
           managers_of_systemd_boots_entries_come_before_the_entries, and_count_only_if_it_started_the_host,
           a_broken_variable_names_no_loader, the_network_is_set_up_by_whoever_runs)
