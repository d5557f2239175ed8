/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "read-xml.h"

#include <string.h>

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
/* A domain with every device that QEMU takes has a tenth of that, and eight levels. */
#define NODES_MAX 20000
#define DEPTH_MAX 64

typedef struct Reading {
    Node *root, *here;
    char *prefix; /* of QEMU's namespace: "qemu:"; NULL: there is none */
    unsigned nodes, depth;
} Reading;

/* The prefix that stands for the namespace: xmlns:q='…'. */
static void find_prefix(Reading *reading, const char **names, const char **values)
{
    for (; *names; names++, values++)
        if (g_str_has_prefix(*names, "xmlns:") && g_str_equal(*values, QEMU_NAMESPACE)) {
            g_free(reading->prefix);
            reading->prefix = g_strconcat(*names + strlen("xmlns:"), ":", NULL);
        }
}

static char *name_of(const Reading *reading, const char *element)
{
    if (reading->prefix && g_str_has_prefix(element, reading->prefix))
        return g_strconcat("qemu:", element + strlen(reading->prefix), NULL);
    return g_strdup(element);
}

static void check_size(Reading *reading, GError **error)
{
    if (++reading->depth > DEPTH_MAX || reading->nodes > NODES_MAX)
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
                    "there are more than %d elements, or more than %d levels of them, so it is no guest",
                    NODES_MAX, DEPTH_MAX);
}

/* The line on which a tag ends. GLib counts a line from the end of the one before, where it stands if nothing
 * follows the tag (advance_char() in glib/gmarkup.c). */
static unsigned line_of(GMarkupParseContext *context)
{
    int line, column;

    g_markup_parse_context_get_position(context, &line, &column);
    return column == 1 && line > 1 ? line - 1 : line;
}

static void start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                  void *userdata, GError **error)
{
    Reading *reading = userdata;
    unsigned line = line_of(context);

    if (reading->root && !reading->here) {
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
                    "the file has another <%s> behind the first; import each from a file of its own",
                    element);
        return;
    }
    find_prefix(reading, names, values);
    g_autofree char *name = name_of(reading, element);
    Node *node = node_new(reading->here, name, NULL, line);
    reading->here = node;
    reading->root = reading->root ?: node;
    for (; *names; names++, values++) {
        g_autofree char *key = g_strconcat("@", *names, NULL);
        /* A namespace says nothing of the guest. */
        if (!g_str_has_prefix(*names, "xmlns"))
            node_new(node, key, *values, line);
        reading->nodes++;
    }
    reading->nodes++;
    check_size(reading, error);
}

static void end(GMarkupParseContext *context, const char *element, void *userdata, GError **error)
{
    Reading *reading = userdata;

    reading->here = reading->here->parent;
    reading->depth--;
}

/* The text between its children, without the blanks around it. */
static void text(GMarkupParseContext *context, const char *words, gsize size, void *userdata, GError **error)
{
    Node *node = ((Reading *)userdata)->here;
    g_autofree char *bare = g_strstrip(g_strndup(words, size));

    if (!node || !*bare)
        return;
    char *longer = node->value ? g_strconcat(node->value, bare, NULL) : g_steal_pointer(&bare);
    g_free(node->value);
    node->value = longer;
}

/* Comments and <?xml …?> come here, too, and CDATA, which libvirt does not write. */
static void other(GMarkupParseContext *context, const char *words, gsize size, void *userdata, GError **error)
{
    if (size >= strlen("<!DOCTYPE") && g_ascii_strncasecmp(words, "<!DOCTYPE", strlen("<!DOCTYPE")) == 0)
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
                    "the file has a DOCTYPE, which no domain of libvirt's has; remove it");
    else if (g_str_has_prefix(words, "<![CDATA["))
        g_set_error(
            error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
            "the file has a CDATA section, which no domain of libvirt's has; write its text with &lt; and "
            "&amp;");
}

/* "path:12: …"; GLib's own words begin with "Error on line 12 char 3: ". */
static char *complaint(GMarkupParseContext *context, const char *path, const GError *error)
{
    const char *words = error->message, *after = strstr(words, ": ");

    if (g_str_has_prefix(words, "Error on line ") && after)
        words = after + 2;
    return g_strdup_printf("%s:%u: %s", path, line_of(context), words);
}

Node *read_xml(const char *path, const char *words, size_t size, char **ret_why)
{
    static const GMarkupParser parser = {start, end, text, other, NULL};
    Reading reading = {};
    g_autoptr(GError) error = NULL;
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_PREFIX_ERROR_POSITION, &reading, NULL);
    bool right = g_markup_parse_context_parse(context, words, size, &error) &&
                 g_markup_parse_context_end_parse(context, &error);

    g_free(reading.prefix);
    if (right)
        return reading.root;
    *ret_why = complaint(context, path, error);
    return node_free(reading.root);
}
