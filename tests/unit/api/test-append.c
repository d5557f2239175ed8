/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "../../../daemon/api/api-private.h"
#include "../suite.h"

static sd_bus *bus;
static sd_bus_message *message;
static int peer;

/* A connection whose other end says nothing: no message is sent. */
static void setup(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    peer = pair[1];
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    ck_assert_int_ge(sd_bus_message_new_signal(bus, &message, "/org/usher1", "org.usher1.Manager", "Told"),
                     0);
}

static void teardown(void)
{
    sd_bus_message_unref(message);
    sd_bus_close_unref(bus);
    close(peer);
}

static void seal(void)
{
    ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
    ck_assert_int_ge(sd_bus_message_rewind(message, true), 0);
}

START_TEST(what_is_no_text_does_not_cost_the_answer)
{
    const char *name, *path, *command;
    uint32_t pid;

    ck_assert_int_ge(api_append(message, "(ssus)", "Red\xffHat", "/mnt/\xc3", 7, "bash"), 0);
    seal();
    ck_assert_int_gt(sd_bus_message_read(message, "(ssus)", &name, &path, &pid, &command), 0);
    ck_assert_str_eq(name, "Red\uFFFDHat");
    ck_assert_str_eq(path, "/mnt/\uFFFD");
    ck_assert_uint_eq(pid, 7);
    ck_assert_str_eq(command, "bash");
}
END_TEST

START_TEST(each_type_that_the_contract_has_arrives)
{
    const char *text, *nothing, *path;
    uint32_t u;
    int32_t i;
    uint64_t t;
    int b;

    ck_assert_int_ge(api_append(message, "ssouibt", "ü", NULL, "/org/usher1", UINT32_MAX, -3, 1, UINT64_MAX),
                     0);
    seal();
    ck_assert_int_gt(sd_bus_message_read(message, "ssouibt", &text, &nothing, &path, &u, &i, &b, &t), 0);
    ck_assert_str_eq(text, "ü");
    ck_assert_str_eq(nothing, "");
    ck_assert_str_eq(path, "/org/usher1");
    ck_assert(u == UINT32_MAX && i == -3 && b == 1 && t == UINT64_MAX);
}
END_TEST

START_TEST(an_array_of_words_is_made_valid_word_by_word)
{
    const char *const words[] = {"flr", "\xfe", NULL};
    const char *first, *second;

    ck_assert_int_ge(api_append_words(message, words), 0);
    seal();
    ck_assert_int_gt(sd_bus_message_read(message, "as", 2, &first, &second), 0);
    ck_assert_str_eq(first, "flr");
    ck_assert_str_eq(second, "\uFFFD");
}
END_TEST

SUITE_WITH("api-append", setup, teardown, what_is_no_text_does_not_cost_the_answer,
           each_type_that_the_contract_has_arrives, an_array_of_words_is_made_valid_word_by_word)
