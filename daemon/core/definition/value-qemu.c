/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that are QEMU's to understand. */
#include <string.h>

#include "value.h"

/* These options would undo what keeps QEMU apart from the host, or take it from its unit: options merge, and
 * the last one counts. -readconfig can hold any option. -run-with is the new name of -chroot, -runas and
 * -async-teardown; the last one leaves a process that still has the devices when QEMU has ended
 * (qemu-options.hx of QEMU 7.2 to 10.1). */
static const char *const forbidden[] = {"sandbox",  "readconfig", "writeconfig", "daemonize",      "runas",
                                        "run-with", "chroot",     "pidfile",     "async-teardown", NULL};

static bool forbidden_option(const char *word)
{
    const char *name = g_str_has_prefix(word, "--") ? word + 2 : *word == '-' ? word + 1 : "";

    return g_strv_contains(forbidden, name);
}

static void append(GPtrArray **array, char *text)
{
    if (!*array)
        *array = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(*array, text);
}

bool value_set_arguments(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    g_auto(GStrv) words = NULL;

    if (!g_shell_parse_argv(text, NULL, &words, NULL)) {
        *ret_hint = g_strdup("close the quotes");
        return false;
    }
    for (char **word = words; *word; word++)
        if (forbidden_option(*word)) {
            *ret_hint = g_strdup_printf("usher alone gives QEMU the option %s", *word);
            return false;
        }
    for (char **word = words; *word; word++)
        append(field, g_strdup(*word));
    return true;
}

static size_t span_of(const char *text, const char *more)
{
    size_t n = 0;

    while (g_ascii_isalnum(text[n]) || (text[n] && strchr(more, text[n])))
        n++;
    return n;
}

/* DEVICE.PROPERTY=VALUE */
bool value_set_override(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    size_t id = span_of(text, "-_"), property = text[id] == '.' ? span_of(text + id + 1, "-_.[]") : 0;
    const char *name = text + id + 1;

    if (id == 0 || property == 0 || name[property] != '=')
        return false;
    if ((property == 2 && strncmp(name, "id", 2) == 0) ||
        (property == 6 && strncmp(name, "driver", 6) == 0)) {
        *ret_hint = g_strdup("Set= changes neither a device's driver nor its id");
        return false;
    }
    append(field, g_strdup(text));
    return true;
}
