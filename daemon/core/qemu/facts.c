/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"

#include <json-c/json.h>
#include <string.h>

#include "../../base/cleanup.h"

#define HEADING "usher-qemu-facts 5"
/* A file that was cut short must not pass for a QEMU that can do less. */
#define ENDING "end"

const char *const qemu_facts_devices[] = {"VGA",
                                          "e1000",
                                          "e1000e",
                                          "hda-duplex",
                                          "hda-micro",
                                          "hda-output",
                                          "i6300esb",
                                          "ich9-intel-hda",
                                          "ide-cd",
                                          "ide-hd",
                                          "isa-applesmc",
                                          "ivshmem-plain",
                                          "nvme",
                                          "pcie-root-port",
                                          "pvpanic-pci",
                                          "qemu-xhci",
                                          "qxl-vga",
                                          "ramfb",
                                          "rtl8139",
                                          "scsi-block",
                                          "scsi-cd",
                                          "scsi-hd",
                                          "tpm-crb",
                                          "tpm-tis",
                                          "usb-host",
                                          "usb-kbd",
                                          "usb-mouse",
                                          "usb-redir",
                                          "usb-tablet",
                                          "vhost-user-fs-pci",
                                          "vhost-vsock-pci",
                                          "virtio-9p-pci",
                                          "virtio-balloon-pci",
                                          "virtio-blk-pci",
                                          "virtio-gpu-pci",
                                          "virtio-keyboard-pci",
                                          "virtio-mouse-pci",
                                          "virtio-net-pci",
                                          "virtio-rng-pci",
                                          "virtio-scsi-pci",
                                          "virtio-serial-pci",
                                          "virtio-tablet-pci",
                                          "virtio-vga",
                                          "virtserialport",
                                          "vmgenid",
                                          "vmxnet3",
                                          NULL};

static GHashTable *new_set(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static QemuFacts *facts_new(void)
{
    QemuFacts *facts = g_new0(QemuFacts, 1);

    facts->types = new_set();
    facts->vfio_properties = new_set();
    facts->cpu_properties = new_set();
    facts->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return facts;
}

DEFINE_FREE(QemuFacts, qemu_facts_free, facts)
{
    g_free(facts->path);
    g_free(facts->version);
    g_hash_table_unref(facts->types);
    g_hash_table_unref(facts->vfio_properties);
    g_hash_table_unref(facts->cpu_properties);
    g_hash_table_unref(facts->devices);
}

/* The "return" of a reply, of the given type; the caller puts *ret_reply, which holds it. */
static struct json_object *reply_value(const char *text, enum json_type type, struct json_object **ret_reply)
{
    struct json_object *reply = json_tokener_parse(text), *value;

    *ret_reply = reply;
    if (!json_object_is_type(reply, json_type_object) ||
        !json_object_object_get_ex(reply, "return", &value) || !json_object_is_type(value, type))
        return NULL;
    return value;
}

/* Names become lines of the cache file. */
static bool name_plain(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!g_ascii_isgraph(*c))
            return false;
    return *name != '\0';
}

/* Adds the "name" of each object of a list. */
static int add_names(const char *text, GHashTable *set)
{
    struct json_object *reply, *list = reply_value(text, json_type_array, &reply), *name;
    int r = list ? 0 : -EBADMSG;

    for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (json_object_is_type(item, json_type_object) && json_object_object_get_ex(item, "name", &name) &&
            json_object_is_type(name, json_type_string) && name_plain(json_object_get_string(name)))
            g_hash_table_add(set, g_strdup(json_object_get_string(name)));
        else
            r = -EBADMSG;
    }
    json_object_put(reply);
    return r;
}

static char *sorted_names(GHashTable *set)
{
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(set), (GCompareFunc)strcmp);
    GString *text = g_string_new(" ");

    for (const GList *name = names; name; name = name->next)
        g_string_append_printf(text, "%s ", (const char *)name->data);
    return g_string_free(text, FALSE);
}

int qemu_facts_add_device(QemuFacts *facts, const char *type, const char *reply)
{
    g_autoptr(GHashTable) set = new_set();

    int r = add_names(reply, set);
    if (r == 0)
        g_hash_table_insert(facts->devices, g_strdup(type), sorted_names(set));
    return r;
}

static bool read_number(struct json_object *object, const char *name, int *ret)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_int))
        return false;
    *ret = json_object_get_int(value);
    return true;
}

static int read_version(const char *text, char **ret)
{
    struct json_object *reply, *value = reply_value(text, json_type_object, &reply), *qemu, *package;
    int major, minor, micro, r = -EBADMSG;

    if (value && json_object_object_get_ex(value, "qemu", &qemu) &&
        json_object_is_type(qemu, json_type_object) && read_number(qemu, "major", &major) &&
        read_number(qemu, "minor", &minor) && read_number(qemu, "micro", &micro)) {
        bool said =
            json_object_object_get_ex(value, "package", &package) && json_object_get_string_len(package) > 0;

        *ret = said ? g_strdup_printf("%d.%d.%d (%s)", major, minor, micro, json_object_get_string(package))
                    : g_strdup_printf("%d.%d.%d", major, minor, micro);
        g_strdelimit(*ret, "\r\n", ' ');
        r = 0;
    }
    json_object_put(reply);
    return r;
}

int qemu_facts_from_replies(const char *path, const QemuBinary *binary, const char *version,
                            const char *types, const char *vfio, const char *cpu, QemuFacts **ret)
{
    g_autoptr(QemuFacts) facts = facts_new();
    int r;

    facts->path = g_strdup(path);
    facts->binary = *binary;
    r = read_version(version, &facts->version);
    if (r == 0)
        r = add_names(types, facts->types);
    if (r == 0 && vfio)
        r = add_names(vfio, facts->vfio_properties);
    if (r == 0 && cpu)
        r = add_names(cpu, facts->cpu_properties);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&facts);
    return 0;
}

bool qemu_facts_fit(const QemuFacts *facts, const char *path, const QemuBinary *now)
{
    return g_str_equal(facts->path, path) && qemu_binary_same(&facts->binary, now);
}

QemuFacts *qemu_facts_assume(const char *path)
{
    QemuFacts *facts = facts_new();

    facts->path = g_strdup(path);
    facts->assumed = true;
    return facts;
}

bool qemu_facts_have_type(const QemuFacts *facts, const char *type)
{
    return facts->assumed || g_hash_table_contains(facts->types, type);
}

bool qemu_facts_vfio_has(const QemuFacts *facts, const char *property)
{
    return facts->assumed || g_hash_table_contains(facts->vfio_properties, property);
}

bool qemu_facts_device_has(const QemuFacts *facts, const char *type, const char *property)
{
    const char *properties = g_hash_table_lookup(facts->devices, type);
    g_autofree char *word = g_strdup_printf(" %s ", property);

    return !properties || strstr(properties, word) != NULL;
}

char **qemu_facts_device_properties(const QemuFacts *facts, const char *type)
{
    const char *properties = g_hash_table_lookup(facts->devices, type);

    return properties ? g_strsplit(properties, " ", -1) : NULL;
}

/* QEMU takes one for the other (feat2prop(), target/i386/cpu.c), and tsc-freq for tsc-frequency, which alone
 * it lists. */
bool qemu_facts_cpu_has(const QemuFacts *facts, const char *property)
{
    g_autofree char *name = g_strdelimit(g_strdup(property), "_", '-');

    return facts->assumed || g_hash_table_size(facts->cpu_properties) == 0 || g_str_equal(name, "tsc-freq") ||
           g_hash_table_contains(facts->cpu_properties, name);
}

static void append_set(GString *text, const char *key, GHashTable *set)
{
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(set), (GCompareFunc)strcmp);

    for (const GList *name = names; name; name = name->next)
        g_string_append_printf(text, "%s=%s\n", key, (const char *)name->data);
}

char *qemu_facts_to_text(const QemuFacts *facts)
{
    GString *text = g_string_new(HEADING "\n");

    g_string_append_printf(text, "path=%s\n", facts->path);
    g_string_append_printf(text, "inode=%" G_GUINT64_FORMAT "\n", facts->binary.inode);
    g_string_append_printf(text, "size=%" G_GUINT64_FORMAT "\n", facts->binary.size);
    g_string_append_printf(text, "mtime=%" G_GUINT64_FORMAT "\n", facts->binary.mtime_nsec);
    g_string_append_printf(text, "modules=%" G_GUINT64_FORMAT "\n", facts->binary.modules_nsec);
    g_string_append_printf(text, "version=%s\n", facts->version);
    append_set(text, "type", facts->types);
    append_set(text, "property", facts->vfio_properties);
    append_set(text, "cpu", facts->cpu_properties);
    for (const char *const *type = qemu_facts_devices; *type; type++) {
        const char *properties = g_hash_table_lookup(facts->devices, *type);
        if (properties)
            g_string_append_printf(text, "device=%s%s\n", *type, properties);
    }
    g_string_append(text, ENDING "\n");
    return g_string_free(text, FALSE);
}

static bool take_number(const char *value, uint64_t *ret)
{
    return g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64, ret, NULL);
}

/* "nvme addr serial " */
static bool take_device(QemuFacts *facts, const char *value)
{
    size_t length = strcspn(value, " ");

    if (length == 0 || !value[length] || !g_str_has_suffix(value, " "))
        return false;
    g_hash_table_insert(facts->devices, g_strndup(value, length), g_strdup(value + length));
    return true;
}

static bool take_line(QemuFacts *facts, const char *key, const char *value)
{
    if (g_str_equal(key, "path") && !facts->path)
        facts->path = g_strdup(value);
    else if (g_str_equal(key, "version") && !facts->version)
        facts->version = g_strdup(value);
    else if (g_str_equal(key, "inode"))
        return take_number(value, &facts->binary.inode);
    else if (g_str_equal(key, "size"))
        return take_number(value, &facts->binary.size);
    else if (g_str_equal(key, "mtime"))
        return take_number(value, &facts->binary.mtime_nsec);
    else if (g_str_equal(key, "modules"))
        return take_number(value, &facts->binary.modules_nsec);
    else if (g_str_equal(key, "type"))
        g_hash_table_add(facts->types, g_strdup(value));
    else if (g_str_equal(key, "property"))
        g_hash_table_add(facts->vfio_properties, g_strdup(value));
    else if (g_str_equal(key, "device"))
        return take_device(facts, value);
    else if (g_str_equal(key, "cpu"))
        g_hash_table_add(facts->cpu_properties, g_strdup(value));
    else
        return false;
    return true;
}

int qemu_facts_from_text(const char *text, QemuFacts **ret)
{
    g_autoptr(QemuFacts) facts = facts_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned n = g_strv_length(lines);

    if (n < 3 || !g_str_equal(lines[0], HEADING) || !g_str_equal(lines[n - 2], ENDING) ||
        *lines[n - 1] != '\0')
        return -EBADMSG;
    for (unsigned i = 1; i < n - 2; i++) {
        char *equals = strchr(lines[i], '=');
        if (!equals)
            return -EBADMSG;
        *equals = '\0';
        if (!take_line(facts, lines[i], equals + 1))
            return -EBADMSG;
    }
    if (!facts->path || !facts->version)
        return -EBADMSG;
    *ret = g_steal_pointer(&facts);
    return 0;
}
