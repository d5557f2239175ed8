/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../base/log.h"
#include "../base/words.h"
#include "api-private.h"

typedef struct Pending {
    Api *api;
    sd_bus_message *message;
    char *id;
    ApiAction act; /* or */
    ApiRightKnown ask;
    PolkitQuery *query;
    Caller *caller; /* borrowed: it goes before its caller does */
} Pending;

void api_pending_free(void *data)
{
    Pending *pending = data;

    polkit_cancel(pending->query);
    sd_bus_message_unref(pending->message);
    g_free(pending->id);
    g_free(pending);
}

static void on_answer(bool allowed, const Fault *fault, void *userdata)
{
    Pending *pending = userdata;
    int r;

    pending->query = NULL;
    /* Before the act, which may ask again. */
    caller_done(pending->caller, pending->ask ? CALLER_ASKING : CALLER_RIGHT, pending);
    if (pending->ask) {
        sd_bus_message_rewind(pending->message, true);
        r = pending->ask(pending->api, pending->message, pending->id, allowed);
    } else if (allowed) {
        sd_bus_message_rewind(pending->message, true);
        r = pending->act(pending->api, pending->message, pending->id);
    } else {
        r = api_reply_error(pending->message, FAULT_RAISED, fault_copy(fault));
    }
    if (r < 0)
        log_warning("cannot answer %s: %s", sd_bus_message_get_member(pending->message), g_strerror(-r));
    g_ptr_array_remove_fast(pending->api->pending, pending);
}

int api_authorize(Api *api, sd_bus_message *message, const char *polkit_action, const char *subject,
                  const char *id, ApiAction act)
{
    g_autofree char *shown = subject ? words_cut(subject, WORDS_NAME_MAX) : NULL;
    const char *details[] = {"subject", shown, NULL};

    Caller *caller = callers_find(api->callers, message);
    unsigned most;

    Pending *pending = g_new0(Pending, 1);
    *pending = (Pending){api, sd_bus_message_ref(message), g_strdup(id), act, NULL, NULL, caller};
    if (!caller || !caller_take(caller, CALLER_RIGHT, pending, &most)) {
        api_pending_free(pending);
        return api_reply_limit(message, caller ? most : 0, "requests that wait for polkit");
    }
    g_ptr_array_add(api->pending, pending);
    int r = polkit_check(api->bus, message, polkit_action, subject ? details : NULL, on_answer, pending,
                         &pending->query);
    if (r < 0) {
        caller_done(caller, CALLER_RIGHT, pending);
        g_ptr_array_remove_fast(api->pending, pending);
        return r;
    }
    return 1;
}

int api_know_right(Api *api, sd_bus_message *message, const char *polkit_action, const char *id,
                   ApiRightKnown ask)
{
    Caller *caller = callers_find(api->callers, message);
    unsigned most;

    Pending *pending = g_new0(Pending, 1);
    *pending = (Pending){api, sd_bus_message_ref(message), g_strdup(id), NULL, ask, NULL, caller};
    if (!caller || !caller_take(caller, CALLER_ASKING, pending, &most)) {
        api_pending_free(pending);
        return ask(api, message, id, false);
    }
    g_ptr_array_add(api->pending, pending);
    int r = polkit_check_quietly(api->bus, message, polkit_action, on_answer, pending, &pending->query);
    if (r < 0) {
        caller_done(caller, CALLER_ASKING, pending);
        g_ptr_array_remove_fast(api->pending, pending);
        return r;
    }
    return 1;
}

void api_pending_drop(Api *api, void *pending)
{
    g_ptr_array_remove_fast(api->pending, pending);
}

int api_authorize_stopping(Api *api, sd_bus_message *message, const char *subject, const char *id,
                           ApiAction act)
{
    return api_authorize(api, message, "org.usher1.stop-holders", subject, id, act);
}

int api_authorize_reading(Api *api, sd_bus_message *message, const char *guest, const char *id, ApiAction act)
{
    if (manager_guest_closed(api->manager, guest))
        return api_authorize(api, message, "org.usher1.read-guest", guest, id, act);
    sd_bus_message_rewind(message, true);
    return act(api, message, id);
}

int api_authorize_subject(Api *api, sd_bus_message *message, const char *polkit_action, ApiAction act)
{
    const char *subject;

    int r = sd_bus_message_read(message, "s", &subject);
    return r < 0 ? r : api_authorize(api, message, polkit_action, subject, NULL, act);
}
