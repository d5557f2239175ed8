/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients of a guest's console and display. Each gets one end of a socket pair, and QEMU the other over QMP:
 * getfd, then add_client. No socket has a name that others could connect to, and who has an end has been
 * asked for his rights. */
#include <fcntl.h>
#include <sys/socket.h>

#include "../../base/cleanup.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

/* QEMU lets go of the client before when its loop comes round. */
#define RETRY_USEC (G_USEC_PER_SEC / 20)
#define RETRIES 40
#define FD_NAME "client"

struct GuestOpening {
    GuestStream stream;
    bool force;
    bool shut;    /* whoever had the console was shut down */
    bool renewed; /* QEMU has let go of whoever had it */
    unsigned retries;
    int ours, theirs; /* theirs: a duplicate of QEMU's end of a console */
    sd_event_source *retry;
    GuestOpened opened;
    void *userdata;
};

static int connect_client(Guest *g);

/* Tells how it ended and forgets it; fd and fault are taken over. */
static void end(Guest *g, Fault *fault)
{
    GuestOpening *opening = g_steal_pointer(&g->run->opening);
    int fd = steal_fd(&opening->ours);

    if (fault)
        fd = close_fd(fd);
    sd_event_source_disable_unref(opening->retry);
    close_fd(opening->theirs);
    opening->opened(fd, fault, opening->userdata);
    fault_free(fault);
    g_free(opening);
}

static Fault *unresponsive(const Guest *g)
{
    Fault *fault;

    guest_raise_unresponsive(g, &fault);
    return fault;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    int r = connect_client(g);
    if (r < 0)
        end(g, unresponsive(g));
    return 0;
}

static void on_renewed(Guest *g, int error)
{
    if (error == 0)
        error = connect_client(g);
    if (error < 0)
        end(g, unresponsive(g));
}

static void drop_ends(GuestOpening *opening)
{
    opening->ours = close_fd(opening->ours);
    opening->theirs = close_fd(opening->theirs);
}

/* A chardev has one client, and add_client fails while there is another. */
static void refused(Guest *g, const char *message)
{
    GuestOpening *opening = g->run->opening;
    /* Of one that was connected before usherd was started there is no end to shut down. */
    bool stranger = opening->force && !opening->renewed && !opening->shut;

    if (opening->stream == GUEST_STREAM_DISPLAY) {
        end(g, fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s does not show its display: %s", g->name,
                         message));
    } else if (stranger) {
        opening->renewed = true;
        drop_ends(opening);
        if (guest_renew_console(g, on_renewed) < 0)
            end(g, unresponsive(g));
    } else if (opening->force && opening->retries++ < RETRIES) {
        drop_ends(opening);
        clock_after(g->engine->event, RETRY_USEC, on_retry, g, &opening->retry);
    } else {
        g_autofree char *remedy = opening->force
                                      ? g_strdup("try again")
                                      : g_strdup_printf("take it over: usherctl console --force %s", g->name);
        end(g, fault_new(FAULT_BUSY, remedy, "somebody has the console of guest %s open", g->name));
    }
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (error == -EREMOTEIO) {
        refused(g, message);
        return;
    }
    if (error < 0) {
        end(g, unresponsive(g));
        if (error == -ETIMEDOUT)
            guest_go_silent(g);
        return;
    }
    if (g->run->opening->stream == GUEST_STREAM_CONSOLE) {
        close_fd(g->run->console_end);
        g->run->console_end = steal_fd(&g->run->opening->theirs);
    }
    end(g, NULL);
}

static const char *protocol(const Guest *g)
{
    return g->run->opening->stream == GUEST_STREAM_CONSOLE ? "console"
                                                           : display_type_to_string(guest_display(g));
}

static void on_known(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *arguments;

    if (error == 0) {
        arguments = json_object_new_object();
        json_object_object_add(arguments, "protocol", json_object_new_string(protocol(g)));
        json_object_object_add(arguments, "fdname", json_object_new_string(FD_NAME));
        if (g->run->opening->stream == GUEST_STREAM_DISPLAY)
            json_object_object_add(arguments, "skipauth", json_object_new_boolean(true));
        error = qmp_command(qmp, "add_client", arguments, QMP_ANSWER_USEC, on_added, g);
    }
    if (error < 0)
        end(g, unresponsive(g));
    if (error == -ETIMEDOUT)
        guest_go_silent(g);
}

static int connect_client(Guest *g)
{
    int pair[2];

    if (!qemu_link_qmp(g->run->link))
        return -ENOTCONN;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    g->run->opening->ours = pair[0];
    if (g->run->opening->stream == GUEST_STREAM_CONSOLE)
        g->run->opening->theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 3);
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "fdname", json_object_new_string(FD_NAME));
    return qmp_command_with_fd(qemu_link_qmp(g->run->link), pair[1], "getfd", arguments, QMP_ANSWER_USEC,
                               on_known, g);
}

static int check(const Guest *g, GuestStream stream, Fault **ret_fault)
{
    if (!guest_state_live(g->state) || g->state == GUEST_RESTORING || g->state == GUEST_STARTING)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is %s", g->name,
                           guest_state_to_string(g->state));
    if (stream == GUEST_STREAM_DISPLAY && guest_display(g) == DISPLAY_NONE) {
        g_autofree char *remedy =
            g_strdup_printf("give it one for its next start: usherctl edit %s, [Display] Type=vnc", g->name);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s has no display", g->name);
    }
    if (!qemu_link_hears(g->run->link))
        return guest_raise_unresponsive(g, ret_fault);
    if (g->run->opening)
        return fault_raise(ret_fault, FAULT_BUSY, "try again",
                           "somebody else is being connected with guest %s", g->name);
    return 0;
}

int guest_open(Guest *g, GuestStream stream, bool force, GuestOpened opened, void *userdata,
               Fault **ret_fault)
{
    int r = check(g, stream, ret_fault);
    if (r != 0)
        return r;

    /* Both ends hear of it: QEMU is free for another, and whoever reads knows that he has lost it. */
    bool shut = stream == GUEST_STREAM_CONSOLE && force && g->run->console_end >= 0;
    if (shut) {
        shutdown(g->run->console_end, SHUT_RDWR);
        g->run->console_end = close_fd(g->run->console_end);
    }
    g->run->opening = g_new0(GuestOpening, 1);
    *g->run->opening = (GuestOpening){
        .stream = stream,
        .force = force,
        .shut = shut,
        .ours = -1,
        .theirs = -1,
        .opened = opened,
        .userdata = userdata,
    };
    r = connect_client(g);
    if (r >= 0)
        return 0;
    close_fd(g->run->opening->ours);
    close_fd(g->run->opening->theirs);
    g_clear_pointer(&g->run->opening, g_free);
    return r == -EBUSY ? fault_raise(ret_fault, FAULT_BUSY, "try again", "QEMU of guest %s is busy", g->name)
                       : r;
}

void guest_close_streams(Guest *g)
{
    if (g->run->opening)
        end(g, fault_new(FAULT_NOT_RUNNING, NULL, "guest %s went away", g->name));
    g->run->console_end = close_fd(g->run->console_end);
}

DisplayType guest_display(const Guest *g)
{
    const GuestDefinition *definition = guest_definition(g);

    return definition ? definition->display : DISPLAY_NONE;
}
