/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct Scan {
    const char *path;
    const char *rest; /* what is not read yet */
    size_t left;
    unsigned line; /* of the physical line read last */
    bool in_section;
    const DefinitionHandler *handler;
    void *userdata;
    Fault **ret_fault;
} Scan;

static int raise_at(const Scan *scan, unsigned line, const char *remedy, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static int raise_at(const Scan *scan, unsigned line, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fault_raise(scan->ret_fault, FAULT_BAD_DEFINITION, remedy, "%s:%u: %s", scan->path, line, text);
}

static int raise_line_ends(const Scan *scan)
{
    g_autofree char *quoted = g_shell_quote(scan->path);
    g_autofree char *remedy = g_strdup_printf("convert the file: sed -i 's/\\r$//' %s", quoted);

    return raise_at(scan, scan->line, remedy, "the line ends with CR LF, as in DOS files");
}

/* Whether a physical line may stand in a definition at all. */
static int check_line(const Scan *scan, const char *text, size_t size)
{
    const char *end;

    if (memchr(text, '\0', size))
        return raise_at(scan, scan->line, "remove it", "there is a NUL byte in the line");
    if (size > DEFINITION_LINE_MAX)
        return raise_at(scan, scan->line, "shorten it", "the line is longer than %d bytes",
                        DEFINITION_LINE_MAX);
    if (size > 0 && text[size - 1] == '\r')
        return raise_line_ends(scan);
    if (!g_utf8_validate_len(text, size, &end))
        return raise_at(scan, scan->line, "save the file as UTF-8",
                        "byte %zu of the line, 0x%02x, is not UTF-8", (size_t)(end - text) + 1,
                        (unsigned char)*end);
    /* Values are shown on terminals, which obey control characters. */
    for (const char *c = text; c < text + size; c = g_utf8_next_char(c))
        if (g_unichar_iscntrl(g_utf8_get_char(c)) && *c != '\t')
            return raise_at(scan, scan->line, "remove it",
                            "there is a control character (U+%04X) in the line", g_utf8_get_char(c));
    return 0;
}

/* Takes the next physical line, without its newline, out of the text; *ret is NULL at the end. */
static int next_line(Scan *scan, const char **ret, size_t *ret_size)
{
    const char *newline;
    size_t size;
    int r;

    *ret = NULL;
    if (scan->left == 0)
        return 0;
    newline = memchr(scan->rest, '\n', scan->left);
    size = newline ? (size_t)(newline - scan->rest) : scan->left;
    scan->line++;
    r = check_line(scan, scan->rest, size);
    if (r != 0)
        return r;
    *ret = scan->rest;
    *ret_size = size;
    scan->rest += size + (newline != NULL);
    scan->left -= size + (newline != NULL);
    return 0;
}

/* A backslash continues the line unless another backslash escapes it. */
static bool line_continued(const char *text, size_t size)
{
    size_t backslashes = 0;

    while (backslashes < size && text[size - 1 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 1;
}

static bool line_comment(const char *text, size_t size)
{
    while (size > 0 && strchr(BLANKS, *text)) {
        text++;
        size--;
    }
    return size > 0 && (*text == '#' || *text == ';');
}

/* Takes the next logical line: continued ones with a blank for each backslash, comments left out. *ret_line
 * is the number of its first physical line, 0 at the end of the text. */
static int next_logical_line(Scan *scan, GString *ret, unsigned *ret_line)
{
    const char *text;
    size_t size;
    bool continued = false;
    int r;

    g_string_truncate(ret, 0);
    *ret_line = 0;
    while ((r = next_line(scan, &text, &size)) == 0 && text) {
        if (line_comment(text, size))
            continue;
        if (!continued)
            *ret_line = scan->line;
        continued = line_continued(text, size);
        g_string_append_len(ret, text, size - continued);
        if (ret->len > DEFINITION_LINE_MAX)
            return raise_at(scan, *ret_line, "shorten it",
                            "the line and those that continue it are longer than %d bytes",
                            DEFINITION_LINE_MAX);
        if (!continued)
            return 0;
        g_string_append_c(ret, ' ');
    }
    if (r == 0 && continued)
        return raise_at(scan, scan->line, "remove the backslash, or add the line that it announces",
                        "the line ends with a backslash, but no line follows");
    return r;
}

static int scan_section(Scan *scan, char *text, DefinitionPlace place)
{
    size_t length = strlen(text);
    char *name, *instance;

    if (text[length - 1] != ']')
        return raise_at(scan, place.line, "write [Section] or [Section name], and nothing after it",
                        "the section's name has no ] at the end of the line");
    text[length - 1] = '\0';
    name = g_strstrip(text + 1);
    if (*name == '\0')
        return raise_at(scan, place.line, "write [Section] or [Section name]", "the section has no name");
    instance = strpbrk(name, BLANKS);
    if (instance) {
        *instance++ = '\0';
        instance = g_strstrip(instance);
    }
    scan->in_section = true;
    return scan->handler->section(name, instance, place, scan->userdata, scan->ret_fault);
}

static int scan_assignment(Scan *scan, char *text, DefinitionPlace place)
{
    char *equals = strchr(text, '=');

    if (!equals)
        return raise_at(scan, place.line, "write Key=value; a comment begins with #",
                        "there is no = in the line");
    if (equals == text)
        return raise_at(scan, place.line, "write Key=value", "there is no key before the =");
    if (!scan->in_section)
        return raise_at(scan, place.line, "begin with a section, such as [Guest]",
                        "the assignment stands before the first section");
    *equals = '\0';
    return scan->handler->assign(g_strchomp(text), g_strchug(equals + 1), place, scan->userdata,
                                 scan->ret_fault);
}

int definition_scan(const char *path, const char *text, size_t size, const DefinitionHandler *handler,
                    void *userdata, Fault **ret_fault)
{
    Scan scan = {path, text, size, .handler = handler, .userdata = userdata, .ret_fault = ret_fault};
    DefinitionPlace place = {.path = path};
    g_autoptr(GString) line = g_string_new(NULL);
    int r;

    if (size >= strlen(BYTE_ORDER_MARK) && memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
        scan.rest += strlen(BYTE_ORDER_MARK);
        scan.left -= strlen(BYTE_ORDER_MARK);
    }
    while ((r = next_logical_line(&scan, line, &place.line)) == 0 && place.line > 0) {
        char *content = g_strstrip(line->str);

        if (*content == '[')
            r = scan_section(&scan, content, place);
        else if (*content)
            r = scan_assignment(&scan, content, place);
        if (r != 0)
            break;
    }
    return r;
}
