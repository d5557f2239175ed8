/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/wire.h"
#include "../../../daemon/edge/helper/channel.h"
#include "../suite.h"
#include "loop.h"
#include "send-fds.h"

/* The daemon's end, and what came to it. */
static sd_event *event;
static Channel *channel;
static int peer;
static char *said; /* the words of all messages, joined by blanks, a bar behind each */
static int stolen[CHANNEL_FDS_MAX];
static unsigned n_stolen, n_fds_seen;
static int messages, ends;

static void on_message(Channel *from, char **words, int *fds, unsigned n_fds, void *userdata)
{
    if (!words) {
        ends++;
        return;
    }
    g_autofree char *line = g_strjoinv(" ", words), *before = said;
    said = g_strconcat(before ?: "", line, "|", NULL);
    n_fds_seen += n_fds;
    for (unsigned i = 0; i < n_fds && userdata; i++)
        stolen[n_stolen++] = steal_fd(&fds[i]);
    messages++;
}

static void connect_pair(void *steal)
{
    int pair[2];

    messages = ends = n_stolen = n_fds_seen = 0;
    event = loop_new();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    peer = pair[1];
    ck_assert_int_eq(channel_new(event, pair[0], on_message, steal, &channel), 0);
}

static void disconnect(void)
{
    channel = channel_free(channel);
    peer = close_fd(peer);
    event = sd_event_unref(event);
    g_clear_pointer(&said, g_free);
}

static void send_bytes(const void *bytes, size_t size)
{
    ck_assert_int_eq(send(peer, bytes, size, MSG_NOSIGNAL), size);
}

static void send_fds(const char *bytes, size_t size, const int *fds, unsigned n)
{
    send_fds_to(peer, bytes, size, fds, n);
}

/* The other end of a pipe sees the end once nobody has this one any more. */
static bool hung_up(int read_end)
{
    char byte;

    return read(read_end, &byte, 1) == 0;
}

START_TEST(words_arrive_as_they_were_sent)
{
    connect_pair(NULL);
    send_bytes("hello\0guest\0win10", 18);
    send_bytes("done\0=\0", 7);
    loop_until_count(event, &messages, 2);
    ck_assert_str_eq(said, "hello guest win10|done =|");
    ck_assert_int_eq(ends, 0);
    disconnect();
}
END_TEST

START_TEST(words_are_sent_with_their_descriptors)
{
    char bytes[64], control[CMSG_SPACE(sizeof(int) * 4)];
    struct iovec part = {bytes, sizeof(bytes)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct stat sent, received;
    int fds[2] = {STDIN_FILENO, open("/dev/null", O_RDONLY | O_CLOEXEC)}, got[2];

    connect_pair(NULL);
    ck_assert_int_eq(channel_send(channel, (const char *const[]){"run", "4096", NULL}, fds, 2), 0);
    ck_assert_int_eq(recvmsg(peer, &message, MSG_CMSG_CLOEXEC), 9);
    ck_assert_mem_eq(bytes, "run\0004096", 9);
    ck_assert_uint_eq(CMSG_FIRSTHDR(&message)->cmsg_len, CMSG_LEN(sizeof(got)));
    memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
    ck_assert_int_eq(fstat(fds[1], &sent), 0);
    ck_assert_int_eq(fstat(got[1], &received), 0);
    ck_assert_uint_eq(sent.st_rdev, received.st_rdev);
    ck_assert_msg(fcntl(fds[1], F_GETFD) >= 0, "the sender's descriptor stays its own");
    close_fd(fds[1]);
    close_fd(got[0]);
    close_fd(got[1]);
    disconnect();
}
END_TEST

START_TEST(a_descriptor_can_be_taken_and_the_rest_is_closed)
{
    int kept[2], left[2];

    connect_pair(NULL);
    channel_accept_fds(channel, 2);
    ck_assert_int_eq(pipe2(kept, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(left, O_CLOEXEC), 0);
    send_fds("opened", 7, &left[1], 1);
    close_fd(left[1]);
    loop_until_count(event, &messages, 1);
    ck_assert_uint_eq(n_fds_seen, 1);
    ck_assert_msg(hung_up(left[0]), "a descriptor that nobody took is closed");

    channel_set_handler(channel, on_message, &stolen);
    send_fds("opened", 7, &kept[1], 1);
    close_fd(kept[1]);
    loop_until_count(event, &messages, 2);
    ck_assert_uint_eq(n_stolen, 1);
    ck_assert_int_eq(write(stolen[0], "x", 1), 1);
    ck_assert_int_eq(fcntl(stolen[0], F_GETFD), FD_CLOEXEC);
    close_fd(stolen[0]);
    ck_assert_int_eq(read(kept[0], &(char){0}, 1), 1);
    ck_assert(hung_up(kept[0]));
    close_fd(kept[0]);
    close_fd(left[0]);
    disconnect();
}
END_TEST

/* A message with this many descriptors is not heard: it ends the connection, and closes them. */
static void assert_fds_refused(const char *bytes, size_t size, unsigned n)
{
    int left[2], copies[4];

    ck_assert_int_eq(pipe2(left, O_CLOEXEC), 0);
    for (unsigned i = 0; i < n; i++)
        copies[i] = left[1];
    send_fds(bytes, size, copies, n);
    close_fd(left[1]);
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(messages, 0);
    ck_assert(hung_up(left[0]));
    close_fd(left[0]);
}

START_TEST(descriptors_that_nobody_asked_for_break_the_protocol)
{
    connect_pair(NULL);
    assert_fds_refused("hello\0bind", 11, 1);
    disconnect();
}
END_TEST

START_TEST(more_descriptors_than_asked_for_break_the_protocol_and_are_closed)
{
    connect_pair(NULL);
    channel_accept_fds(channel, 2);
    assert_fds_refused("opened", 7, 3);
    disconnect();
}
END_TEST

START_TEST(what_a_peer_said_before_it_vanished_is_heard)
{
    connect_pair(NULL);
    send_bytes("done\0-", 7);
    peer = close_fd(peer);
    loop_until_count(event, &ends, 1);
    ck_assert_str_eq(said, "done -|");
    loop_settle(event);
    ck_assert_msg(ends == 1, "the end is told once, not %d times", ends);
    disconnect();
}
END_TEST

START_TEST(garbage_breaks_the_protocol)
{
    connect_pair(NULL);
    send_bytes("no NUL at the end", 17);
    loop_until_count(event, &ends, 1);
    send_bytes("hello", 6);
    loop_settle(event);
    ck_assert_msg(messages == 0, "a channel that broke the protocol says nothing more");
    disconnect();
}
END_TEST

START_TEST(an_empty_message_is_an_end)
{
    connect_pair(NULL);
    ck_assert_int_eq(send(peer, "", 0, 0), 0);
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(messages, 0);
    disconnect();
}
END_TEST

START_TEST(the_longest_message_arrives_and_one_byte_more_breaks_the_protocol)
{
    g_autofree char *bytes = g_malloc(WIRE_MESSAGE_MAX + 1);

    memset(bytes, 'x', WIRE_MESSAGE_MAX + 1);
    bytes[WIRE_MESSAGE_MAX - 1] = bytes[WIRE_MESSAGE_MAX] = '\0';
    connect_pair(NULL);
    send_bytes(bytes, WIRE_MESSAGE_MAX);
    loop_until_count(event, &messages, 1);
    ck_assert_uint_eq(strlen(said), WIRE_MESSAGE_MAX);

    send_bytes(bytes, WIRE_MESSAGE_MAX + 1);
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(messages, 1);
    disconnect();
}
END_TEST

START_TEST(too_long_a_message_is_not_sent)
{
    g_autofree char *word = g_strnfill(WIRE_MESSAGE_MAX, 'x');

    connect_pair(NULL);
    ck_assert_int_eq(channel_send(channel, (const char *const[]){word, NULL}, NULL, 0), -E2BIG);
    disconnect();
}
END_TEST

START_TEST(what_was_sent_arrives_after_the_channel_was_freed)
{
    char bytes[16];

    connect_pair(NULL);
    ck_assert_int_eq(channel_send(channel, (const char *const[]){"ended", NULL}, NULL, 0), 0);
    channel = channel_free(channel);
    ck_assert_int_eq(read(peer, bytes, sizeof(bytes)), 6);
    ck_assert_str_eq(bytes, "ended");
    ck_assert_int_eq(read(peer, bytes, sizeof(bytes)), 0);
    disconnect();
}
END_TEST

START_TEST(a_peer_that_does_not_read_blocks_nobody)
{
    g_autofree char *word = g_strnfill(60 * 1024, 'x');
    int r = 0;

    connect_pair(NULL);
    for (unsigned i = 0; i < 1000 && r == 0; i++)
        r = channel_send(channel, (const char *const[]){word, NULL}, NULL, 0);
    ck_assert_int_eq(r, -EAGAIN);
    disconnect();
}
END_TEST

START_TEST(sending_to_a_peer_that_is_gone_is_an_error_and_no_signal)
{
    connect_pair(NULL);
    peer = close_fd(peer);
    ck_assert_int_eq(channel_send(channel, (const char *const[]){"ended", NULL}, NULL, 0), -EPIPE);
    disconnect();
}
END_TEST

static void free_it(Channel *from, char **words, int *fds, unsigned n_fds, void *userdata)
{
    channel = channel_free(from);
    ck_assert_msg(hung_up(peer), "the peer sees the end before the handler returns");
    /* The words are still there. */
    messages += words && g_str_equal(words[0], "done");
}

START_TEST(a_channel_may_be_freed_from_within_its_handler)
{
    connect_pair(NULL);
    channel_set_handler(channel, free_it, NULL);
    send_bytes("done\0-", 7);
    loop_until_count(event, &messages, 1);
    ck_assert_ptr_null(channel);
    disconnect();
}
END_TEST

SUITE("channel", words_arrive_as_they_were_sent, words_are_sent_with_their_descriptors,
      a_descriptor_can_be_taken_and_the_rest_is_closed, descriptors_that_nobody_asked_for_break_the_protocol,
      more_descriptors_than_asked_for_break_the_protocol_and_are_closed,
      what_a_peer_said_before_it_vanished_is_heard, garbage_breaks_the_protocol, an_empty_message_is_an_end,
      the_longest_message_arrives_and_one_byte_more_breaks_the_protocol, too_long_a_message_is_not_sent,
      what_was_sent_arrives_after_the_channel_was_freed, a_peer_that_does_not_read_blocks_nobody,
      sending_to_a_peer_that_is_gone_is_an_error_and_no_signal,
      a_channel_may_be_freed_from_within_its_handler)
