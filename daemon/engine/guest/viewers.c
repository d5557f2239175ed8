/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viewers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "../opener.h"
#include "qemu-client.h"

#define FD_NAME "viewer"
/* Another descriptor is on its way to QEMU. */
#define RETRY_USEC (G_USEC_PER_SEC / 50)
/* A viewer of SPICE opens ten at once; whoever opens more than that all the time has to wait. */
#define CONNECTIONS_PER_SECOND 50

struct Viewers {
    Engine *engine;
    const char *guest;
    QemuLink *link;
    const char *protocol; /* static */
    Opener *opener;       /* NULL: the socket is not being made */
    ViewersReady ready;
    void *userdata;
    sd_event_source *listener; /* has the socket */
    sd_event_source *retry;
    int client; /* on its way to QEMU; -1: none is */
};

Viewers *viewers_new(Engine *engine, const char *guest, QemuLink *link)
{
    Viewers *viewers = g_new(Viewers, 1);

    *viewers = (Viewers){.engine = engine, .guest = guest, .link = link, .client = -1};
    return viewers;
}

void viewers_close(Viewers *viewers)
{
    viewers->opener = opener_free(viewers->opener);
    viewers->listener = sd_event_source_disable_unref(viewers->listener);
    viewers->retry = sd_event_source_disable_unref(viewers->retry);
    viewers->client = close_fd(viewers->client);
}

DEFINE_FREE(Viewers, viewers_free, viewers)
{
    viewers_close(viewers);
}

static char *name_of(const char *guest, DisplayType type)
{
    return g_strconcat(guest, ".", display_type_to_string(type), NULL);
}

void viewers_remove(const Viewers *viewers)
{
    for (DisplayType type = DISPLAY_NONE + 1; type < DISPLAY_MAX; type++) {
        g_autofree char *name = name_of(viewers->guest, type);
        unlinkat(viewers->engine->display_fd, name, 0);
    }
}

/* A viewer. */

static void settle(Viewers *viewers, int error, const char *message)
{
    viewers->client = close_fd(viewers->client);
    if (error < 0 && error != -ECONNRESET)
        log_guest(LOG_NOTICE, viewers->guest, "QEMU does not take a viewer: %s",
                  message ?: g_strerror(-error));
    if (error == -ETIMEDOUT)
        qemu_link_go_silent(viewers->link);
    if (viewers->listener)
        sd_event_source_set_enabled(viewers->listener, SD_EVENT_ON);
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    settle(userdata, error, message);
}

static void on_given(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Viewers *viewers = userdata;

    if (error == 0)
        error = qemu_client_add(qmp, FD_NAME, viewers->protocol, true, on_added, viewers);
    if (error < 0)
        settle(viewers, error, message);
}

static void give(Viewers *viewers);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    give(userdata);
    return 0;
}

static void give(Viewers *viewers)
{
    int fd = fcntl(viewers->client, F_DUPFD_CLOEXEC, 3);
    int r = fd < 0 ? -errno : qemu_client_give(qemu_link_qmp(viewers->link), FD_NAME, fd, on_given, viewers);

    if (r == -EBUSY)
        r = clock_after(viewers->engine->event, RETRY_USEC, on_retry, viewers, &viewers->retry);
    if (r < 0)
        settle(viewers, r, NULL);
}

/* QEMU gets one after the other: the next waits in the socket's queue. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Viewers *viewers = userdata;
    _cleanup_close_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    if (client < 0 || !qemu_link_hears(viewers->link))
        return 0;
    viewers->client = steal_fd(&client);
    sd_event_source_set_enabled(viewers->listener, SD_EVENT_OFF);
    give(viewers);
    return 0;
}

/* The socket. */

static int serve(Viewers *viewers, int fd)
{
    _cleanup_close_ int owned = fd;
    int r = sd_event_add_io(viewers->engine->event, &viewers->listener, fd, EPOLLIN, on_connection, viewers);

    if (r >= 0)
        r = sd_event_source_set_enabled(viewers->listener, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_source_set_io_fd_own(viewers->listener, true);
    if (r < 0)
        return r;
    steal_fd(&owned);
    return sd_event_source_set_ratelimit(viewers->listener, G_USEC_PER_SEC, CONNECTIONS_PER_SECOND);
}

static Fault *make_fault(const Viewers *viewers, int error)
{
    return opener_fault(viewers->opener, error, viewers->guest, "the user of [Display] Owner=")
               ?: fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                            "guest %s: cannot make the socket of its display: %s", viewers->guest,
                            g_strerror(-error));
}

static void on_made(int error, const FileSeen *seen, int *fd, void *userdata)
{
    Viewers *viewers = userdata;

    if (error == 0)
        error = serve(viewers, steal_fd(fd));
    _cleanup_fault_ Fault *fault = error < 0 ? make_fault(viewers, error) : NULL;
    viewers->opener = opener_free(viewers->opener);
    viewers->ready(fault, viewers->userdata);
}

void viewers_open(Viewers *viewers, DisplayType type, const char *owner, ViewersReady ready, void *userdata)
{
    g_autofree char *name = name_of(viewers->guest, type),
                    *path = g_build_filename(viewers->engine->run_path, "display", name, NULL),
                    *what = g_strconcat(owner, ":", path, NULL);

    viewers->protocol = display_type_to_string(type);
    viewers->ready = ready;
    viewers->userdata = userdata;
    viewers->opener = opener_new(viewers->engine, false);
    opener_open(viewers->opener, FILE_KIND_DISPLAY, what, on_made, viewers);
}

void viewers_admit(Viewers *viewers)
{
    if (viewers->listener && viewers->client < 0)
        sd_event_source_set_enabled(viewers->listener, SD_EVENT_ON);
}

static void on_made_again(const Fault *fault, void *userdata)
{
    Viewers *viewers = userdata;

    viewers_admit(viewers);
    if (fault)
        log_guest(LOG_WARNING, viewers->guest, "nobody can connect to its display's socket any more: %s",
                  fault->message);
}

/* Nobody but us and usher-bind puts anything there, so the owner is the one for whom it was made. */
void viewers_find(Viewers *viewers)
{
    struct stat st;

    for (DisplayType type = DISPLAY_NONE + 1; type < DISPLAY_MAX; type++) {
        g_autofree char *name = name_of(viewers->guest, type);
        if (fstatat(viewers->engine->display_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        g_autofree char *owner = g_strdup_printf("+%u", st.st_uid);
        viewers_open(viewers, type, owner, on_made_again, viewers);
        return;
    }
}
