/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real QEMU boots a guest from what its definition names. */
#include "boot-words.h"

#define COMMAND_LINE "root=/dev/vda1,ro -S %n \"quoted\"     a=b,c=d"

static void assert_boots_from(const char *bus)
{
    static const char *const panic[] = {"-device", "pvpanic", NULL};
    g_autofree char *text =
        g_strdup_printf("[Disk a]\nPath=/first\nFormat=raw\nBus=%s\n[Disk b]\nPath=/b\nFormat=raw\n", bus);
    Qemu *qemu = boot(text, panic);
    g_autofree char *console = qemu_read_console(qemu, BOOT_WORDS), *events = NULL;
    char logged[1024] = "";
    int log = open(qemu->log_path, O_RDONLY | O_CLOEXEC);

    ck_assert(g_str_has_suffix(console, BOOT_WORDS));
    /* The guest panics now, which is a bad end, also by its status. */
    ck_assert_int_eq(qemu_end(qemu, &events), 1);
    ck_assert_ptr_nonnull(strstr(events, "GUEST_PANICKED "));
    ck_assert_ptr_nonnull(strstr(events, "SHUTDOWN "));
    ck_assert_int_gt(read(log, logged, sizeof(logged) - 1), 0);
    ck_assert_ptr_nonnull(strstr(logged, BOOT_WORDS));
    close(log);
}

START_TEST(a_guest_boots_from_its_first_disk_and_its_console_is_logged)
{
    assert_boots_from("virtio-blk");
    assert_boots_from("nvme");
}
END_TEST

START_TEST(a_guest_boots_from_disks_behind_a_controller)
{
    assert_boots_from("virtio-scsi");
    assert_boots_from("sata");
}
END_TEST

START_TEST(an_image_that_names_a_file_of_the_host_is_not_followed_to_it)
{
    g_autoptr(GuestDefinition) definition =
        a_definition_with("[Disk a]\nPath=/backed.qcow2\nFormat=qcow2\n", here);
    g_autoptr(QemuCommand) command = a_command_for(definition);
    Qemu *qemu = qemu_start(command, fill, NULL);
    qemu_negotiate(qemu);
    struct json_object *nodes = qemu_ask(qemu, "query-named-block-nodes", NULL);
    const char *text = json_object_to_json_string_ext(nodes, JSON_C_TO_STRING_PLAIN);

    /* The image and its format; a third node would be the file that the image names. */
    ck_assert_uint_eq(json_object_array_length(nodes), 2);
    ck_assert_ptr_null(strstr(text, "\"file\":\"/etc/passwd\""));
    json_object_put(nodes);
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
}
END_TEST

START_TEST(a_kernel_gets_its_command_line_to_the_letter)
{
    Qemu *qemu =
        boot("[Kernel]\nImage=/k\nInitrd=/i\nCommandLine=" COMMAND_LINE "\n[Console]\nLog=no\n", NULL);
    g_autofree char *console = qemu_read_console(qemu, "c=d\n");

    ck_assert(g_str_has_suffix(console, COMMAND_LINE "\n"));
    ck_assert_ptr_null(qemu->log_path);
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
}
END_TEST

START_TEST(firmware_finds_all_ports_of_a_full_house)
{
    g_autofree char *path = g_strconcat(USHER_GOLDEN_DIR, "/full-house.guest", NULL), *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_autofree char *first = g_strconcat("[Disk d", "0000000000000000000000000000000]\nPath=/first\n", NULL);
    g_autofree char *all = g_strconcat(text, first, NULL);
    Qemu *qemu = boot(all, NULL);
    g_autofree char *console = qemu_read_console(qemu, BOOT_WORDS);
    ck_assert(g_str_has_suffix(console, BOOT_WORDS));
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
}
END_TEST

SUITE("qemu-boot", a_guest_boots_from_its_first_disk_and_its_console_is_logged,
      a_guest_boots_from_disks_behind_a_controller,
      an_image_that_names_a_file_of_the_host_is_not_followed_to_it,
      a_kernel_gets_its_command_line_to_the_letter, firmware_finds_all_ports_of_a_full_house)
