/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fingerprint.h"

#include <string.h>

#define WORDS 4
#define PLACE 3 /* the last word */
/* As deep as bridges go, with room to spare: a damaged snapshot must not lead round in circles. */
#define DEPTH_MAX 32

/* Virtual functions beyond their physical function's bus get a "+1", or two of them would look alike. */
static void prepend_hop(GString *place, const HostDevice *device)
{
    g_autofree char *hop = NULL;
    int buses = device->virtual_function ? device->address.bus - device->physical.bus : 0;

    if (!device->has_upstream)
        hop = g_strdup(PCI_ADDRESS_STR(device->address));
    else if (buses != 0)
        hop = g_strdup_printf("/%02x.%u+%d", device->address.device, device->address.function, buses);
    else
        hop = g_strdup_printf("/%02x.%u", device->address.device, device->address.function);
    g_string_prepend(place, hop);
}

char *fingerprint_of(const Host *host, const HostDevice *device)
{
    GString *text = g_string_new(NULL);
    unsigned depth = 0;

    for (const HostDevice *hop = device; hop && depth < DEPTH_MAX; depth++) {
        prepend_hop(text, hop);
        hop = hop->has_upstream ? host_find(host, hop->upstream) : NULL;
    }
    g_autofree char *ids = g_strdup_printf("%04x:%04x %04x:%04x %06x ", device->vendor, device->device,
                                           device->subvendor, device->subdevice, device->class);
    g_string_prepend(text, ids);
    return g_string_free(text, FALSE);
}

/* Does text follow the pattern, in which x is any hexadecimal digit? *ret_rest is what follows. */
static bool follows(const char *text, const char *pattern, const char **ret_rest)
{
    for (; *pattern; pattern++, text++)
        if (*pattern == 'x' ? !g_ascii_isxdigit(*text) : *text != *pattern)
            return false;
    *ret_rest = text;
    return true;
}

static bool is_place(const char *text)
{
    const char *end = strchrnul(text, '/');
    g_autofree char *root = g_strndup(text, end - text);
    PciAddress address;

    if (pci_address_from_string(root, &address) < 0 || strcmp(PCI_ADDRESS_STR(address), root) != 0)
        return false;
    while (*end) {
        if (!follows(end, "/xx.x", &end))
            return false;
        if (*end == '+')
            end += 1 + strspn(end + 1, "0123456789");
    }
    return true;
}

char *fingerprint_normalize(const char *text)
{
    static const char *const patterns[PLACE] = {"xxxx:xxxx", "xxxx:xxxx", "xxxxxx"};
    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_auto(GStrv) parts = g_strsplit_set(lower, " \t", -1);
    const char *words[WORDS + 1] = {NULL}, *rest;
    unsigned n = 0;

    for (char **part = parts; *part; part++) {
        if (!**part)
            continue;
        if (n == WORDS || (n < PLACE && (!follows(*part, patterns[n], &rest) || *rest)))
            return NULL;
        words[n++] = *part;
    }
    if (n != WORDS || !is_place(words[PLACE]))
        return NULL;
    return g_strjoinv(" ", (char **)words);
}

/* Ignores the place: another card of the same make in another slot has the same make. */
static bool same_make(const char *a, const char *b)
{
    size_t n = strrchr(a, ' ') - a;
    return strncmp(a, b, n) == 0 && b[n] == ' ' && !strchr(b + n + 1, ' ');
}

/* Where the device is now: the very device if it is there, else all of its make. */
static char *find_now(const Host *host, const char *fingerprint)
{
    g_autoptr(GString) alike = g_string_new(NULL);

    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        g_autofree char *text = fingerprint_of(host, device);
        if (strcmp(text, fingerprint) == 0)
            return g_strdup_printf("the device is at %s now: correct Address=",
                                   PCI_ADDRESS_STR(device->address));
        if (same_make(fingerprint, text))
            g_string_append_printf(alike, "%s%s", alike->len > 0 ? ", " : "",
                                   PCI_ADDRESS_STR(device->address));
    }
    if (alike->len == 0)
        return g_strdup("the device is not in this host; if you mean another one now, renew the fingerprint: "
                        "usherctl show --fingerprint ADDRESS");
    return g_strdup_printf("a device of the same make is at %s; if you mean that one, correct Address= and "
                           "renew the fingerprint: usherctl show --fingerprint ADDRESS",
                           alike->str);
}

int fingerprint_check(const Host *host, PciAddress address, const char *fingerprint, const char *key,
                      Fault **ret_fault)
{
    const HostDevice *device = host_find(host, address);
    if (!device)
        return 0;

    g_autofree char *live = fingerprint_of(host, device);
    if (strcmp(live, fingerprint) == 0)
        return 0;
    g_autofree char *remedy = find_now(host, fingerprint);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "%s: %s is another device: it is \"%s\", not \"%s\"",
                       key, PCI_ADDRESS_STR(address), live, fingerprint);
}
