/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../host-services/clock.h"
#include "helper-socket.h"

#define HELLO_DEADLINE_USEC (10 * G_USEC_PER_SEC)
#define PAUSE_USEC G_USEC_PER_SEC
/* After this many connections in a row there is a rest. Anybody may connect without end, and the loop's tasks
 * of lower priority (the end of a QEMU, say) would never have their turn. */
#define ROW_MAX 16
#define REST_USEC (2 * 1000)
#define STRANGERS_MAX 64        /* connections that proved nothing and have not been told so yet, */
#define STRANGERS_OF_USER_MAX 8 /* and of one user */
#define COMPLAINTS_MAX 10       /* about them, which anybody can cause, in the journal */
#define COMPLAINTS_USEC (60 * G_USEC_PER_SEC)
#define UNSPOKEN_MAX 8 /* connections of one unit that have said nothing yet */

/* Linux 6.5; the headers of Debian 12 do not have it. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

struct HelperSocket {
    sd_event *event;
    int fd;
    sd_event_source *source;
    sd_event_source *pause;
    unsigned row; /* connections taken since the last rest */
    Launcher *launcher;
    HelperHandler handler;
    void *userdata;
    GPtrArray *visitors; /* of Visitor, owned */
    unsigned complaints; /* since then, monotonic */
    gint64 complaints_since;
};

/* Somebody who has connected and has not said hello yet. */
typedef struct Visitor {
    HelperSocket *socket;
    Channel *channel;
    sd_event_source *deadline;
    struct ucred peer;
    LauncherKind kind;
    char *instance; /* NULL: proved nothing */
} Visitor;

DEFINE_ELEMENT_FREE(Visitor, visitor_free, visitor)
{
    channel_free(visitor->channel);
    sd_event_source_disable_unref(visitor->deadline);
    g_free(visitor->instance);
}

static const char *const verbs[HELPER_VERB_MAX] = {
    [HELPER_BIND] = "bind",   [HELPER_GUEST] = "guest",       [HELPER_STOP] = "stop",
    [HELPER_ENDED] = "ended", [HELPER_RESTORED] = "restored",
};

/* Whether a stranger's doings go into the journal: they must not crowd out usherd's own messages. */
static bool may_complain(HelperSocket *socket)
{
    gint64 now = g_get_monotonic_time();

    if (now - socket->complaints_since > (gint64)COMPLAINTS_USEC) {
        socket->complaints_since = now;
        socket->complaints = 0;
    }
    if (socket->complaints == COMPLAINTS_MAX)
        log_warning("helper.sock: further refusals are not logged for a minute");
    return socket->complaints++ < COMPLAINTS_MAX;
}

/* A helper's words must fit what it has proven to be. */
static HelperVerb hello_verb(char **words, LauncherKind kind, const char *instance)
{
    unsigned n = g_strv_length(words);

    if (n < 2 || !g_str_equal(words[0], "hello"))
        return HELPER_VERB_INVALID;
    if (kind == LAUNCHER_BIND)
        return n == 2 && g_str_equal(words[1], verbs[HELPER_BIND]) ? HELPER_BIND : HELPER_VERB_INVALID;
    if (n != 3 || !g_str_equal(words[2], instance))
        return HELPER_VERB_INVALID;
    for (HelperVerb verb = HELPER_GUEST; verb < HELPER_VERB_MAX; verb++)
        if (g_str_equal(words[1], verbs[verb]))
            return verb;
    return HELPER_VERB_INVALID;
}

static void refuse(Visitor *visitor, const char *message, const char *remedy)
{
    if (may_complain(visitor->socket))
        log_notice("helper.sock: process %d of uid %u was refused: %s", visitor->peer.pid, visitor->peer.uid,
                   message);
    channel_send(visitor->channel, (const char *const[]){"refused", message, remedy, NULL}, NULL, 0);
    g_ptr_array_remove_fast(visitor->socket->visitors, visitor);
}

static void on_hello(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Visitor *visitor = userdata;
    HelperSocket *socket = visitor->socket;

    if (!words) {
        g_ptr_array_remove_fast(socket->visitors, visitor);
        return;
    }
    if (!visitor->instance) {
        refuse(visitor, "this process is not in a unit of usher",
               "start a guest with: usherctl start NAME, or systemctl start usher-guest@NAME");
        return;
    }
    HelperVerb verb = hello_verb(words, visitor->kind, visitor->instance);
    if (verb < 0) {
        refuse(visitor, "the greeting of this process does not fit its unit",
               "see whether usherd and its helpers have the same version: usherctl version");
        return;
    }

    HelperCaller caller = {
        verb, visitor->kind, visitor->instance, visitor->peer.pid, visitor->peer.uid, visitor->peer.gid};
    visitor->channel = NULL;
    if (verb == HELPER_GUEST || verb == HELPER_BIND)
        launcher_connected(socket->launcher, visitor->kind, visitor->instance);
    socket->handler(&caller, channel, socket->userdata);
    /* Removed only now, as the caller's words and name were borrowed. The handler may not free the socket. */
    g_ptr_array_remove_fast(socket->visitors, visitor);
}

static int on_silent(sd_event_source *source, uint64_t usec, void *userdata)
{
    Visitor *visitor = userdata;

    if (may_complain(visitor->socket))
        log_notice("helper.sock: process %d of uid %u connected and said nothing", visitor->peer.pid,
                   visitor->peer.uid);
    g_ptr_array_remove_fast(visitor->socket->visitors, visitor);
    return 0;
}

/* A descriptor of the process that connected, or -errno. */
static int open_peer(int fd, const struct ucred *peer)
{
    struct stat owner;
    char path[32];
    int pidfd;
    socklen_t size = sizeof(pidfd);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) >= 0)
        return pidfd;
    if (errno != ENOPROTOOPT)
        return -errno;
    /* Before Linux 6.5 the number may be another process's by now, but at least one of the same user. */
    pidfd = pidfd_open(peer->pid, 0);
    if (pidfd < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/%d", peer->pid);
    if (stat(path, &owner) < 0 || owner.st_uid != peer->uid) {
        close_fd(pidfd);
        return -ESRCH;
    }
    return pidfd;
}

/* Finds out which unit the peer lives in; a peer without a known unit is a stranger. */
static int prove(HelperSocket *socket, int fd, struct ucred *peer, LauncherKind *ret_kind,
                 char **ret_instance)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;

    _cleanup_close_ int pidfd = open_peer(fd, peer);
    if (pidfd < 0)
        return pidfd;
    int r = launcher_identify(socket->launcher, peer->pid, &kind, &instance);
    if (r < 0)
        return r;
    /* The descriptor is readable once the process has ended (pidfd_open(2)): then its number, and so the
     * unit, may have been the next process's. */
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    if (poll(&ended, 1, 0) != 0)
        return -ESRCH;
    *ret_kind = kind;
    *ret_instance = g_steal_pointer(&instance);
    return 0;
}

static bool has_room(const HelperSocket *socket, LauncherKind kind, const char *instance, uid_t uid)
{
    unsigned n = 0, of_user = 0;

    for (unsigned i = 0; i < socket->visitors->len; i++) {
        const Visitor *other = g_ptr_array_index(socket->visitors, i);
        if (g_strcmp0(other->instance, instance) == 0 && (!instance || other->kind == kind))
            n++;
        of_user += !other->instance && other->peer.uid == uid;
    }
    return instance ? n < UNSPOKEN_MAX : n < STRANGERS_MAX && of_user < STRANGERS_OF_USER_MAX;
}

static void receive_visitor(HelperSocket *socket, int fd)
{
    _cleanup_close_ int owned = fd;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    LauncherKind kind = LAUNCHER_KIND_INVALID;
    g_autofree char *instance = NULL;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return;
    int r = prove(socket, fd, &peer, &kind, &instance);
    if (r < 0)
        log_debug("helper.sock: process %d: %s", peer.pid, strerror(-r));
    if (!has_room(socket, kind, instance, peer.uid)) {
        if (may_complain(socket))
            log_warning("helper.sock: too many connections say nothing; process %d of uid %u was cut off",
                        peer.pid, peer.uid);
        return;
    }

    Visitor *visitor = g_new0(Visitor, 1);
    *visitor =
        (Visitor){.socket = socket, .peer = peer, .kind = kind, .instance = g_steal_pointer(&instance)};
    r = channel_new(socket->event, steal_fd(&owned), on_hello, visitor, &visitor->channel);
    if (r >= 0)
        r = clock_after(socket->event, HELLO_DEADLINE_USEC, on_silent, visitor, &visitor->deadline);
    if (r < 0) {
        log_error("helper.sock: cannot take a connection: %s", strerror(-r));
        visitor_free(visitor);
        return;
    }
    g_ptr_array_add(socket->visitors, visitor);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    HelperSocket *socket = userdata;

    sd_event_source_set_enabled(socket->source, SD_EVENT_ON);
    return 0;
}

static void rest(HelperSocket *socket, uint64_t usec)
{
    socket->row = 0;
    sd_event_source_set_enabled(socket->source, SD_EVENT_OFF);
    if (clock_after(socket->event, usec, on_pause_over, socket, &socket->pause) < 0)
        sd_event_source_set_enabled(socket->source, SD_EVENT_ON);
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
    HelperSocket *socket = userdata;

    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        if (++socket->row == ROW_MAX)
            rest(socket, REST_USEC);
        receive_visitor(socket, fd);
        return 0;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        /* The connection stays in the backlog: without a pause the loop would spin on it. */
        log_warning("helper.sock: cannot accept a connection now: %s", strerror(errno));
        rest(socket, PAUSE_USEC);
    }
    return 0;
}

int helper_socket_from_systemd(void)
{
    g_auto(GStrv) names = NULL;
    int n = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < n; i++)
        if (g_str_equal(names[i], HELPER_SOCKET_NAME) &&
            sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_SEQPACKET, 1) > 0)
            return SD_LISTEN_FDS_START + i;
    return n < 0 ? n : -ENOENT;
}

int helper_socket_listen(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0 ||
        listen(fd, SOMAXCONN) < 0)
        return -errno;
    return steal_fd(&fd);
}

int helper_socket_new(sd_event *event, int fd, Launcher *launcher, HelperHandler handler, void *userdata,
                      HelperSocket **ret)
{
    HelperSocket *socket = g_new0(HelperSocket, 1);

    *socket = (HelperSocket){.event = sd_event_ref(event),
                             .fd = fd,
                             .launcher = launcher,
                             .handler = handler,
                             .userdata = userdata};
    socket->visitors = g_ptr_array_new_with_free_func(visitor_free);
    int r = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (r >= 0)
        r = sd_event_add_io(event, &socket->source, fd, EPOLLIN, on_connection, socket);
    if (r < 0) {
        helper_socket_free(socket);
        return r;
    }
    *ret = socket;
    return 0;
}

DEFINE_FREE(HelperSocket, helper_socket_free, socket)
{
    g_ptr_array_free(socket->visitors, TRUE);
    sd_event_source_disable_unref(socket->pause);
    sd_event_source_disable_unref(socket->source);
    close_fd(socket->fd);
    sd_event_unref(socket->event);
}
