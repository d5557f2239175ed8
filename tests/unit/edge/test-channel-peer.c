/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/wire.h"
#include "../../../daemon/edge/helper/channel.h"
#include "../scratch.h"
#include "../suite.h"

typedef struct Pair {
    int a, b;
} Pair;

static Pair pair_new(void)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    return (Pair){fds[0], fds[1]};
}

static void pair_close(Pair *pair)
{
    close_fd(pair->a);
    close_fd(pair->b);
}

#define A_PAIR __attribute__((cleanup(pair_close))) Pair pair = pair_new()

static unsigned count_fds(void)
{
    unsigned count = 0;
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    while (g_dir_read_name(dir))
        count++;
    return count;
}

START_TEST(words_arrive_as_they_were_sent)
{
    A_PAIR;
    const char *const words[] = {"step", "driver", "0000:01:00.0", "radeon", "", NULL};
    g_auto(GStrv) received = NULL;
    unsigned n_fds = 99;
    ck_assert_int_eq(channel_send_blocking(pair.a, words, NULL, 0), 0);
    ck_assert_int_eq(channel_receive_blocking(pair.b, &received, NULL, 0, &n_fds), 0);
    ck_assert(g_strv_equal((const char *const *)received, words));
    ck_assert_uint_eq(n_fds, 0);
}
END_TEST

START_TEST(messages_stay_apart)
{
    A_PAIR;
    ck_assert_int_eq(channel_send_blocking(pair.a, (const char *[]){"one", NULL}, NULL, 0), 0);
    ck_assert_int_eq(channel_send_blocking(pair.a, (const char *[]){"two", "", NULL}, NULL, 0), 0);
    unsigned n_fds;
    g_auto(GStrv) first = NULL, second = NULL;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &first, NULL, 0, &n_fds), 0);
    ck_assert_int_eq(channel_receive_blocking(pair.b, &second, NULL, 0, &n_fds), 0);
    ck_assert_uint_eq(g_strv_length(first), 1);
    ck_assert_uint_eq(g_strv_length(second), 2);
}
END_TEST

START_TEST(descriptors_arrive_in_order_and_close_on_exec)
{
    A_PAIR;
    Pair passed = pair_new();
    struct stat sent[2], got;
    ck_assert_int_eq(fstat(passed.a, &sent[0]), 0);
    ck_assert_int_eq(fstat(passed.b, &sent[1]), 0);
    ck_assert_int_eq(
        channel_send_blocking(pair.a, (const char *[]){"run", NULL}, (int[]){passed.a, passed.b}, 2), 0);
    pair_close(&passed);

    g_auto(GStrv) words = NULL;
    int fds[4];
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &words, fds, 4, &n_fds), 0);
    ck_assert_uint_eq(n_fds, 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(fstat(fds[i], &got), 0);
        ck_assert_uint_eq(got.st_ino, sent[i].st_ino);
        ck_assert_int_eq(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        close_fd(fds[i]);
    }
}
END_TEST

START_TEST(descriptors_that_nobody_asked_for_are_closed)
{
    A_PAIR;
    unsigned before = count_fds();
    ck_assert_int_eq(channel_send_blocking(pair.a, (const char *[]){"x", NULL}, (int[]){0, 0, 0}, 3), 0);
    char **words = NULL;
    int fds[2];
    unsigned n_fds = 99;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &words, fds, 2, &n_fds), -EBADMSG);
    ck_assert_ptr_null(words);
    ck_assert_uint_eq(n_fds, 99);
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(descriptors_of_a_broken_message_are_closed)
{
    A_PAIR;
    unsigned before = count_fds();
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {(char *)"no end", 6};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &pair.a, sizeof(int));
    ck_assert_int_eq(sendmsg(pair.a, &message, 0), 6);

    char **words = NULL;
    int fds[2];
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &words, fds, 2, &n_fds), -EBADMSG);
    ck_assert_ptr_null(words);
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(the_longest_message_arrives_and_a_longer_one_is_refused)
{
    A_PAIR;
    g_autofree char *word = g_malloc0(WIRE_MESSAGE_MAX + 1);
    memset(word, 'x', WIRE_MESSAGE_MAX - 1);
    ck_assert_int_eq(channel_send_blocking(pair.a, (const char *[]){word, NULL}, NULL, 0), 0);
    g_auto(GStrv) words = NULL;
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &words, NULL, 0, &n_fds), 0);
    ck_assert_uint_eq(strlen(words[0]), WIRE_MESSAGE_MAX - 1);

    word[WIRE_MESSAGE_MAX - 1] = 'x';
    ck_assert_int_eq(channel_send_blocking(pair.a, (const char *[]){word, NULL}, NULL, 0), -E2BIG);
    /* The sender does not check, and the part that fits would pass for a message. */
    word[WIRE_MESSAGE_MAX - 1] = '\0';
    ck_assert_int_eq(send(pair.a, word, WIRE_MESSAGE_MAX + 1, 0), WIRE_MESSAGE_MAX + 1);
    char **none = NULL;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &none, NULL, 0, &n_fds), -EBADMSG);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(the_end_of_the_stream_is_told)
{
    A_PAIR;
    pair.a = close_fd(pair.a);
    char **words = NULL;
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &words, NULL, 0, &n_fds), -ECONNRESET);
    /* Writing to nobody causes no signal, either. */
    ck_assert_int_eq(channel_send_blocking(pair.b, (const char *[]){"x", NULL}, NULL, 0), -EPIPE);
}
END_TEST

START_TEST(what_was_sent_before_the_end_still_arrives)
{
    A_PAIR;
    ck_assert_int_eq(channel_send_blocking(pair.a, (const char *[]){"last", NULL}, NULL, 0), 0);
    pair.a = close_fd(pair.a);
    g_auto(GStrv) words = NULL;
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(pair.b, &words, NULL, 0, &n_fds), 0);
    ck_assert_str_eq(words[0], "last");
}
END_TEST

START_TEST(a_peer_connects_by_path)
{
    g_autofree char *folder = scratch_new("peer");
    g_autofree char *path = g_build_filename(folder, "helper.sock", NULL);
    int fd = -1;
    ck_assert_int_eq(channel_connect(path, &fd), -ENOENT);

    _cleanup_close_ int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(channel_connect(path, &fd), -ECONNREFUSED);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(channel_connect(path, &fd), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close_fd(fd);
    scratch_remove(folder);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_not_cut)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    int fd = -1;
    ck_assert_int_eq(channel_connect(path, &fd), -ENAMETOOLONG);
    ck_assert_int_eq(fd, -1);
}
END_TEST

SUITE("channel-peer", words_arrive_as_they_were_sent, messages_stay_apart,
      descriptors_arrive_in_order_and_close_on_exec, descriptors_that_nobody_asked_for_are_closed,
      descriptors_of_a_broken_message_are_closed, the_longest_message_arrives_and_a_longer_one_is_refused,
      the_end_of_the_stream_is_told, what_was_sent_before_the_end_still_arrives, a_peer_connects_by_path,
      a_path_that_is_too_long_is_not_cut)
