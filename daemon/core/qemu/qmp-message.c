/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-message.h"

#include <string.h>

#include "../../base/cleanup.h"

GuestEnd qmp_shutdown_end(const char *reason)
{
    if (g_strcmp0(reason, "guest-shutdown") == 0)
        return GUEST_END_POWER_OFF;
    if (g_strcmp0(reason, "guest-reset") == 0 || g_strcmp0(reason, "host-qmp-system-reset") == 0)
        return GUEST_END_REBOOT;
    return GUEST_END_OTHER;
}

/* The nodes of a chain of disk images are nested in one another. */
#define DEPTH_MAX 256

struct QmpReader {
    struct json_tokener *tokener;
    GByteArray *bytes;   /* fed and not yet parsed */
    size_t message_size; /* bytes parsed of the unfinished message */
    bool broken;
};

char *qmp_command_to_text(const char *name, struct json_object *arguments, uint64_t id)
{
    struct json_object *command = json_object_new_object();
    char *text;

    json_object_object_add(command, "execute", json_object_new_string(name));
    if (arguments)
        json_object_object_add(command, "arguments", json_object_get(arguments));
    json_object_object_add(command, "id", json_object_new_uint64(id));
    text = g_strconcat(json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN), "\n", NULL);
    json_object_put(command);
    return text;
}

QmpReader *qmp_reader_new(void)
{
    QmpReader *reader = g_new0(QmpReader, 1);

    reader->tokener = json_tokener_new_ex(DEPTH_MAX);
    json_tokener_set_flags(reader->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
                                                JSON_TOKENER_VALIDATE_UTF8);
    reader->bytes = g_byte_array_new();
    return reader;
}

DEFINE_FREE(QmpReader, qmp_reader_free, reader)
{
    json_tokener_free(reader->tokener);
    g_byte_array_unref(reader->bytes);
}

int qmp_reader_feed(QmpReader *reader, const void *bytes, size_t size)
{
    /* A NUL byte would end the text for the tokener, and no JSON has one. */
    if (size > QMP_MESSAGE_MAX || reader->bytes->len > QMP_MESSAGE_MAX || memchr(bytes, '\0', size))
        reader->broken = true;
    if (reader->broken)
        return -EBADMSG;
    g_byte_array_append(reader->bytes, bytes, size);
    return 0;
}

/* Parses on from where it stopped: 1 and a value, 0 if the value is not whole yet, or -EBADMSG. */
static int parse_value(QmpReader *reader, struct json_object **ret)
{
    const char *text = (const char *)reader->bytes->data;
    struct json_object *value = json_tokener_parse_ex(reader->tokener, text, reader->bytes->len);
    enum json_tokener_error error = json_tokener_get_error(reader->tokener);
    size_t parsed = json_tokener_get_parse_end(reader->tokener);

    if (error != json_tokener_success && error != json_tokener_continue)
        return -EBADMSG;
    g_byte_array_remove_range(reader->bytes, 0, parsed);
    reader->message_size += parsed;
    if (reader->message_size > QMP_MESSAGE_MAX) {
        json_object_put(value);
        return -EBADMSG;
    }
    if (error == json_tokener_continue)
        return 0;
    reader->message_size = 0;
    *ret = value;
    return 1;
}

static bool member(struct json_object *object, const char *name, enum json_type type,
                   struct json_object **ret)
{
    return json_object_object_get_ex(object, name, ret) && json_object_is_type(*ret, type);
}

static char *error_text(struct json_object *error)
{
    struct json_object *text;

    if (!member(error, "desc", json_type_string, &text))
        return g_strdup("an error without a message");
    return g_strdup(json_object_get_string(text));
}

/* Reads a JSON object as a QMP message (QEMU's docs/interop/qmp-spec.txt). NULL if it is none. */
static QmpMessage *message_from_object(struct json_object *object)
{
    g_autoptr(QmpMessage) message = g_new0(QmpMessage, 1);
    struct json_object *value;

    if (member(object, "id", json_type_int, &value))
        message->id = json_object_get_uint64(value);
    if (member(object, "QMP", json_type_object, &value)) {
        message->kind = QMP_GREETING;
    } else if (member(object, "event", json_type_string, &value)) {
        message->kind = QMP_EVENT;
        message->name = g_strdup(json_object_get_string(value));
        if (json_object_object_get_ex(object, "data", &value))
            message->data = json_object_get(value);
    } else if (member(object, "error", json_type_object, &value)) {
        message->kind = QMP_ERROR;
        message->text = error_text(value);
    } else if (json_object_object_get_ex(object, "return", &value)) {
        message->kind = QMP_REPLY;
        message->data = json_object_get(value);
    } else {
        return NULL;
    }
    return g_steal_pointer(&message);
}

int qmp_reader_next(QmpReader *reader, QmpMessage **ret)
{
    struct json_object *object = NULL;
    QmpMessage *message = NULL;
    unsigned blanks = 0;
    int r;

    if (reader->broken)
        return -EBADMSG;
    if (reader->message_size == 0) {
        while (blanks < reader->bytes->len && g_ascii_isspace(reader->bytes->data[blanks]))
            blanks++;
        g_byte_array_remove_range(reader->bytes, 0, blanks);
    }
    if (reader->bytes->len == 0)
        return 0;
    r = parse_value(reader, &object);
    if (r == 0)
        return 0;
    if (r > 0 && json_object_is_type(object, json_type_object))
        message = message_from_object(object);
    json_object_put(object);
    if (!message) {
        reader->broken = true;
        return -EBADMSG;
    }
    *ret = message;
    return 1;
}

DEFINE_FREE(QmpMessage, qmp_message_free, message)
{
    g_free(message->name);
    g_free(message->text);
    json_object_put(message->data);
}
