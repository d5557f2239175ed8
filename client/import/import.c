/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import.h"

#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "../../daemon/core/definition/handle.h"
#include "libvirt.h"
#include "proxmox.h"
#include "qemu.h"
#include "qemu-text.h"
#include "read-xml.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static const char *const formats[] = {
    [IMPORT_LIBVIRT] = "libvirt", [IMPORT_PROXMOX] = "proxmox", [IMPORT_QEMU] = "qemu"};

ImportFormat import_format_from_string(const char *name)
{
    for (int i = 0; i < IMPORT_FORMAT_MAX; i++)
        if (g_str_equal(formats[i], name))
            return i;
    return IMPORT_FORMAT_INVALID;
}

/* As virsh begins its complaints. */
#define VIRSH_ERROR "error: "

/* "cores: 4", or a note, or a snapshot. */
static bool looks_like_proxmox(const char *line)
{
    size_t key = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");

    return key > 0 && line[key] == ':' && (line[key + 1] == ' ' || line[key + 1] == '\0');
}

ImportFormat import_format_guess(const char *text, size_t size)
{
    const char *start = text;

    if (memchr(text, '\0', size))
        return IMPORT_QEMU;
    if (g_str_has_prefix(start, BYTE_ORDER_MARK))
        start += strlen(BYTE_ORDER_MARK);
    start += strspn(start, " \t\r\n");
    if (*start == '<' || g_str_has_prefix(start, VIRSH_ERROR))
        return IMPORT_LIBVIRT;
    if (g_str_has_prefix(start, "#!"))
        return IMPORT_QEMU;
    for (; *start == '#'; start += strspn(start, "\r\n"))
        start += strcspn(start, "\n");
    return looks_like_proxmox(start) ? IMPORT_PROXMOX : IMPORT_QEMU;
}

char *import_guest_name(const char *wish)
{
    g_autofree char *name = g_ascii_strdown(wish, -1);

    g_strcanon(name, "abcdefghijklmnopqrstuvwxyz0123456789-", '-');
    const char *start = name + strspn(name, "-");
    char *cut = g_strndup(*start ? start : "imported", GUEST_NAME_MAX);
    for (size_t length = strlen(cut); length > 1 && cut[length - 1] == '-'; length--)
        cut[length - 1] = '\0';
    return cut;
}

static bool check_text(const char *path, const char *text, size_t size, ImportFormat format, char **ret_why)
{
    size_t line = 1;
    const char *bad;

    if (size == 0) {
        *ret_why = g_strdup_printf("%s: the file is empty", path);
        return false;
    }
    if (format == IMPORT_QEMU || strlen(text) == size) {
        /* An XML file says itself how it is written. */
        if (format == IMPORT_LIBVIRT || format == IMPORT_QEMU || g_utf8_validate(text, -1, &bad))
            return true;
    } else {
        bad = text + strlen(text);
    }
    for (const char *c = text; c < bad; c++)
        line += *c == '\n';
    *ret_why = g_strdup_printf("%s:%zu: byte 0x%02x is not text", path, line, (unsigned char)*bad);
    return false;
}

/* The trees that the wishes refer to until the end. */
typedef struct Source {
    Node *root, *arguments;
} Source;

static bool read_libvirt(Wishes *wishes, Source *source, const char *path, const char *text, size_t size,
                         char **ret_why)
{
    if (g_str_has_prefix(text + strspn(text, " \t\r\n"), VIRSH_ERROR)) {
        *ret_why = g_strdup_printf("%s:1: the file has virsh's words of an error, not a domain", path);
        return false;
    }
    source->root = read_xml(path, text, size, ret_why);
    if (!source->root)
        return false;
    if (!g_str_equal(source->root->name, "domain")) {
        *ret_why = g_strdup_printf(
            "%s:%u: the file is no domain of libvirt's but <%s>; virsh dumpxml NAME prints one", path,
            source->root->line, source->root->name);
        return false;
    }
    g_autofree char *refusal = libvirt_refusal(source->root);
    if (refusal) {
        *ret_why = g_strdup_printf("%s:%u: %s", path, source->root->line, refusal);
        return false;
    }
    source->arguments = libvirt_read(wishes, source->root);
    return true;
}

static bool read_source(ImportFormat format, Wishes *wishes, Source *source, const char *path,
                        const char *text, size_t size, char **ret_why)
{
    switch (format) {
    case IMPORT_LIBVIRT:
        return read_libvirt(wishes, source, path, text, size, ret_why);
    case IMPORT_PROXMOX:
        source->root = proxmox_parse(path, text, size, ret_why);
        if (source->root)
            proxmox_read(wishes, source->root, &source->arguments);
        return source->root != NULL;
    default:
        source->root = qemu_text_parse(path, text, size, ret_why);
        if (source->root)
            qemu_read(wishes, source->root, true);
        return source->root != NULL;
    }
}

/* The file's own name, where the source has none for the guest. */
static char *name_for(const Wishes *wishes, const char *wish, const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    char *dot = strrchr(base, '.');

    if (dot && dot > base)
        *dot = '\0';
    return import_guest_name(wish
                                 ?: wishes->name && *wishes->name ? wishes->name
                                : g_str_equal(path, "-")          ? "imported"
                                                                  : base);
}

static Import *settle(Wishes *wishes, Source *source, const char *path, const char *wish, char **ret_why)
{
    g_autofree char *name = name_for(wishes, wish, path);

    wishes_finish(wishes, source->root);
    if (source->arguments)
        wishes_leave(wishes, source->arguments);
    if (!wish && wishes->name && !g_str_equal(wishes->name, name))
        draft_differs(
            wishes->draft, NULL,
            "the guest is called %s, as a guest's name has lower-case letters, digits and dashes: %s", name,
            wishes->name);
    int r = draft_settle(wishes->draft, name);
    if (r < 0) {
        *ret_why =
            g_strdup_printf("%s: no definition comes of it: %s", path,
                            r == -E2BIG ? "usher has no place for too many of its parts" : g_strerror(-r));
        return NULL;
    }
    g_autofree char *text = draft_text(wishes->draft);
    if (!*text) {
        *ret_why = g_strdup_printf("%s: nothing in the file says what the guest has", path);
        return NULL;
    }
    Import *import = g_new0(Import, 1);
    import->draft = g_steal_pointer(&wishes->draft);
    import->name = g_steal_pointer(&name);
    return import;
}

const char *import_bad_map(char *const *maps)
{
    for (; maps && *maps; maps++) {
        const char *equals = strchr(*maps, '=');
        if (!equals || equals == *maps || equals[1] != '/')
            return *maps;
    }
    return NULL;
}

Import *import_read(ImportFormat format, const char *path, const char *text, size_t size, const char *name,
                    const ImportOptions *options, char **ret_why)
{
    g_autoptr(Wishes) wishes = wishes_new(options);
    Source source = {};
    Import *import = NULL;

    /* Editors of another system begin a file with it, and it is no text of the file's. */
    if (size >= strlen(BYTE_ORDER_MARK) && g_str_has_prefix(text, BYTE_ORDER_MARK)) {
        text += strlen(BYTE_ORDER_MARK);
        size -= strlen(BYTE_ORDER_MARK);
    }
    if (check_text(path, text, size, format, ret_why) &&
        read_source(format, wishes, &source, path, text, size, ret_why))
        import = settle(wishes, &source, path, name, ret_why);
    node_free(source.arguments);
    node_free(source.root);
    return import;
}

DEFINE_FREE(Import, import_free, import)
{
    draft_free(import->draft);
    g_free(import->name);
}
