/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each call passes before usherd keeps, works for or quotes any of it: a call may be no longer than
 * usherd's methods need. sd-bus quotes in its own errors what it does not know, and the bus hangs up on
 * whoever sends more than its max_message_size (dbus-daemon(1)): no caller may make an answer that long. */
#include <string.h>
#include <sys/socket.h>

#include "api-private.h"

#define CALL_MAX (16 * 1024)
/* A call that brings definitions: the new text, the text that it replaces, and what stands around them. */
#define TEXTS_MAX (3 * DEFINITION_SIZE_MAX)
/* sd-bus itself drops a call with one of more than 64 KiB (BUS_PATH_SIZE_MAX). */
#define PATH_MAX_BYTES 512
#define DEPTH_MAX 16

static int take(size_t *left, size_t size)
{
    if (size > *left)
        return -EFBIG;
    *left -= size;
    return 0;
}

/* Subtracts what stands in the message from left; stops as soon as there is more: -EFBIG. */
static int measure(sd_bus_message *message, unsigned depth, size_t *left)
{
    const char *contents, *text;
    uint64_t number;
    char type;
    int r;

    while ((r = sd_bus_message_peek_type(message, &type, &contents)) > 0) {
        if (strchr("sog", type)) {
            r = sd_bus_message_read_basic(message, type, &text);
            if (r >= 0)
                r = take(left, strlen(text) + 1);
        } else if (strchr("arev", type)) {
            /* An empty container counts, too. */
            r = depth < DEPTH_MAX ? take(left, 1) : -EFBIG;
            if (r >= 0)
                r = sd_bus_message_enter_container(message, type, contents);
            if (r >= 0)
                r = measure(message, depth + 1, left);
            if (r >= 0)
                r = sd_bus_message_exit_container(message);
        } else if (type == 'h') {
            /* Reading would not take it either, but counts it. */
            r = sd_bus_message_skip(message, "h");
            if (r >= 0)
                r = take(left, sizeof(uint32_t));
        } else {
            r = sd_bus_message_read_basic(message, type, &number);
            if (r >= 0)
                r = take(left, 1);
        }
        if (r < 0)
            return r;
    }
    return r;
}

static size_t longest(const sd_bus_message *call)
{
    const char *member = sd_bus_message_get_member((sd_bus_message *)call);

    return g_strcmp0(member, "DefineGuest") == 0 || g_strcmp0(member, "ValidateDefinition") == 0 ? TEXTS_MAX
                                                                                                 : CALL_MAX;
}

/* Such a call changes nothing, so it is pointless without an answer. */
static bool only_asks(const sd_bus_message *call)
{
    static const char *const verbs[] = {"Get", "List", "Plan", "Check", "Validate", "Introspect", "Ping"};
    const char *member = sd_bus_message_get_member((sd_bus_message *)call);

    for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_has_prefix(member, verbs[i]))
            return true;
    return false;
}

/* Whether the next message in the connection's socket is a call (sd-bus reads one message after the other):
 * an answer to usherd keeps nobody waiting. The type is the second byte (D-Bus specification, Message
 * Format). */
static bool others_wait(sd_bus *bus)
{
    uint8_t header[2];

    return recv(sd_bus_get_fd(bus), header, sizeof(header), MSG_PEEK | MSG_DONTWAIT) == sizeof(header) &&
           header[1] == SD_BUS_MESSAGE_METHOD_CALL;
}

static UnreadVerdict judge_unread(Api *api, const Caller *caller, sd_bus_message *call)
{
    uint32_t uid;
    CallerKnown known = caller ? caller_known(caller, &uid) : CALLER_ROOT;

    return known == CALLER_ROOT || !sd_bus_message_get_expect_reply(call)
               ? UNREAD_ANSWER
               : unread_judge(api->unread, sd_bus_message_get_sender(call),
                              known == CALLER_USER ? &uid : NULL);
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    size_t most = longest(message), left = most;
    Api *api = userdata;

    if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0)
        return 0;
    Caller *caller = callers_find(api->callers, message);
    if (only_asks(message) && !sd_bus_message_get_expect_reply(message)) {
        if (caller)
            caller_pass(caller);
        return 1;
    }
    bool may = caller && caller_begin(caller, others_wait(api->bus));
    UnreadVerdict verdict = judge_unread(api, caller, message);
    if (verdict == UNREAD_DROP)
        return 1;
    if (verdict == UNREAD_REFUSE)
        return sd_bus_reply_method_errorf(
            message, SD_BUS_ERROR_LIMITS_EXCEEDED,
            "the bus holds too many answers that nobody has read; ask again later");
    if (!may)
        return sd_bus_reply_method_errorf(
            message, SD_BUS_ERROR_LIMITS_EXCEEDED,
            "other users wait, and you have had more of usherd's time lately; ask less often");
    if (strnlen(sd_bus_message_get_path(message), PATH_MAX_BYTES + 1) > PATH_MAX_BYTES)
        return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_OBJECT,
                                          "no object of usherd has a path of more than %d bytes",
                                          PATH_MAX_BYTES);
    int r = measure(message, 0, &left);
    if (r == -EFBIG)
        return sd_bus_reply_method_errorf(
            message, SD_BUS_ERROR_LIMITS_EXCEEDED,
            "the call is longer than %zu bytes, or deeper than %d containers; shorten it", most, DEPTH_MAX);
    /* Malformed contents are reported by the handler that reads them. */
    sd_bus_message_rewind(message, true);
    return 0;
}

int api_gate_new(Api *api)
{
    sd_bus_slot *slot;

    int r = sd_bus_add_filter(api->bus, &slot, on_message, api);
    if (r >= 0)
        g_ptr_array_add(api->slots, slot);
    return r;
}
