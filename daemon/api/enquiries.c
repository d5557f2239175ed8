/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that are answered later. What a user may ask at once is bounded, and the questions of a caller who
 * leaves are dropped. */
#include "../edge/host-services/clock.h"
#include "api-private.h"

/* A check looks at all of the host: those who ask within this time get one answer. */
#define CHECK_USEC (250 * 1000)

struct ApiEnquiry {
    Api *api;
    sd_bus_message *message;
    Caller *caller;
    bool checks; /* waits for a check of the host, not for the manager */
    /* Waits for QEMU's abilities. */
    ApiAction act;
    char *id;
};

/* Not caller_done(): a caller who has left is no longer counted. */
static void enquiry_free(ApiEnquiry *enquiry)
{
    sd_bus_message_unref(enquiry->message);
    g_free(enquiry->id);
    g_free(enquiry);
}

int api_enquiry_new(Api *api, sd_bus_message *message, ApiEnquiry **ret)
{
    Caller *caller = callers_find(api->callers, message);
    unsigned most;

    if (!sd_bus_message_get_expect_reply(message))
        return 1;
    ApiEnquiry *enquiry = g_new0(ApiEnquiry, 1);
    *enquiry = (ApiEnquiry){.api = api, .message = sd_bus_message_ref(message), .caller = caller};
    if (!caller || !caller_take(caller, CALLER_QUESTION, enquiry, &most)) {
        enquiry_free(enquiry);
        return api_reply_limit(message, caller ? most : 0, "questions under way");
    }
    *ret = enquiry;
    return 0;
}

sd_bus_message *api_enquiry_end(ApiEnquiry *enquiry)
{
    sd_bus_message *message = sd_bus_message_ref(enquiry->message);

    caller_done(enquiry->caller, CALLER_QUESTION, enquiry);
    enquiry_free(enquiry);
    return message;
}

void api_enquiry_drop(ApiEnquiry *enquiry)
{
    if (enquiry->checks)
        g_ptr_array_remove(enquiry->api->checking, enquiry);
    else
        manager_forget(enquiry->api->manager, enquiry);
    if (enquiry->api->closing)
        api_reply_error(enquiry->message, FAULT_RAISED,
                        fault_new(FAULT_FAILED, "ask again", "usherd is being stopped"));
    enquiry_free(enquiry);
}

static void on_qemu(const QemuFacts *facts, const char *failure, void *userdata)
{
    ApiEnquiry *enquiry = userdata;
    Api *api = enquiry->api;
    ApiAction act = enquiry->act;
    g_autofree char *id = g_steal_pointer(&enquiry->id);
    sd_bus_message *message = api_enquiry_end(enquiry);

    sd_bus_message_rewind(message, true);
    int r = act(api, message, id);
    if (r < 0)
        api_reply_error(message, r, NULL);
    sd_bus_message_unref(message);
}

int api_know_qemu(Api *api, sd_bus_message *message, const char *id, ApiAction act)
{
    ApiEnquiry *enquiry;

    if (manager_knows_qemu(api->manager) || !sd_bus_message_get_expect_reply(message))
        return act(api, message, id);
    int r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    enquiry->act = act;
    enquiry->id = g_strdup(id);
    manager_ask_qemu(api->manager, on_qemu, enquiry);
    return 1;
}

/* The check. */

static void append_findings(sd_bus_message *reply, const GPtrArray *findings)
{
    int r = sd_bus_message_open_container(reply, 'a', "(ssss)");

    for (unsigned i = 0; r >= 0 && i < findings->len; i++) {
        const Finding *finding = g_ptr_array_index(findings, i);
        r = api_append(reply, "(ssss)", finding->id, finding_level_to_string(finding->level),
                       finding->message, finding->remedy);
    }
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        sd_bus_message_send(reply);
}

static void on_checked(const GPtrArray *findings, void *userdata)
{
    Api *api = userdata;

    api->check_runs = false;
    while (api->checking->len > 0) {
        sd_bus_message *message = api_enquiry_end(g_ptr_array_steal_index(api->checking, 0)), *reply = NULL;
        if (sd_bus_message_new_method_return(message, &reply) >= 0)
            append_findings(reply, findings);
        sd_bus_message_unref(reply);
        sd_bus_message_unref(message);
    }
}

static void run_check(Api *api)
{
    api->checked = g_get_monotonic_time();
    api->check_runs = true;
    manager_check(api->manager, on_checked, api);
}

static int on_check_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    Api *api = userdata;

    api->check_timer = sd_event_source_disable_unref(api->check_timer);
    if (api->checking->len > 0)
        run_check(api);
    return 0;
}

int api_check(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    ApiEnquiry *enquiry;
    Api *api = userdata;

    int r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    enquiry->checks = true;
    g_ptr_array_add(api->checking, enquiry);
    /* A check that runs looks at the host only at its end, so it answers this call too. */
    gint64 wait = api->checked + CHECK_USEC - g_get_monotonic_time();
    if (api->check_timer || api->check_runs)
        return 1;
    if (wait <= 0)
        run_check(api);
    else
        r = clock_after(sd_bus_get_event(api->bus), wait, on_check_time, api, &api->check_timer);
    return r < 0 ? r : 1;
}
