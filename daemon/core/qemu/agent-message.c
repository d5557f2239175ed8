/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-message.h"

#include <arpa/inet.h>
#include <string.h>

#include "../../base/cleanup.h"

#define SYNC_MARK 0xff
#define DEPTH_MAX 16
#define WORDS_MAX 200

char *agent_command_to_text(const char *name, struct json_object *arguments)
{
    struct json_object *command = json_object_new_object();

    json_object_object_add(command, "execute", json_object_new_string(name));
    if (arguments)
        json_object_object_add(command, "arguments", arguments);
    char *text = g_strconcat(json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN), "\n", NULL);
    json_object_put(command);
    return text;
}

char *agent_sync_to_text(uint64_t id)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "id", json_object_new_int64((int64_t)id));
    g_autofree char *command = agent_command_to_text("guest-sync-delimited", arguments);
    return g_strdup_printf("%c%s", SYNC_MARK, command);
}

struct AgentReader {
    GString *text;
};

AgentReader *agent_reader_new(void)
{
    AgentReader *reader = g_new0(AgentReader, 1);

    reader->text = g_string_new(NULL);
    return reader;
}

DEFINE_FREE(AgentReader, agent_reader_free, reader)
{
    g_string_free(reader->text, TRUE);
}

int agent_reader_feed(AgentReader *reader, const char *bytes, size_t size)
{
    if (reader->text->len + size > AGENT_LINE_MAX)
        return -EBADMSG;
    g_string_append_len(reader->text, bytes, size);
    return 0;
}

int agent_reader_next(AgentReader *reader, char **ret, bool *ret_marked)
{
    char *end = memchr(reader->text->str, '\n', reader->text->len);

    if (!end)
        return 0;
    size_t size = end - reader->text->str;
    const char *mark = memrchr(reader->text->str, SYNC_MARK, size);
    const char *start = mark ? mark + 1 : reader->text->str;

    *ret = g_strndup(start, end - start);
    *ret_marked = mark != NULL;
    g_string_erase(reader->text, 0, size + 1);
    return 1;
}

/* Printable, in one line, not long: it is shown to people and written to the journal. */
static char *tame(const char *words)
{
    g_autofree char *valid = g_utf8_make_valid(words, -1), *escaped = g_strescape(valid, NULL);

    if (strlen(escaped) > WORDS_MAX)
        escaped[WORDS_MAX] = '\0';
    return g_steal_pointer(&escaped);
}

int agent_answer_parse(const char *line, struct json_object **ret, char **ret_message)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *answer = json_tokener_parse_ex(tokener, line, -1), *value, *words;
    int r = -EBADMSG;

    json_tokener_free(tokener);
    if (json_object_is_type(answer, json_type_object) && json_object_object_get_ex(answer, "error", &value)) {
        bool said = json_object_is_type(value, json_type_object) &&
                    json_object_object_get_ex(value, "desc", &words) &&
                    json_object_is_type(words, json_type_string);
        *ret_message = tame(said ? json_object_get_string(words) : "an error without a message");
        r = -EREMOTEIO;
    } else if (json_object_is_type(answer, json_type_object) &&
               json_object_object_get_ex(answer, "return", &value)) {
        *ret = json_object_get(value);
        r = 0;
    }
    json_object_put(answer);
    return r;
}

/* The address as the C library writes it; NULL if it is none, or of no use to others. */
static char *read_address(const char *text)
{
    char written[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1) {
        uint32_t number = ntohl(four.s_addr);
        if (number >> 24 == 127 || number >> 16 == 0xa9fe || number == 0)
            return NULL;
        return g_strdup(inet_ntop(AF_INET, &four, written, sizeof(written)));
    }
    if (inet_pton(AF_INET6, text, &six) != 1 || IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_LINKLOCAL(&six) ||
        IN6_IS_ADDR_UNSPECIFIED(&six))
        return NULL;
    return g_strdup(inet_ntop(AF_INET6, &six, written, sizeof(written)));
}

static void add_interface(GPtrArray *addresses, struct json_object *interface)
{
    struct json_object *list, *text;

    if (!json_object_is_type(interface, json_type_object) ||
        !json_object_object_get_ex(interface, "ip-addresses", &list) ||
        !json_object_is_type(list, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(list) && addresses->len < AGENT_ADDRESSES_MAX; i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_object) ||
            !json_object_object_get_ex(entry, "ip-address", &text) ||
            !json_object_is_type(text, json_type_string))
            continue;
        char *address = read_address(json_object_get_string(text));
        if (address)
            g_ptr_array_add(addresses, address);
    }
}

GPtrArray *agent_addresses(struct json_object *interfaces)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0;
         json_object_is_type(interfaces, json_type_array) && i < json_object_array_length(interfaces); i++)
        add_interface(addresses, json_object_array_get_idx(interfaces, i));
    return addresses;
}
