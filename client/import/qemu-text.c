/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-text.h"

#include <string.h>

#include "option.h"

#define WORDS_MAX 8192

static bool is_qemu(const char *word)
{
    g_autofree char *base = g_path_get_basename(word);

    return strstr(base, "qemu") || strstr(base, "kvm");
}

/* What comes behind such a word is the shell's. */
static char **cut_at_operator(char **words)
{
    static const char *const operators[] = {"&", "&&",   "|",  "||", ";",  ">", ">>",
                                            "<", "2>&1", "&>", "2>", "1>", NULL};
    unsigned n = 0;

    while (words[n] && !g_strv_contains(operators, words[n]) &&
           !(n > 0 && (g_str_has_prefix(words[n], ">/") || g_str_has_prefix(words[n], "2>") ||
                       g_str_has_prefix(words[n], "&>"))))
        n++;
    char **kept = g_new0(char *, n + 1);
    for (unsigned i = 0; i < n; i++)
        kept[i] = g_strdup(words[i]);
    return kept;
}

/* The words of a script's line that starts QEMU: what is before, such as sudo, is not QEMU's. */
static char **shell_words(const char *path, const char *text, char **ret_why)
{
    g_autofree char *copy = g_strdup(text);
    g_auto(GStrv) words = NULL;

    for (char *c = copy; (c = strstr(c, "\\\n"));)
        c[0] = c[1] = ' ';
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_strstrip(*line);
        if (**line == '#' || !strstr(*line, "qemu") || !strstr(*line, " -"))
            continue;
        if (strchr(*line, '$')) {
            *ret_why = g_strdup_printf(
                "%s: the script has variables ($…), which only a shell can fill in; start the "
                "guest, and import /proc/PID/cmdline of its QEMU",
                path);
            return NULL;
        }
        if (!g_shell_parse_argv(*line, NULL, &words, NULL))
            continue;
        for (char **word = words; *word; word++)
            if (is_qemu(*word))
                return cut_at_operator(word);
    }
    *ret_why = g_strdup_printf("%s: no line in the file starts QEMU", path);
    return NULL;
}

static char **nul_words(const char *text, size_t size)
{
    GPtrArray *words = g_ptr_array_new();

    for (const char *word = text; word < text + size; word += strlen(word) + 1)
        g_ptr_array_add(words, g_strndup(word, text + size - word));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

Node *qemu_text_parse(const char *path, const char *text, size_t size, char **ret_why)
{
    g_auto(GStrv) words = NULL;
    bool by_line = false, by_nul = memchr(text, '\0', size) != NULL;

    if (by_nul) {
        words = nul_words(text, size);
    } else {
        size_t first = strcspn(text, "\n");
        g_autofree char *head = g_strndup(text, first);
        bool script =
            g_str_has_prefix(head, "#!") || strstr(head, " -") || strchr(head, '\\') || !is_qemu(head);
        if (script) {
            words = shell_words(path, text, ret_why);
        } else {
            g_autofree char *copy = g_strdup(text);
            words = g_strsplit(g_strchomp(copy), "\n", WORDS_MAX + 2);
            by_line = true;
        }
    }
    if (!words)
        return NULL;
    unsigned n = g_strv_length(words);
    if (n > WORDS_MAX || n == 0 || !is_qemu(words[0])) {
        *ret_why = n > WORDS_MAX
                       ? g_strdup_printf("%s: the command line has more than %d words", path, WORDS_MAX)
                       : g_strdup_printf(
                             "%s:1: this is no command line of QEMU's, whose first word is its name", path);
        return NULL;
    }
    g_autoptr(Node) root = node_new(NULL, "the command line", NULL, 0);
    options_parse(root, words + 1, by_line ? 2 : 0, by_line ? 1 : 0);
    return g_steal_pointer(&root);
}
