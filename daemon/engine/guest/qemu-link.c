/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-link.h"

#include <glib.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"

#define RETRY_USEC (G_USEC_PER_SEC / 4)
#define PATIENCE 4 /* attempts */

struct QemuLink {
    sd_event *event;
    const char *guest;
    char *path;
    const QemuLinkHandler *handler;
    void *userdata;
    Qmp *qmp;
    bool patient;           /* until the first greeting */
    unsigned attempts;      /* since the connection was lost */
    sd_event_source *retry; /* the next attempt, or the end of the wait for a greeting */
    bool asked;             /* query-status was sent, and its answer is owed */
    uint64_t asked_at;      /* monotonic */
    bool silent;            /* QEMU let a deadline pass; its answer is owed without one */
    bool ending;
};

static void connect_again(QemuLink *link);

QemuLink *qemu_link_new(sd_event *event, const char *guest, const char *path, const QemuLinkHandler *handler,
                        void *userdata)
{
    QemuLink *link = g_new0(QemuLink, 1);

    link->event = event;
    link->guest = guest;
    link->path = g_strdup(path);
    link->handler = handler;
    link->userdata = userdata;
    return link;
}

DEFINE_FREE(QemuLink, qemu_link_free, link)
{
    qemu_link_close(link);
    g_free(link->path);
}

Qmp *qemu_link_qmp(const QemuLink *link)
{
    return link->qmp;
}

bool qemu_link_hears(const QemuLink *link)
{
    return !link->silent && link->qmp && qmp_ready(link->qmp);
}

int qemu_link_raise_silent(const QemuLink *link, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_UNRESPONSIVE, "to end the guest: usherctl kill",
                       "QEMU of guest %s does not answer", link->guest);
}

void qemu_link_set_ending(QemuLink *link, bool ending)
{
    link->ending = ending;
}

bool qemu_link_ending(const QemuLink *link)
{
    return link->ending;
}

/* How it is. */

static void on_status(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    QemuLink *link = userdata;
    struct json_object *field = NULL;

    link->asked = false;
    if (error == -ETIMEDOUT)
        qemu_link_go_silent(link);
    if (error != 0)
        return;
    if (link->silent)
        log_guest(LOG_NOTICE, link->guest, "QEMU answers again");
    link->silent = false;
    json_object_object_get_ex(result, "status", &field);
    link->handler->status(json_object_get_string(field) ?: "", link->userdata);
}

/* usec 0: waits for the answer until QEMU is back, however long that takes. */
static void ask(QemuLink *link, uint64_t usec)
{
    if (link->qmp && qmp_ready(link->qmp) &&
        qmp_command(link->qmp, "query-status", NULL, usec, on_status, link) >= 0)
        link->asked = true;
}

void qemu_link_ask(QemuLink *link)
{
    uint64_t now = g_get_monotonic_time();

    if (link->asked || now - link->asked_at < QMP_ANSWER_USEC || !link->qmp || !qmp_ready(link->qmp))
        return;
    link->asked_at = now;
    ask(link, QMP_ANSWER_USEC);
}

void qemu_link_give_up(QemuLink *link)
{
    link->silent = true;
}

void qemu_link_go_silent(QemuLink *link)
{
    if (link->ending || link->silent)
        return;
    link->silent = true;
    link->handler->silent(link->userdata);
    ask(link, 0);
}

/* The connection. */

static void on_ready(Qmp *qmp, void *userdata)
{
    QemuLink *link = userdata;

    link->patient = false;
    link->attempts = 0;
    link->retry = sd_event_source_disable_unref(link->retry);
    ask(link, link->silent ? 0 : QMP_ANSWER_USEC);
}

static void on_event(Qmp *qmp, const char *name, struct json_object *data, void *userdata)
{
    QemuLink *link = userdata;

    link->handler->event(name, data, link->userdata);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    connect_again(userdata);
    return 0;
}

/* The kernel accepts a connection before QEMU reads from it. */
static int on_no_hello(sd_event_source *source, uint64_t usec, void *userdata)
{
    QemuLink *link = userdata;

    if (!link->patient)
        qemu_link_go_silent(link);
    return 0;
}

static void on_closed(Qmp *qmp, int error, void *userdata)
{
    QemuLink *link = userdata;

    link->qmp = qmp_free(qmp);
    link->asked = false;
    link->handler->lost(link->userdata);
    /* QEMU closes the connection at its end too: only a QEMU that stays is asked again. */
    if (!link->ending)
        clock_after(link->event, RETRY_USEC, on_retry, link, &link->retry);
}

static void connect_again(QemuLink *link)
{
    static const QmpHandler handler = {on_ready, on_event, on_closed};

    if (link->qmp || link->ending)
        return;
    int r = qmp_connect(link->event, link->path, &handler, link, &link->qmp);
    if (r >= 0) {
        clock_after(link->event, QMP_ANSWER_USEC, on_no_hello, link, &link->retry);
        return;
    }
    /* A QEMU that is about to end refuses a connection too, and is gone by the next attempt. */
    if (++link->attempts == PATIENCE)
        log_guest(LOG_WARNING, link->guest, "cannot reach QEMU at %s: %s; trying again", link->path,
                  strerror(-r));
    if (link->attempts * RETRY_USEC >= QMP_ANSWER_USEC && !link->patient)
        qemu_link_go_silent(link);
    clock_after(link->event, RETRY_USEC, on_retry, link, &link->retry);
}

void qemu_link_open(QemuLink *link, bool patient)
{
    link->patient = patient;
    connect_again(link);
}

void qemu_link_close(QemuLink *link)
{
    link->retry = sd_event_source_disable_unref(link->retry);
    link->qmp = qmp_free(link->qmp);
    link->asked = false;
}
