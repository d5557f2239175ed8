/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "option.h"

#include <json-c/json.h>
#include <string.h>

#define DEPTH_MAX 16

/* Those that take no word after them, in all of QEMU's versions (qemu-options.hx from 1.0 to 10.1). */
static const char *const lone[] = {"S",
                                   "enable-kvm",
                                   "no-kvm",
                                   "no-kvm-irqchip",
                                   "no-kvm-pit",
                                   "no-kvm-pit-reinjection",
                                   "no-hpet",
                                   "no-acpi",
                                   "nodefaults",
                                   "no-user-config",
                                   "nodefconfig",
                                   "no-shutdown",
                                   "no-reboot",
                                   "daemonize",
                                   "nographic",
                                   "usb",
                                   "localtime",
                                   "mem-prealloc",
                                   "snapshot",
                                   "no-fd-bootchk",
                                   "enable-fips",
                                   "full-screen",
                                   "no-frame",
                                   "alt-grab",
                                   "ctrl-grab",
                                   "no-quit",
                                   "sdl",
                                   "curses",
                                   "win2k-hack",
                                   "rtc-td-hack",
                                   "singlestep",
                                   "preconfig",
                                   "tdf",
                                   "s",
                                   "portrait",
                                   "async-teardown",
                                   "only-migratable",
                                   "xen-attach",
                                   "xen-domid-restrict",
                                   "old-param",
                                   "semihosting",
                                   "help",
                                   "h",
                                   "version",
                                   "mem-path-prealloc",
                                   "no-tpm",
                                   "disable-kvm",
                                   NULL};

/* What the first word of an option is without a key. */
static const struct {
    const char *option, *implied;
} implied[] = {
    {"device", "driver"},   {"object", "qom-type"}, {"machine", "type"},
    {"M", "type"},          {"cpu", "model"},       {"smp", "cpus"},
    {"m", "size"},          {"name", "guest"},      {"accel", "accel"},
    {"netdev", "type"},     {"nic", "type"},        {"net", "type"},
    {"chardev", "backend"}, {"audiodev", "driver"}, {"audio", "driver"},
    {"tpmdev", "type"},     {"display", "type"},    {"boot", "order"},
    {"mon", "chardev"},     {"sandbox", "enable"},  {"fw_cfg", "name"},
    {"numa", "type"},       {"fsdev", "fsdriver"},  {"virtfs", "fsdriver"},
    {"spice", NULL},        {"rtc", NULL},          {"drive", NULL},
    {"smbios", NULL},       {"acpitable", NULL},    {"overcommit", NULL},
    {"msg", NULL},          {"blockdev", NULL},     {"global", NULL},
    {"set", NULL},          {"incoming", NULL},     {"action", NULL},
    {"add-fd", NULL},       {"icount", "shift"},    {"watchdog-action", "action"},
};

static bool has_properties(const char *option, const char **ret_implied)
{
    for (size_t i = 0; i < G_N_ELEMENTS(implied); i++)
        if (g_str_equal(implied[i].option, option)) {
            *ret_implied = implied[i].implied;
            return true;
        }
    return false;
}

static void add_json(Node *node, const char *prefix, json_object *value, unsigned depth);

static void add_members(Node *node, const char *prefix, json_object *object, unsigned depth)
{
    json_object_object_foreach(object, key, member)
    {
        g_autofree char *name = *prefix ? g_strconcat(prefix, ".", key, NULL) : g_strdup(key);
        add_json(node, name, member, depth + 1);
    }
}

/* Inner objects are written with dots, as QEMU does. */
static void add_json(Node *node, const char *prefix, json_object *value, unsigned depth)
{
    if (json_object_is_type(value, json_type_object) && depth < DEPTH_MAX) {
        add_members(node, prefix, value, depth);
    } else if (json_object_is_type(value, json_type_array) && depth < DEPTH_MAX) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            g_autofree char *name = g_strdup_printf("%s.%zu", prefix, i);
            add_json(node, name, json_object_array_get_idx(value, i), depth + 1);
        }
    } else if (json_object_is_type(value, json_type_boolean)) {
        node_new(node, prefix, json_object_get_boolean(value) ? "on" : "off", node->line);
    } else {
        node_new(node, prefix, value ? json_object_get_string(value) : "null", node->line);
    }
}

static bool parse_json(Node *node, const char *text)
{
    json_object *object = json_tokener_parse(text);
    bool right = object && json_object_is_type(object, json_type_object);

    if (right)
        add_members(node, "", object, 0);
    json_object_put(object);
    return right;
}

/* Takes one part off, up to a comma that is not doubled. */
static char *next_part(const char **text)
{
    GString *part = g_string_new(NULL);

    for (; **text; (*text)++) {
        if (**text == ',' && (*text)[1] != ',')
            break;
        if (**text == ',')
            (*text)++;
        g_string_append_c(part, **text);
    }
    if (**text)
        (*text)++;
    return g_string_free(part, FALSE);
}

void option_properties(Node *node, const char *text, const char *first)
{
    for (bool at_first = true; *text; at_first = false) {
        g_autofree char *part = next_part(&text);
        char *equals = strchr(part, '=');

        if (equals) {
            *equals = '\0';
            node_new(node, part, equals + 1, node->line);
        } else if (at_first && first) {
            node_new(node, first, part, node->line);
        } else if (*part) {
            node_new(node, part, NULL, node->line);
        }
    }
}

static Node *add_option(Node *root, const char *name, const char *value, unsigned line)
{
    g_autofree char *option = g_strconcat("-", name, NULL);
    Node *node = node_new(root, option, value, line);
    const char *first = NULL;

    node->shown = value ? g_strdup_printf("%s %s", option, value) : g_strdup(option);
    if (!value || !has_properties(name, &first))
        return node;
    if (*value != '{' || !parse_json(node, value))
        option_properties(node, value, first);
    /* Its properties say it all. */
    if (node->children->len > 0)
        g_clear_pointer(&node->value, g_free);
    return node;
}

void options_parse(Node *root, char *const *words, unsigned line, unsigned step)
{
    for (; *words; words++, line += step) {
        const char *word = *words;
        if (*word != '-' || !word[1]) {
            Node *image = node_new(root, "IMAGE", word, line);
            image->shown = g_strdup(word);
            continue;
        }
        const char *name = word + (word[1] == '-' ? 2 : 1);
        bool alone = g_strv_contains(lone, name) || !words[1];
        add_option(root, name, alone ? NULL : words[1], line);
        if (!alone) {
            words++;
            line += step;
        }
    }
}

static bool one_of(const char *value, const char *const *words)
{
    return value && g_strv_contains(words, value);
}

bool option_on(Node *node, const char *property)
{
    static const char *const on[] = {"on", "true", "yes", "1", "", NULL};
    const Node *found = node_at(node, property);

    if (!found || !one_of(found->value ?: "", on))
        return false;
    node_take(node, property);
    return true;
}

bool option_off(Node *node, const char *property)
{
    static const char *const off[] = {"off", "false", "no", "0", NULL};

    if (!one_of(node_look(node, property), off))
        return false;
    node_take(node, property);
    return true;
}

static void append_escaped(GString *text, const char *value)
{
    for (; *value; value++) {
        if (*value == ',')
            g_string_append_c(text, ',');
        g_string_append_c(text, *value);
    }
}

/* Quoted only where a shell would take it apart. */
static char *quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,./:=_+@%-";

    return *word && strspn(word, plain) == strlen(word) ? g_strdup(word) : g_shell_quote(word);
}

char *option_words(const Node *option, const char *const *without)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *first = NULL;

    has_properties(option->name + 1, &first);
    for (unsigned i = 0; i < option->children->len; i++) {
        const Node *child = option->children->pdata[i];
        if (without && g_strv_contains(without, child->name))
            continue;
        if (text->len > 0)
            g_string_append_c(text, ',');
        if (!first || !g_str_equal(child->name, first)) {
            append_escaped(text, child->name);
            if (child->value)
                g_string_append_c(text, '=');
        }
        append_escaped(text, child->value ?: "");
    }
    if (option->value)
        g_string_append(text, option->value);
    g_autofree char *word = text->len > 0 ? quote(text->str) : NULL;
    return word ? g_strdup_printf("%s %s", option->name, word) : g_strdup(option->name);
}
