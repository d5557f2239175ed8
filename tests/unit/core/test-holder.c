/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/host/holder.h"
#include "../../../daemon/base/wire.h"
#include "../suite.h"

#define CARD "0000:01:00.0"

static void add(GPtrArray *holders, HolderKind kind, const char *what, pid_t pid, const char *command,
                const char *unit)
{
    g_ptr_array_add(holders, holder_new(kind, CARD, what, pid, command, unit, NULL));
}

static Fault *assert_refused(const GPtrArray *holders, char *const *units)
{
    GPtrArray *stop = NULL;
    Fault *fault = NULL;
    ck_assert_int_eq(holders_judge(holders, units, &stop, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_IN_USE);
    ck_assert_ptr_null(stop);
    return fault;
}

START_TEST(a_process_is_described_with_all_that_is_known_of_it)
{
    g_autoptr(Holder) holder =
        holder_new(HOLDER_FILE, CARD, "/dev/dri/card1", 812, "kwin_wayland", "user@1000.service", "2");
    g_autofree char *words = holder_describe(holder);
    ck_assert_str_eq(words, "kwin_wayland (pid 812, user@1000.service, session 2) has /dev/dri/card1 of " CARD
                            " open");

    g_autoptr(Holder) bare = holder_new(HOLDER_MAPPING, CARD, "/dev/fb0", 5, "fbi", NULL, NULL);
    g_autofree char *bare_words = holder_describe(bare);
    ck_assert_str_eq(bare_words, "fbi (pid 5) has /dev/fb0 of " CARD " mapped");
}
END_TEST

START_TEST(the_name_of_a_process_cannot_break_a_message)
{
    g_autoptr(Holder) holder = holder_new(HOLDER_FILE, CARD, "/dev/x\n", 1, "ev\x1b[2J\xff", "a\tb", NULL);
    ck_assert_str_eq(holder->command, "ev?[2J\xef\xbf\xbd");
    ck_assert_str_eq(holder->unit, "a?b");
    ck_assert_str_eq(holder->what, "/dev/x?");
}
END_TEST

START_TEST(kinds_have_names_and_are_known_by_them)
{
    for (int kind = 0; kind < HOLDER_KIND_MAX; kind++)
        ck_assert_int_eq(holder_kind_from_string(holder_kind_to_string(kind)), kind);
    ck_assert_int_eq(holder_kind_from_string("nonsense"), HOLDER_KIND_INVALID);
    ck_assert_ptr_null(holder_kind_to_string(HOLDER_KIND_MAX));
}
END_TEST

static void assert_place(const char *cgroup, const char *unit, const char *session)
{
    g_autofree char *found_unit = NULL, *found_session = NULL;
    holder_place(cgroup, &found_unit, &found_session);
    ck_assert_str_eq(found_unit, unit);
    ck_assert_str_eq(found_session, session);
}

START_TEST(a_control_group_tells_unit_and_session)
{
    assert_place("0::/system.slice/sshd.service", "sshd.service", "");
    assert_place("0::/user.slice/user-1000.slice/session-c2.scope", "session-c2.scope", "c2");
    assert_place("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service\n",
                 "user@1000.service", "");
    assert_place("1:name=systemd:/x\n0::/system.slice/system-getty.slice/getty@tty1.service",
                 "getty@tty1.service", "");
    assert_place("0::/system.slice/_odd.service", "odd.service", "");
    assert_place("0::/", "", "");
    assert_place("", "", "");
    assert_place("garbage", "", "");
}
END_TEST

START_TEST(holders_come_through_the_wire_as_they_were)
{
    g_autoptr(GPtrArray) sent = holders_new(), received = NULL;
    g_ptr_array_add(sent,
                    holder_new(HOLDER_FILE, CARD, "/dev/dri/card1", 812, "kwin", "user@1000.service", "2"));
    g_ptr_array_add(sent, holder_new(HOLDER_BLOCK, CARD, "dm-0 on nvme0n1", 0, NULL, NULL, NULL));
    g_auto(GStrv) words = holders_to_words("holders", sent);
    ck_assert_str_eq(words[0], "holders");
    ck_assert_int_eq(holders_from_words(words + 1, &received), 0);
    ck_assert_uint_eq(received->len, 2);
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *before = holder_describe(g_ptr_array_index(sent, i));
        g_autofree char *after = holder_describe(g_ptr_array_index(received, i));
        ck_assert_str_eq(after, before);
    }
    const Holder *first = g_ptr_array_index(received, 0);
    ck_assert_str_eq(first->session, "2");
}
END_TEST

START_TEST(words_that_are_no_holders_are_refused)
{
    static const char *const bad[][8] = {
        {"file"},
        {"file", CARD, "x", "1", "c", "u"},
        {"nonsense", CARD, "x", "1", "c", "u", "s"},
        {"file", CARD, "x", "-1", "c", "u", "s"},
        {"file", CARD, "x", "one", "c", "u", "s"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        GPtrArray *holders = NULL;
        ck_assert_int_eq(holders_from_words((char *const *)bad[i], &holders), -EBADMSG);
        ck_assert_ptr_null(holders);
    }
}
END_TEST

START_TEST(however_many_there_are_the_message_is_not_too_long)
{
    g_autoptr(GPtrArray) holders = holders_new();
    g_autofree char *ugly = g_strnfill(4000, '\xff');
    for (unsigned i = 0; i < 1000; i++)
        g_ptr_array_add(holders, holder_new(HOLDER_FILE, CARD, ugly, i + 1, ugly, ugly, ugly));
    g_auto(GStrv) words = holders_to_words("holders", holders);
    g_autoptr(GByteArray) bytes = NULL;
    ck_assert_int_eq(wire_pack((const char *const *)words, &bytes), 0);
    g_autoptr(GPtrArray) received = NULL;
    ck_assert_int_eq(holders_from_words(words + 1, &received), 0);
    ck_assert_uint_gt(received->len, 10);
}
END_TEST

START_TEST(nobody_is_no_obstacle)
{
    g_autoptr(GPtrArray) holders = holders_new(), stop = NULL;
    ck_assert_int_eq(holders_judge(holders, NULL, &stop, NULL), 0);
    ck_assert_uint_eq(stop->len, 0);
}
END_TEST

START_TEST(a_service_may_be_stopped_only_if_it_was_named)
{
    g_autoptr(GPtrArray) holders = holders_new(), stop = NULL;
    add(holders, HOLDER_FILE, "/dev/dri/card1", 7, "sunshine", "sunshine.service");
    add(holders, HOLDER_FILE, "/dev/dri/renderD129", 8, "sunshine", "sunshine.service");

    _cleanup_fault_ Fault *fault = assert_refused(holders, (char *[]){(char *)"other.service", NULL});
    ck_assert_str_eq(
        fault->remedy,
        "close it, or let usherd stop it and start it again afterwards: --stop-holders=sunshine.service");
    ck_assert_ptr_nonnull(
        strstr(fault->message, "sunshine (pid 7, sunshine.service) has /dev/dri/card1 of " CARD));

    ck_assert_int_eq(holders_judge(holders, (char *[]){(char *)"sunshine.service", NULL}, &stop, NULL), 0);
    ck_assert_uint_eq(stop->len, 1);
    ck_assert_str_eq(g_ptr_array_index(stop, 0), "sunshine.service");
}
END_TEST

START_TEST(a_holder_beside_a_named_one_is_still_a_refusal)
{
    g_autoptr(GPtrArray) holders = holders_new();
    add(holders, HOLDER_FILE, "/dev/dri/card1", 7, "sunshine", "sunshine.service");
    add(holders, HOLDER_FILE, "/dev/dri/card1", 9, "glxgears", "session-2.scope");
    _cleanup_fault_ Fault *fault = assert_refused(holders, (char *[]){(char *)"sunshine.service", NULL});
    ck_assert_ptr_null(strstr(fault->message, "sunshine"));
    ck_assert_str_eq(fault->remedy, "close glxgears");
}
END_TEST

START_TEST(a_session_cannot_be_started_again_and_so_is_not_stopped)
{
    g_autoptr(GPtrArray) holders = holders_new();
    add(holders, HOLDER_FILE, "/dev/dri/card1", 9, "Xorg", "session-2.scope");
    _cleanup_fault_ Fault *fault = assert_refused(holders, (char *[]){(char *)"session-2.scope", NULL});
    ck_assert_str_eq(fault->remedy, "close Xorg");
}
END_TEST

START_TEST(what_the_host_stands_on_is_never_stopped_for)
{
    g_autoptr(GPtrArray) holders = holders_new();
    add(holders, HOLDER_MOUNT, "nvme0n1 (at /data)", 9, "postgres", "postgresql.service");
    ck_assert(holder_needed(g_ptr_array_index(holders, 0)));
    _cleanup_fault_ Fault *fault = assert_refused(holders, (char *[]){(char *)"postgresql.service", NULL});
    ck_assert_str_eq(fault->remedy, "unmount the file system, or choose another device");
}
END_TEST

START_TEST(links_and_disks_say_how_they_are_freed)
{
    g_autoptr(GPtrArray) links = holders_new(), disks = holders_new();
    add(links, HOLDER_LINK, "eth1", 0, NULL, NULL);
    _cleanup_fault_ Fault *link = assert_refused(links, NULL);
    ck_assert_str_eq(link->message, "the network link eth1 of " CARD " is in use");
    ck_assert_str_eq(link->remedy, "take the link down first: ip link set eth1 down");
    add(disks, HOLDER_BLOCK, "dm-0 on nvme0n1", 0, NULL, NULL);
    _cleanup_fault_ Fault *disk = assert_refused(disks, NULL);
    ck_assert_str_eq(disk->message, "dm-0 on nvme0n1 of " CARD " is in use");
}
END_TEST

START_TEST(what_is_built_upon_a_link_is_freed_by_the_link_or_where_it_is)
{
    g_autoptr(GPtrArray) ours = holders_new(), theirs = holders_new();
    add(ours, HOLDER_LINK, "eth1.10 on eth1", 0, NULL, NULL);
    _cleanup_fault_ Fault *here = assert_refused(ours, NULL);
    ck_assert_str_eq(here->message, "the network link eth1.10 on eth1 of " CARD " is in use");
    ck_assert_str_eq(here->remedy, "take the link down first: ip link set eth1 down");
    add(theirs, HOLDER_LINK, "mv0 on eth1", 812, "nginx", "web.service");
    _cleanup_fault_ Fault *there = assert_refused(theirs, (char *[]){(char *)"web.service", NULL});
    ck_assert_str_eq(there->message, "the network link mv0 on eth1 of " CARD
                                     " is in use in the network namespace of nginx (pid 812, web.service)");
    ck_assert_str_eq(
        there->remedy,
        "take the link down in its namespace first: nsenter --net=/proc/812/ns/net ip link set mv0 down");
}
END_TEST

START_TEST(a_crowd_is_counted_not_listed)
{
    g_autoptr(GPtrArray) holders = holders_new();
    for (pid_t pid = 1; pid <= 10; pid++)
        add(holders, HOLDER_FILE, "/dev/snd/controlC0", pid, "player", "");
    _cleanup_fault_ Fault *fault = assert_refused(holders, NULL);
    ck_assert(g_str_has_suffix(fault->message, ", and 6 more"));
}
END_TEST

SUITE("holder", a_process_is_described_with_all_that_is_known_of_it,
      the_name_of_a_process_cannot_break_a_message, kinds_have_names_and_are_known_by_them,
      a_control_group_tells_unit_and_session, holders_come_through_the_wire_as_they_were,
      words_that_are_no_holders_are_refused, however_many_there_are_the_message_is_not_too_long,
      nobody_is_no_obstacle, a_service_may_be_stopped_only_if_it_was_named,
      a_holder_beside_a_named_one_is_still_a_refusal, a_session_cannot_be_started_again_and_so_is_not_stopped,
      what_the_host_stands_on_is_never_stopped_for, links_and_disks_say_how_they_are_freed,
      what_is_built_upon_a_link_is_freed_by_the_link_or_where_it_is, a_crowd_is_counted_not_listed)
