/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The listening end of helper.sock. The process behind a connection must prove that it is one of our helpers,
 * not what it says. The socket is open to all (a guest has a user of its own that nobody knows beforehand);
 * uid 0 is no proof. A stranger gets `refused` and is cut off; a connection that says nothing is cut off
 * after 10 s.
 *
 * The proof is about the unit, not the program. QEMU lives in the guest's unit too and might say what
 * usher-launch says, about that one guest and as often as it likes. So the handler of a guest's `hello`
 * has to refuse a second run, and to bound how many connections of one guest it keeps. */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "channel.h"
#include "../launcher/launcher.h"

#define HELPER_SOCKET_NAME "helper" /* FileDescriptorName= in usherd.socket */

typedef struct HelperSocket HelperSocket;

/* What the first message says: hello bind | guest NAME | stop NAME | restored NAME (base/wire.h). */
typedef enum HelperVerb {
    HELPER_BIND,     /* usher-bind: goes to worker_pool_adopt() */
    HELPER_GUEST,    /* ExecStart=: wants to become QEMU */
    HELPER_STOP,     /* ExecStop=: waits until QEMU and what runs beside it are gone, which is asked for */
    HELPER_ENDED,    /* ExecStop= after QEMU has ended: likewise, and nothing is asked for */
    HELPER_RESTORED, /* ExecStopPost=: waits until the devices are back */
    HELPER_VERB_MAX,
    HELPER_VERB_INVALID = -EINVAL,
} HelperVerb;

/* A helper that has proven itself. The verb fits the kind of its unit, the name in its message is its
 * instance. */
typedef struct HelperCaller {
    HelperVerb verb;
    LauncherKind kind;
    const char *instance; /* borrowed */
    pid_t pid;
    uid_t uid; /* to whom the VFIO nodes are to be given */
    gid_t gid;
} HelperCaller;

/* channel is the callee's now: it needs a handler of its own at once (channel_set_handler()), or is freed.
 * The socket may not be freed from within. */
typedef void (*HelperHandler)(const HelperCaller *caller, Channel *channel, void *userdata);

/* The socket that systemd passed under the name "helper" (sd_listen_fds(3)), or -ENOENT. The descriptor is
 * the caller's. */
int helper_socket_from_systemd(void);
/* Makes the socket at path, mode 0666; one left behind is replaced. Returns the descriptor. */
int helper_socket_listen(const char *path);

/* Takes the listening descriptor over, in every case. launcher is borrowed. */
int helper_socket_new(sd_event *event, int fd, Launcher *launcher, HelperHandler handler, void *userdata,
                      HelperSocket **ret);
/* Cuts off connections that have not been handed over yet. NULL is fine; returns NULL. */
HelperSocket *helper_socket_free(HelperSocket *socket);
