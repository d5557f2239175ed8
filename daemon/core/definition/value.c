/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

#include "brought-word.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "pci.h"
#include "disk.h"
#include "network.h"
#include "../host/fingerprint.h"
#include "nearest-word.h"
#include "../host/pci-address.h"

#define SECOND UINT64_C(1000000)

static bool set_string(void *field, char *text)
{
    char **string = field;

    g_free(*string);
    *string = text;
    return true;
}

static bool set_text(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    return strlen(text) <= key->max && set_string(field, g_strdup(text));
}

/* Words go into QEMU options that take no JSON, where a comma would begin another option. */
static bool set_word(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    if (!g_ascii_isalnum(text[0]) || strlen(text) > key->max)
        return false;
    for (const char *c = text; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return false;
    return set_string(field, g_strdup(text));
}

static bool check_path(const char *text, char **ret_hint)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);

    if (text[0] == '"' || text[0] == '\'')
        *ret_hint = g_strdup("write the path without quotes");
    else if (text[0] == '~' || text[0] == '$')
        *ret_hint = g_strdup("write the path in full: ~ and variables mean nothing here");
    return text[0] == '/' && strlen(text) < PATH_MAX && !g_strv_contains((const char *const *)parts, "..");
}

static bool set_path(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    return check_path(text, ret_hint) && set_string(field, g_strdup(text));
}

static bool set_paths(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    GPtrArray **paths = field;

    if (!check_path(text, ret_hint))
        return false;
    if (!*paths)
        *paths = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(*paths, g_strdup(text));
    return true;
}

DEFINE_ELEMENT_FREE(DefinitionImage, image_free, image)
{
    g_free(image->path);
}

/* FORMAT:PATH. */
static bool set_image(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    bool raw = g_str_has_prefix(text, "raw:"), qcow2 = g_str_has_prefix(text, "qcow2:");
    const char *path = raw || qcow2 ? strchr(text, ':') + 1 : text;
    GPtrArray **images = field;

    if (!raw && !qcow2 && text[0] == '/')
        *ret_hint = g_strdup("write raw: or qcow2: before the path; usher never guesses the format");
    if ((!raw && !qcow2) || !check_path(path, ret_hint))
        return false;
    DefinitionImage *image = g_new(DefinitionImage, 1);
    *image = (DefinitionImage){qcow2 ? DISK_FORMAT_QCOW2 : DISK_FORMAT_RAW, g_strdup(path)};
    if (!*images)
        *images = g_ptr_array_new_with_free_func(image_free);
    g_ptr_array_add(*images, image);
    return true;
}

/* Digits alone, without a sign or blanks; *end is what follows them. */
static bool read_digits(const char *text, uint64_t *ret, const char **ret_end)
{
    uint64_t value = 0;
    const char *c = text;

    for (; g_ascii_isdigit(*c); c++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *c - '0', &value))
            return false;
    *ret = value;
    *ret_end = c;
    return c > text;
}

static bool set_number(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    uint64_t value;
    const char *end;

    if (!read_digits(text, &value, &end) || *end || value < key->min || value > key->max)
        return false;
    *(unsigned *)field = value;
    return true;
}

static bool set_size(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    static const char units[] = "KMGT";
    uint64_t value;
    const char *end, *unit;

    if (!read_digits(text, &value, &end))
        return false;
    unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
    if (unit && (*end != *unit || end[1])) {
        if (strlen(end) <= 3)
            *ret_hint = g_strdup_printf("did you mean %" G_GUINT64_FORMAT "%c?", value, *unit);
        return false;
    }
    if (*end && !unit)
        return false;
    for (int i = 0; unit && i <= unit - units; i++)
        if (__builtin_mul_overflow(value, 1024, &value))
            return false;
    if (value < key->min || value > key->max || (key->step && value % key->step != 0))
        return false;
    *(uint64_t *)field = value;
    return true;
}

/* Microseconds of a unit as systemd.time(7) names it, up to weeks; 0 for another word. */
static uint64_t span_unit(const char *name, size_t length)
{
    static const struct {
        const char *names;
        uint64_t usec;
    } units[] = {
        {" us usec \u00b5s \u03bcs ", 1},       {" ms msec ", 1000},
        {" s sec second seconds ", SECOND},     {" m min minute minutes ", 60 * SECOND},
        {" h hr hour hours ", 3600 * SECOND},   {" d day days ", 86400 * SECOND},
        {" w week weeks ", 7 * 86400 * SECOND},
    };
    g_autofree char *padded = g_strdup_printf(" %.*s ", (int)length, name);

    if (length == 0)
        return SECOND;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (strstr(units[i].names, padded))
            return units[i].usec;
    return 0;
}

/* One "number unit" of a time span, added to *usec; the number may have decimals. */
static bool read_span_part(const char **text, uint64_t *usec)
{
    uint64_t whole, part;
    const char *c, *point = NULL;

    if (!read_digits(*text, &whole, &c))
        return false;
    if (*c == '.') {
        point = c + 1;
        c = point + strspn(point, "0123456789");
        if (c == point)
            return false;
    }
    c += strspn(c, " \t");
    size_t length = strcspn(c, " \t.0123456789");
    uint64_t unit = span_unit(c, length);

    if (unit == 0 || __builtin_mul_overflow(whole, unit, &part) || __builtin_add_overflow(*usec, part, usec))
        return false;
    for (uint64_t place = unit / 10; point && g_ascii_isdigit(*point); point++, place /= 10)
        if (__builtin_add_overflow(*usec, place * (*point - '0'), usec))
            return false;
    *text = c + length + strspn(c + length, " \t");
    return true;
}

static bool set_span(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    uint64_t usec = 0;

    do {
        if (!read_span_part(&text, &usec))
            return false;
    } while (*text);
    if (usec < key->min || usec > key->max)
        return false;
    *(uint64_t *)field = usec;
    return true;
}

static bool find_word(const char *const *words, const char *text, int *ret, char **ret_hint)
{
    NearestWord nearest = {.word = text};

    for (int i = 0; words[i]; i++) {
        if (g_str_equal(words[i], text)) {
            *ret = i;
            return true;
        }
        nearest_word_offer(&nearest, words[i]);
    }
    if (nearest.best)
        *ret_hint = g_strdup_printf("did you mean %s?", nearest.best);
    return false;
}

static bool set_switch(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    /* Pairs of no and yes, as systemd.syntax(7) lists them. */
    static const char *const booleans[] = {"no", "yes", "false", "true", "off", "on", "0", "1", NULL};
    int found;

    if (!find_word(key->words ?: booleans, text, &found, ret_hint))
        return false;
    *(bool *)field = found % 2;
    return true;
}

static bool set_choice(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    return find_word(key->words, text, field, ret_hint);
}

static bool set_address(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    PciAddress address;

    if (pci_address_from_string(text, &address) < 0)
        return false;
    *(PciAddress *)field = address;
    return true;
}

static bool set_functions(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    uint8_t bits = 0;

    if (g_str_equal(text, "all")) {
        *(uint8_t *)field = 0;
        return true;
    }
    for (char **part = parts; *part; part++) {
        const char *number = g_strstrip(*part);
        if (number[0] < '0' || number[0] > '7' || number[1])
            return false;
        bits |= 1 << (number[0] - '0');
    }
    *(uint8_t *)field = bits;
    return bits != 0;
}

static bool set_id(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    const char *digits = g_str_has_prefix(text, "0x") ? text + 2 : text;
    guint64 id;

    if (strlen(digits) != 4 || !g_ascii_string_to_unsigned(digits, 16, 0, 0xffff, &id, NULL))
        return false;
    *(unsigned *)field = id | VALUE_ID_GIVEN;
    return true;
}

static bool set_mac(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    static const char zero[] = "00:00:00:00:00:00";

    if (strlen(text) != strlen(zero) || g_str_equal(text, zero))
        return false;
    for (int i = 0; text[i]; i++)
        if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
            return false;
    if (g_ascii_xdigit_value(text[1]) & 1) {
        *ret_hint = g_strdup("the second digit must be even: an odd one makes it a group's address");
        return false;
    }
    return set_string(field, g_ascii_strdown(text, -1));
}

DEFINE_ELEMENT_FREE(DefinitionForward, forward_free, forward)
{
    g_free(forward->address);
}

static bool read_port(const char *text, unsigned *ret)
{
    uint64_t port;
    const char *end;

    if (!read_digits(text, &port, &end) || *end || port < 1 || port > 65535)
        return false;
    *ret = port;
    return true;
}

/* PROTO:[ADDRESS:]HOSTPORT:GUESTPORT. The host alone reaches it unless an address says more. */
static bool set_forward(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    unsigned n = g_strv_length(parts), host_port, guest_port;
    GPtrArray **forwards = field;
    struct in_addr any;

    if (n < 3 || n > 4 || (!g_str_equal(parts[0], "tcp") && !g_str_equal(parts[0], "udp")))
        return false;
    if (n == 4 && parts[1][0] == '\0')
        *ret_hint = g_strdup_printf("write %s:%s:%s for the host alone, %s:0.0.0.0:%s:%s for everybody",
                                    parts[0], parts[2], parts[3], parts[0], parts[2], parts[3]);
    if (!read_port(parts[n - 2], &host_port) || !read_port(parts[n - 1], &guest_port) ||
        (n == 4 && inet_pton(AF_INET, parts[1], &any) != 1))
        return false;

    DefinitionForward *forward = g_new(DefinitionForward, 1);
    *forward = (DefinitionForward){
        .udp = g_str_equal(parts[0], "udp"),
        .address = g_strdup(n == 4 ? parts[1] : "127.0.0.1"),
        .host_port = host_port,
        .guest_port = guest_port,
    };
    if (!*forwards)
        *forwards = g_ptr_array_new_with_free_func(forward_free);
    g_ptr_array_add(*forwards, forward);
    return true;
}

static void free_array(void *array)
{
    if (array)
        g_ptr_array_unref(array);
}

static bool set_fingerprint(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    char *normal = fingerprint_normalize(text);

    if (!normal)
        *ret_hint = g_strdup("print the line to paste: usherctl show --fingerprint ADDRESS");
    return normal && set_string(field, normal);
}

typedef struct Type {
    size_t width;
    void (*free)(void *pointer); /* if the field owns what it points to */
    bool (*set)(const DefinitionKey *key, const char *text, void *field, char **ret_hint);
} Type;

static const Type types[VALUE_TYPE_MAX] = {
    [VALUE_TEXT] = {sizeof(char *), g_free, set_text},
    [VALUE_WORD] = {sizeof(char *), g_free, set_word},
    [VALUE_PATH] = {sizeof(char *), g_free, set_path},
    [VALUE_PATHS] = {sizeof(GPtrArray *), free_array, set_paths},
    [VALUE_NUMBER] = {sizeof(unsigned), NULL, set_number},
    [VALUE_SIZE] = {sizeof(uint64_t), NULL, set_size},
    [VALUE_SPAN] = {sizeof(uint64_t), NULL, set_span},
    [VALUE_SWITCH] = {sizeof(bool), NULL, set_switch},
    [VALUE_CHOICE] = {sizeof(int), NULL, set_choice},
    [VALUE_ADDRESS] = {sizeof(PciAddress), NULL, set_address},
    [VALUE_FUNCTIONS] = {sizeof(uint8_t), NULL, set_functions},
    [VALUE_ID] = {sizeof(unsigned), NULL, set_id},
    [VALUE_CPUS] = {sizeof(char *), g_free, value_set_cpus},
    [VALUE_FEATURES] = {sizeof(char *), g_free, value_set_features},
    [VALUE_MAC] = {sizeof(char *), g_free, set_mac},
    [VALUE_FORWARD] = {sizeof(GPtrArray *), free_array, set_forward},
    [VALUE_ARGUMENTS] = {sizeof(GPtrArray *), free_array, value_set_arguments},
    [VALUE_OVERRIDE] = {sizeof(GPtrArray *), free_array, value_set_override},
    [VALUE_IDENTITY] = {sizeof(char *), g_free, set_fingerprint},
    [VALUE_IMAGE] = {sizeof(GPtrArray *), free_array, set_image},
    [VALUE_USB_ID] = {sizeof(char *), g_free, value_set_usb_id},
    [VALUE_USB_PORT] = {sizeof(char *), g_free, value_set_usb_port},
    [VALUE_UUID] = {sizeof(char *), g_free, value_set_uuid},
    [VALUE_CLOCK] = {sizeof(char *), g_free, value_set_clock},
};

size_t value_width(ValueType type)
{
    return types[type].width;
}

bool value_set(const DefinitionKey *key, const char *text, void *structure, char **ret_hint)
{
    char *brought = brought_word_hint(key, text);

    /* A key that takes any word takes those, too, and nobody would understand what comes of it. */
    if (brought) {
        *ret_hint = brought;
        return false;
    }
    g_autofree char *hint = NULL;
    bool done = types[key->type].set(key, text, (char *)structure + key->offset, &hint);

    if (!done)
        *ret_hint = g_steal_pointer(&hint);
    return done;
}

void value_clear(const DefinitionKey *key, void *structure)
{
    void *field = (char *)structure + key->offset;

    if (types[key->type].free)
        types[key->type].free(*(void **)field);
    memset(field, 0, key->width);
}

void value_reset(const DefinitionKey *key, void *structure)
{
    g_autofree char *hint = NULL;

    value_clear(key, structure);
    if (key->fallback && !value_set(key, key->fallback, structure, &hint))
        g_assert_not_reached();
}
