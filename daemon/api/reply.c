/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../base/words.h"
#include "api-private.h"

int api_reply_error(sd_bus_message *message, int r, Fault *fault)
{
    if (r < 0)
        return sd_bus_reply_method_errnof(message, r, "unexpected: %s", g_strerror(-r));

    g_autofree char *name = g_strconcat("org.usher1.Error.", fault_kind_to_string(fault->kind), NULL);
    g_autofree char *line = fault_to_line(fault), *words = g_utf8_make_valid(line, -1);
    fault_free(fault);
    return sd_bus_reply_method_errorf(message, name, "%s", words);
}

int api_reply_limit(sd_bus_message *message, unsigned most, const char *what)
{
    return sd_bus_reply_method_errorf(
        message, SD_BUS_ERROR_LIMITS_EXCEEDED,
        "you have %u %s already, as many as one user may have; wait for one of them", most, what);
}

char *api_closed_words(const Fault *fault, const char *guest)
{
    return g_strdup_printf("guest %s: %s; users who may read its definition see more: usherctl status %s",
                           guest, fault_kind_to_string(fault->kind), guest);
}

int api_reply_job(sd_bus_message *message, int r, unsigned job, Fault *fault)
{
    if (r != 0)
        return api_reply_error(message, r, fault);

    g_autofree char *id = g_strdup_printf("%u", job);
    g_autofree char *path = api_path(API_JOB, id);
    return sd_bus_reply_method_return(message, "o", path);
}

static int append_steps(sd_bus_message *reply, const GPtrArray *steps)
{
    int r = sd_bus_message_open_container(reply, 'a', "(ssss)");

    for (unsigned i = 0; r >= 0 && i < steps->len; i++) {
        const Step *step = g_ptr_array_index(steps, i);
        r = api_append(reply, "(ssss)", step_kind_to_string(step->kind), step->subject, step->before,
                       step->after);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

int api_reply_steps(sd_bus_message *message, int r, GPtrArray *steps, Fault *fault)
{
    sd_bus_message *reply = NULL;

    if (r != 0)
        return api_reply_error(message, r, fault);
    r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = append_steps(reply, steps);
    if (r >= 0)
        r = sd_bus_message_send(reply);
    sd_bus_message_unref(reply);
    g_ptr_array_unref(steps);
    return r;
}

void api_reply_planned(const GPtrArray *steps, const Fault *fault, void *enquiry)
{
    sd_bus_message *message = api_enquiry_end(enquiry);

    if (steps)
        api_reply_steps(message, 0, g_ptr_array_ref((GPtrArray *)steps), NULL);
    else
        api_reply_error(message, FAULT_RAISED, fault_copy(fault));
    sd_bus_message_unref(message);
}

static int append_holders(sd_bus_message *reply, const GPtrArray *holders)
{
    int r = sd_bus_message_open_container(reply, 'a', "(sssusssb)");

    for (unsigned i = 0; r >= 0 && i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        r = api_append(reply, "(sssusssb)", holder_kind_to_string(holder->kind), holder->device, holder->what,
                       (uint32_t)holder->pid, holder->command, holder->unit, holder->session,
                       (int)holder_needed(holder));
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

void api_reply_held(const GPtrArray *holders, const Fault *fault, void *enquiry)
{
    sd_bus_message *message = api_enquiry_end(enquiry), *reply = NULL;
    int r = holders ? sd_bus_message_new_method_return(message, &reply) : 0;

    if (holders && r >= 0)
        r = append_holders(reply, holders);
    if (holders && r >= 0)
        sd_bus_message_send(reply);
    if (!holders)
        api_reply_error(message, FAULT_RAISED, fault_copy(fault));
    sd_bus_message_unref(reply);
    sd_bus_message_unref(message);
}

int api_reply_later(sd_bus_message *message, int r, Fault *fault)
{
    if (r == 0)
        return 1;
    r = api_reply_error(message, r, fault);
    sd_bus_message_unref(message);
    return r;
}

int api_raise_option(Fault **ret_fault, const char *key, const char *wrong, const char *remedy)
{
    g_autofree char *shown = words_quote(key);

    return fault_raise(ret_fault, FAULT_BAD_OPTION, remedy, "option %s %s", shown, wrong);
}

int api_enquiry_later(ApiEnquiry *enquiry, int r, Fault *fault)
{
    return r == 0 ? 1 : api_reply_later(api_enquiry_end(enquiry), r, fault);
}

/* "all", or "0,1": bits of functions; 0 for all. */
static int parse_functions(const char *text, uint8_t *ret, Fault **ret_fault)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    uint8_t functions = 0;

    if (g_str_equal(text, "all")) {
        *ret = 0;
        return 0;
    }
    for (char **word = words; *word; word++) {
        const char *number = g_strstrip(*word);
        if (strlen(number) != 1 || *number < '0' || *number > '7') {
            g_autofree char *shown = words_quote(text);
            return fault_raise(ret_fault, FAULT_BAD_OPTION, "say all, or numbers from 0 to 7 such as 0,1",
                               "functions=%s is not understood", shown);
        }
        functions |= 1U << (*number - '0');
    }
    if (functions == 0)
        return fault_raise(ret_fault, FAULT_BAD_OPTION, "say all, or numbers from 0 to 7 such as 0,1",
                           "functions= is empty");
    *ret = functions;
    return 0;
}

/* A service's name, as systemd.unit(5) has it. */
static bool is_service(const char *name)
{
    if (!g_str_has_suffix(name, ".service") || strlen(name) > 255)
        return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr(":-_.\\@", *c))
            return false;
    return true;
}

static int read_units(sd_bus_message *message, char ***ret, Fault **ret_fault)
{
    g_auto(GStrv) units = NULL;
    int r = sd_bus_message_enter_container(message, 'v', "as");
    if (r == -ENXIO)
        return fault_raise(ret_fault, FAULT_BAD_OPTION, "its value is an array of strings",
                           "option stop_holders is of the wrong type");
    if (r >= 0)
        r = sd_bus_message_read_strv(message, &units);
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r < 0)
        return r;
    for (char **unit = units; unit && *unit; unit++)
        if (!is_service(*unit)) {
            g_autofree char *shown = words_quote(*unit);
            return fault_raise(ret_fault, FAULT_BAD_OPTION, "name services, such as sunshine.service",
                               "stop_holders: \"%s\" is not a service", shown);
        }
    g_strfreev(*ret);
    *ret = units && *units ? g_steal_pointer(&units) : NULL;
    return 0;
}

static int take_bind_option(const char *key, const char *value, BindWish *wish, Fault **ret_fault)
{
    if (g_str_equal(key, "functions"))
        return parse_functions(value, &wish->functions, ret_fault);
    if (!g_str_equal(key, "group"))
        return api_raise_option(ret_fault, key, "is not known",
                                "known are functions, group and stop_holders");
    if (!g_str_equal(value, "all") && !g_str_equal(value, "only")) {
        g_autofree char *shown = words_quote(value);
        return fault_raise(ret_fault, FAULT_BAD_OPTION, "say only, or all", "group=%s is not understood",
                           shown);
    }
    wish->whole_group = g_str_equal(value, "all");
    return 0;
}

/* wish and ret_units may be NULL: those options are not known then. */
static int read_options(sd_bus_message *message, BindWish *wish, char ***ret_units, Fault **ret_fault)
{
    const char *key, *value;

    int r = sd_bus_message_enter_container(message, 'a', "{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = sd_bus_message_read(message, "s", &key);
        if (r < 0)
            return r;
        bool units = ret_units && g_str_equal(key, "stop_holders");
        if (!wish && !units)
            return api_raise_option(ret_fault, key, "is not known",
                                    ret_units ? "known is stop_holders" : "there are none yet");
        r = units ? read_units(message, ret_units, ret_fault)
                  : sd_bus_message_read(message, "v", "s", &value);
        if (!units && r == -ENXIO)
            return api_raise_option(ret_fault, key, "is of the wrong type", "its value is a string");
        if (!units && r >= 0)
            r = take_bind_option(key, value, wish, ret_fault);
        if (r != 0 && (r < 0 || r == FAULT_RAISED))
            return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message) < 0 ? -EBADMSG : 0;
}

int api_read_no_options(sd_bus_message *message, Fault **ret_fault)
{
    return read_options(message, NULL, NULL, ret_fault);
}

int api_read_start_options(sd_bus_message *message, char ***ret_may_stop, Fault **ret_fault)
{
    return read_options(message, NULL, ret_may_stop, ret_fault);
}

int api_read_bind_options(sd_bus_message *message, BindWish *wish, Fault **ret_fault)
{
    return read_options(message, wish, &wish->may_stop, ret_fault);
}

int api_read_force_option(sd_bus_message *message, bool *ret, Fault **ret_fault)
{
    const char *key;
    int force = false;

    int r = sd_bus_message_enter_container(message, 'a', "{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = sd_bus_message_read(message, "s", &key);
        if (r < 0)
            return r;
        if (!g_str_equal(key, "force"))
            return api_raise_option(ret_fault, key, "is not known", "known is force");
        r = sd_bus_message_read(message, "v", "b", &force);
        if (r == -ENXIO)
            return fault_raise(ret_fault, FAULT_BAD_OPTION, "its value is a boolean",
                               "option force is of the wrong type");
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = force;
    return 0;
}
