/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../base/log.h"
#include "../base/words.h"
#include "api-private.h"

/* Questions to polkit under way at once; more are turned away, so that nobody fills our memory with them. */
#define PENDING_MAX 64
/* Those of them that are only to know how well a question may be answered; the others go on without. */
#define ASKING_MAX 16

typedef struct Pending {
    Api *api;
    sd_bus_message *message;
    char *id;
    ApiAction act; /* or */
    ApiQuestion ask;
    PolkitQuery *query;
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

    if (api->pending->len >= PENDING_MAX)
        return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                          "too many requests wait for polkit; try again");

    Pending *pending = g_new0(Pending, 1);
    *pending = (Pending){api, sd_bus_message_ref(message), g_strdup(id), act, NULL, NULL};
    g_ptr_array_add(api->pending, pending);
    int r = polkit_check(api->bus, message, polkit_action, subject ? details : NULL, on_answer, pending,
                         &pending->query);
    if (r < 0) {
        g_ptr_array_remove_fast(api->pending, pending);
        return r;
    }
    return 1;
}

static bool enough_asked(const Api *api)
{
    unsigned n = 0;

    for (unsigned i = 0; i < api->pending->len; i++)
        n += ((const Pending *)g_ptr_array_index(api->pending, i))->ask != NULL;
    return n >= ASKING_MAX;
}

int api_question(Api *api, sd_bus_message *message, const char *polkit_action, const char *id,
                 ApiQuestion ask)
{
    if (api->pending->len >= PENDING_MAX || enough_asked(api))
        return ask(api, message, id, false);

    Pending *pending = g_new0(Pending, 1);
    *pending = (Pending){api, sd_bus_message_ref(message), g_strdup(id), NULL, ask, NULL};
    g_ptr_array_add(api->pending, pending);
    int r = polkit_check_quietly(api->bus, message, polkit_action, on_answer, pending, &pending->query);
    if (r < 0) {
        g_ptr_array_remove_fast(api->pending, pending);
        return r;
    }
    return 1;
}

int api_authorize_stopping(Api *api, sd_bus_message *message, const char *subject, const char *id,
                           ApiAction act)
{
    return api_authorize(api, message, "org.usher1.stop-holders", subject, id, act);
}

int api_authorize_subject(Api *api, sd_bus_message *message, const char *polkit_action, ApiAction act)
{
    const char *subject;

    int r = sd_bus_message_read(message, "s", &subject);
    return r < 0 ? r : api_authorize(api, message, polkit_action, subject, NULL, act);
}
