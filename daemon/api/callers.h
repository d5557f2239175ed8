/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers: each connection to the bus that has called lately, the user it belongs to, and what both
 * have cost. Limits are per user, however many connections a user opens. The bus says upon a connection's
 * first call whose it is, later than that call: until then the connection counts for itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct Callers Callers;
typedef struct Caller Caller;

/* What a user may have under way. */
typedef enum CallerDue {
    CALLER_QUESTION, /* answered later: plans, holders, checks */
    CALLER_RIGHT,    /* waits for polkit */
    CALLER_ASKING, /* likewise, to know how well a question may be answered: one goes on without, if there are
                      too many */
    CALLER_DUE_MAX,
} CallerDue;

/* What a connection was waiting for when it left; it is counted no more, and the caller is dead after the
 * call. */
typedef void (*CallerLeft)(CallerDue kind, void *due, void *userdata);

Callers *callers_new(sd_bus *bus, CallerLeft left, void *userdata);
Callers *callers_free(Callers *callers);

/* The sender of a call; NULL: it has none. Borrowed until it leaves. */
Caller *callers_find(Callers *callers, sd_bus_message *call);

/* He has called, and nothing is done for it. */
void caller_pass(Caller *caller);

/* usherd works for this caller from now on. False: others wait, nobody has had more of usherd's time
 * lately than this caller's user, and the caller does not wait for answers. */
bool caller_begin(Caller *caller, bool others_wait);

/* Whose the connection is, as far as the bus has said; *ret_uid is set if that is known. */
typedef enum CallerKnown {
    CALLER_UNKNOWN,
    CALLER_USER,
    CALLER_ROOT,
} CallerKnown;
CallerKnown caller_known(const Caller *caller, uint32_t *ret_uid);

/* Notes one more thing under way, which is given back by caller_done(). False: there are *ret_most already.
 */
bool caller_take(Caller *caller, CallerDue kind, void *due, unsigned *ret_most);
void caller_done(Caller *caller, CallerDue kind, void *due);
