/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One end of a seqpacket connection between usherd and a helper (base/wire.h says what is spoken). The
 * daemon's end lives on the event loop and never blocks; the helpers' end is plain blocking calls. */
#pragma once

#include <systemd/sd-event.h>
#include <sys/types.h>

typedef struct Channel Channel;

/* Called for each message; words is borrowed, and so are the descriptors: take one by steal_fd(&fds[i]),
 * the rest is closed. words NULL: the peer hung up or broke the protocol; the channel is dead and may be
 * freed, from within the call too. That call comes once, never after channel_free(). */
typedef void (*ChannelHandler)(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata);

/* Takes the descriptor over, in every case. */
int channel_new(sd_event *event, int fd, ChannelHandler handler, void *userdata, Channel **ret);
/* How many descriptors a message may bring, at most CHANNEL_FDS_MAX; more break the protocol. 0 at first, as
 * closing one may hang: close(2) of a file on FUSE waits for whoever serves that file system. So only from
 * peers with root's trust. */
#define CHANNEL_FDS_MAX 16
void channel_accept_fds(Channel *channel, unsigned max);
void channel_set_handler(Channel *channel, ChannelHandler handler, void *userdata);
/* Closes the connection; what was sent still arrives. NULL is fine; returns NULL. */
Channel *channel_free(Channel *channel);

/* Sends words (NULL-terminated list) with descriptors, which stay the caller's. -EAGAIN: the peer does not
 * read; drop it. -EPIPE, -ECONNRESET: the peer is gone; the handler is called, or was. */
int channel_send(Channel *channel, const char *const *words, const int *fds, unsigned n_fds);

/* The helpers' side, blocking. At most max_fds descriptors are taken; *ret_words is a GStrv of the caller's.
 * -ECONNRESET at the end of the stream. */
int channel_connect(const char *path, int *ret_fd);
int channel_send_blocking(int fd, const char *const *words, const int *fds, unsigned n_fds);
int channel_receive_blocking(int fd, char ***ret_words, int *ret_fds, unsigned max_fds, unsigned *ret_n_fds);
