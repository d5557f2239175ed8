/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "qmp-message.h"

#define MESSAGE_MAX (16 * 1024 * 1024)

struct QmpReader {
    GByteArray *bytes;
    size_t scanned; /* no newline before this */
};

char *qmp_command_to_text(const char *name, struct json_object *arguments, uint64_t id)
{
    struct json_object *command = json_object_new_object();

    json_object_object_add(command, "execute", json_object_new_string(name));
    if (arguments)
        json_object_object_add(command, "arguments", json_object_get(arguments));
    json_object_object_add(command, "id", json_object_new_uint64(id));
    char *text = g_strconcat(json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN), "\n", NULL);
    json_object_put(command);
    return text;
}

QmpReader *qmp_reader_new(void)
{
    QmpReader *reader = g_new0(QmpReader, 1);

    reader->bytes = g_byte_array_new();
    return reader;
}

QmpReader *qmp_reader_free(QmpReader *reader)
{
    if (reader) {
        g_byte_array_unref(reader->bytes);
        g_free(reader);
    }
    return NULL;
}

int qmp_reader_feed(QmpReader *reader, const void *bytes, size_t size)
{
    if (reader->bytes->len + size > MESSAGE_MAX)
        return -EBADMSG;
    g_byte_array_append(reader->bytes, bytes, size);
    return 0;
}

static struct json_object *take(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, key, &value);
    return json_object_get(value);
}

static char *take_text(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(object, key, &value))
        return NULL;
    return g_strdup(json_object_get_string(value));
}

/* What it is shows by the key that it has (docs/interop/qmp-spec.txt). */
static int classify(struct json_object *object, QmpMessage *message)
{
    struct json_object *value;

    if (json_object_object_get_ex(object, "id", &value))
        message->id = json_object_get_uint64(value);
    if (json_object_object_get_ex(object, "return", NULL)) {
        message->kind = QMP_REPLY;
        message->data = take(object, "return");
    } else if (json_object_object_get_ex(object, "error", &value)) {
        message->kind = QMP_ERROR;
        message->text = take_text(value, "desc") ?: g_strdup("no reason given");
    } else if (json_object_object_get_ex(object, "event", NULL)) {
        message->kind = QMP_EVENT;
        message->name = take_text(object, "event");
        message->data = take(object, "data");
    } else if (json_object_object_get_ex(object, "QMP", NULL)) {
        message->kind = QMP_GREETING;
    } else {
        return -EBADMSG;
    }
    return 0;
}

static int parse(const char *text, size_t size, QmpMessage **ret)
{
    g_autoptr(QmpMessage) message = g_new0(QmpMessage, 1);
    struct json_tokener *tokener = json_tokener_new();
    int r = -EBADMSG;

    struct json_object *object = json_tokener_parse_ex(tokener, text, size);
    if (object && json_object_is_type(object, json_type_object))
        r = classify(object, message);
    json_object_put(object);
    json_tokener_free(tokener);
    if (r == 0)
        *ret = g_steal_pointer(&message);
    return r;
}

/* QEMU ends each message with a newline and has none within: its JSON is not pretty unless asked to be. */
int qmp_reader_next(QmpReader *reader, QmpMessage **ret)
{
    for (;;) {
        GByteArray *bytes = reader->bytes;
        const uint8_t *newline = bytes->len > reader->scanned ? memchr(bytes->data + reader->scanned, '\n',
                                                                       bytes->len - reader->scanned)
                                                              : NULL;
        if (!newline) {
            reader->scanned = bytes->len;
            return 0;
        }

        size_t length = newline - bytes->data;
        size_t text = length > 0 && bytes->data[length - 1] == '\r' ? length - 1 : length;
        int r = text > 0 ? parse((const char *)bytes->data, text, ret) : 0;
        g_byte_array_remove_range(bytes, 0, length + 1);
        reader->scanned = 0;
        if (text > 0)
            return r < 0 ? r : 1;
    }
}

QmpMessage *qmp_message_free(QmpMessage *message)
{
    if (message) {
        g_free(message->name);
        g_free(message->text);
        json_object_put(message->data);
        g_free(message);
    }
    return NULL;
}
