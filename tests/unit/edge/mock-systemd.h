/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mock of systemd's manager object with one unit, as far as the launcher uses it. It is a mock because PID
 * 1 of a machine that runs tests seldom is systemd; signatures are those of org.freedesktop.systemd1(5). The
 * lab shows what systemd really does. */
#pragma once

#include "private-bus.h"

#define MOCK_ROOT "/org/freedesktop/systemd1"
/* sd_bus_path_encode() of usher-guest@win10.service, the one unit there is. */
#define MOCK_UNIT_PATH MOCK_ROOT "/unit/usher_2dguest_40win10_2eservice"

typedef struct MockSystemd {
    sd_bus *bus;
    GString *calls; /* "StartUnit usher-guest@win10.service replace|" … */
    unsigned next_job;
    int references;                /* RefUnit less UnrefUnit */
    int status_reads;              /* how often ExecMainStatus was asked for */
    bool late;                     /* only mock_systemd_answer() answers StartUnit, StopUnit and Reload */
    GPtrArray *unanswered;         /* of sd_bus_message, owned, the oldest first */
    const char *refusal;           /* an error's message for those and KillUnit; NULL: none */
    const char *state, *sub_state; /* of the unit; sub_state NULL: some */
    const char *property_error;    /* an error's name for all properties; NULL: none */
    struct {
        uint32_t main_pid, exec_pid;
        uint64_t ended;
        int32_t code, status;
    } unit;
} MockSystemd;

static inline int mock_on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    MockSystemd *mock = userdata;
    const char *member = sd_bus_message_get_member(m), *text;
    bool about_unit = g_str_equal(member, "StartUnit") || g_str_equal(member, "StopUnit");
    bool waits = about_unit || g_str_equal(member, "Reload");
    int32_t signo;

    g_string_append(mock->calls, member);
    while (sd_bus_message_peek_type(m, NULL, NULL) > 0) {
        if (sd_bus_message_read(m, "s", &text) >= 0)
            g_string_append_printf(mock->calls, " %s", text);
        else if (sd_bus_message_read(m, "i", &signo) >= 0)
            g_string_append_printf(mock->calls, " %d", signo);
    }
    g_string_append_c(mock->calls, '|');
    mock->references += g_str_equal(member, "RefUnit") - g_str_equal(member, "UnrefUnit");
    if (waits && mock->late) {
        g_ptr_array_add(mock->unanswered, sd_bus_message_ref(m));
        return 1;
    }
    if (mock->refusal && (waits || g_str_equal(member, "KillUnit")))
        return sd_bus_error_set(error, "org.freedesktop.systemd1.UnitMasked", mock->refusal);
    if (!about_unit)
        return sd_bus_reply_method_return(m, NULL);
    g_autofree char *job = g_strdup_printf(MOCK_ROOT "/job/%u", ++mock->next_job);
    return sd_bus_reply_method_return(m, "o", job);
}

static inline void mock_message_free(void *message)
{
    sd_bus_message_unref(message);
}

/* Answers the oldest waiting call so many times, with a job (Reload has none) or with the refusal. */
static inline void mock_systemd_answer(MockSystemd *mock, unsigned times)
{
    g_autofree char *job = g_strdup_printf(MOCK_ROOT "/job/%u", ++mock->next_job);

    ck_assert_uint_gt(mock->unanswered->len, 0);
    for (unsigned i = 0; i < times; i++) {
        sd_bus_message *call = g_ptr_array_index(mock->unanswered, 0);
        int r = mock->refusal ? sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.UnitMasked", "%s",
                                                           mock->refusal)
              : sd_bus_message_is_method_call(call, NULL, "Reload")
                  ? sd_bus_reply_method_return(call, NULL)
                  : sd_bus_reply_method_return(call, "o", job);
        ck_assert_int_ge(r, 0);
    }
    g_ptr_array_remove_index(mock->unanswered, 0);
}

static inline int mock_on_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    MockSystemd *mock = userdata;

    mock->status_reads += g_str_equal(property, "ExecMainStatus");
    if (mock->property_error)
        return sd_bus_error_set(error, mock->property_error, "not now");
    if (g_str_equal(property, "MainPID"))
        return sd_bus_message_append(reply, "u", mock->unit.main_pid);
    if (g_str_equal(property, "ExecMainPID"))
        return sd_bus_message_append(reply, "u", mock->unit.exec_pid);
    if (g_str_equal(property, "ExecMainExitTimestamp"))
        return sd_bus_message_append(reply, "t", mock->unit.ended);
    if (g_str_equal(property, "ExecMainCode"))
        return sd_bus_message_append(reply, "i", mock->unit.code);
    if (g_str_equal(property, "ExecMainStatus"))
        return sd_bus_message_append(reply, "i", mock->unit.status);
    return sd_bus_message_append(reply, "s", "usher.slice");
}

static const sd_bus_vtable mock_manager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Subscribe", NULL, NULL, mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", NULL, NULL, mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ResetFailedUnit", "s", NULL, mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StartUnit", "ss", "o", mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StopUnit", "ss", "o", mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("KillUnit", "ssi", NULL, mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RefUnit", "s", NULL, mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("UnrefUnit", "s", NULL, mock_on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable mock_service[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Slice", "s", mock_on_property, 0, 0),
    SD_BUS_PROPERTY("MainPID", "u", mock_on_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ExecMainPID", "u", mock_on_property, 0, 0),
    SD_BUS_PROPERTY("ExecMainExitTimestamp", "t", mock_on_property, 0, 0),
    SD_BUS_PROPERTY("ExecMainCode", "i", mock_on_property, 0, 0),
    SD_BUS_PROPERTY("ExecMainStatus", "i", mock_on_property, 0, 0),
    SD_BUS_VTABLE_END,
};

static inline int mock_on_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const MockSystemd *mock = userdata;

    return sd_bus_message_append(reply, "s", g_str_equal(property, "ActiveState") ? mock->state : mock->sub_state ?: "some");
}

static const sd_bus_vtable mock_unit[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("SubState", "s", mock_on_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ActiveState", "s", mock_on_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

static inline void mock_systemd_start(MockSystemd *mock, const PrivateBus *bus, sd_event *event)
{
    *mock = (MockSystemd){.calls = g_string_new(NULL),
                          .unanswered = g_ptr_array_new_with_free_func(mock_message_free)};
    mock->bus = private_bus_connect(bus, event, "org.freedesktop.systemd1");
    ck_assert_int_ge(sd_bus_add_object_vtable(mock->bus, NULL, MOCK_ROOT, "org.freedesktop.systemd1.Manager",
                                              mock_manager, mock),
                     0);
    ck_assert_int_ge(sd_bus_add_object_vtable(mock->bus, NULL, MOCK_UNIT_PATH,
                                              "org.freedesktop.systemd1.Service", mock_service, mock),
                     0);
    ck_assert_int_ge(sd_bus_add_object_vtable(mock->bus, NULL, MOCK_UNIT_PATH,
                                              "org.freedesktop.systemd1.Unit", mock_unit, mock),
                     0);
}

static inline void mock_systemd_stop(MockSystemd *mock)
{
    g_ptr_array_unref(mock->unanswered);
    mock->bus = sd_bus_flush_close_unref(mock->bus);
    g_string_free(mock->calls, TRUE);
}

static inline void mock_systemd_end_job(MockSystemd *mock, unsigned job, const char *unit, const char *result)
{
    g_autofree char *path = g_strdup_printf(MOCK_ROOT "/job/%u", job);

    ck_assert_int_ge(sd_bus_emit_signal(mock->bus, MOCK_ROOT, "org.freedesktop.systemd1.Manager",
                                        "JobRemoved", "uoss", job, path, unit, result),
                     0);
}

static inline void mock_systemd_tell_change(MockSystemd *mock)
{
    ck_assert_int_ge(sd_bus_emit_properties_changed(mock->bus, MOCK_UNIT_PATH,
                                                    "org.freedesktop.systemd1.Service", "MainPID", NULL),
                     0);
}

static inline void mock_systemd_set_state(MockSystemd *mock, const char *state)
{
    mock->state = state;
    ck_assert_int_ge(sd_bus_emit_properties_changed(mock->bus, MOCK_UNIT_PATH,
                                                    "org.freedesktop.systemd1.Unit", "SubState",
                                                    "ActiveState", NULL),
                     0);
}
