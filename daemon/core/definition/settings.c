/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include "parse.h"
#include "value.h"
#include "nearest-word.h"

#define SECTION "Usherd"
#define SECOND UINT64_C(1000000)
#define DAY (24 * 3600 * SECOND)
#define FIELD(member) .offset = offsetof(Settings, member), .width = sizeof(((Settings *)NULL)->member)

/* An FLR may poll for 60 s (PCIE_RESET_READY_POLL_MS): there is little hope for a step of more than 90 s. */
static const DefinitionKey keys[] = {
    {.name = "AllowQemuArguments", .type = VALUE_SWITCH, FIELD(allow_qemu_arguments), .fallback = "no"},
    {.name = "SlowSec", .type = VALUE_SPAN, FIELD(slow_usec), .min = SECOND, .max = DAY, .fallback = "10s"},
    {.name = "StuckSec", .type = VALUE_SPAN, FIELD(stuck_usec), .min = SECOND, .max = DAY, .fallback = "90s"},
};

typedef struct Reader {
    Settings settings;
    DefinitionPlace last; /* the last setting: an error in both together is reported there */
} Reader;

Settings settings_default(void)
{
    Settings settings = {0};

    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
        value_reset(&keys[i], &settings);
    return settings;
}

static int raise_at(DefinitionPlace place, Fault **ret_fault, const char *remedy, const char *text)
{
    return fault_raise(ret_fault, FAULT_BAD_DEFINITION, remedy, "%s:%u: %s", place.path, place.line, text);
}

static int read_section(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                        Fault **ret_fault)
{
    if (g_str_equal(name, SECTION) && !instance)
        return 0;
    g_autofree char *text =
        g_strdup_printf("[%s%s%s] is not known", name, instance ? " " : "", instance ?: "");
    return raise_at(place, ret_fault, "the section is [" SECTION "]", text);
}

static const DefinitionKey *find_key(const char *name, char **ret_hint)
{
    NearestWord nearest = {.word = name};
    g_autoptr(GString) all = g_string_new("[" SECTION "] has");

    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (g_str_equal(keys[i].name, name))
            return &keys[i];
        nearest_word_offer(&nearest, keys[i].name);
        g_string_append_printf(all, " %s=", keys[i].name);
    }
    *ret_hint = nearest.best ? g_strdup_printf("did you mean %s=?", nearest.best) : g_strdup(all->str);
    return NULL;
}

static int read_assignment(const char *name, const char *value, DefinitionPlace place, void *userdata,
                           Fault **ret_fault)
{
    Reader *reader = userdata;
    g_autofree char *hint = NULL, *text = NULL;
    const DefinitionKey *key = find_key(name, &hint);

    if (!key) {
        text = g_strdup_printf("[" SECTION "] %s= is not known", name);
        return raise_at(place, ret_fault, hint, text);
    }
    reader->last = place;
    if (*value == '\0') {
        value_reset(key, &reader->settings);
    } else if (!value_set(key, value, &reader->settings, &hint)) {
        g_autofree char *range = value_range(key);
        text = g_strdup_printf("[" SECTION "] %s=%s is not %s%s", name, value, range,
                               key->type == VALUE_SPAN ? ", at least 1s" : "");
        return raise_at(place, ret_fault, hint, text);
    }
    return 0;
}

int settings_parse(const DefinitionText *texts, size_t n_texts, Settings *ret, Fault **ret_fault)
{
    static const DefinitionHandler handler = {read_section, read_assignment};
    Reader reader = {.settings = settings_default()};
    int r = 0;

    for (size_t i = 0; r == 0 && i < n_texts; i++)
        r = definition_scan(texts[i].path, texts[i].text, texts[i].size, &handler, &reader, ret_fault);
    if (r != 0)
        return r;
    if (reader.settings.slow_usec > reader.settings.stuck_usec)
        return raise_at(reader.last, ret_fault, "raise StuckSec=, or lower SlowSec=",
                        "[" SECTION "] SlowSec= is longer than StuckSec=");
    *ret = reader.settings;
    return 0;
}
