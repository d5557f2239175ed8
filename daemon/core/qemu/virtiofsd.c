/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtiofsd.h"

#include <string.h>

#include "../../base/cleanup.h"
#include "../host/descriptor.h"

/* What a share needs, of either; "-o NAME=" of the older one is found by its name. */
static const char *const separate_options[] = {
    "--fd", "--shared-dir", "--sandbox", "--modcaps", "--log-level", "--inode-file-handles", NULL};
static const char *const joined_options[] = {"--fd", "source", "sandbox", "modcaps", NULL};

static bool in_a_word(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '_';
}

/* Whether a text has that word, and not as a part of another. */
static bool tells_of(const char *help, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = strstr(help, word); at; at = strstr(at + 1, word))
        if (!in_a_word(at[length]) && (at == help || !in_a_word(at[-1])))
            return true;
    return false;
}

static bool tells_of_all(const char *help, const char *const *words)
{
    for (; *words; words++)
        if (!tells_of(help, *words))
            return false;
    return true;
}

static bool serves_folders(struct json_object *root)
{
    return g_strcmp0(descriptor_text(root, "type"), "fs") == 0;
}

/* A loader or a library may have had a word to say first, on the same output. */
static struct json_object *read_capabilities(const char *text)
{
    const char *object = text ? strchr(text, '{') : NULL;

    return object ? descriptor_parse(object, strlen(object)) : NULL;
}

Virtiofsd *virtiofsd_from_answers(const char *path, const char *capabilities, const char *help)
{
    Virtiofsd *virtiofsd = g_new0(Virtiofsd, 1);
    struct json_object *root = read_capabilities(capabilities);

    virtiofsd->path = g_strdup(path);
    if (serves_folders(root) && help) {
        /* Not the feature "separate-options": versions before 1.10 have the options, and do not tell of
         * them. */
        virtiofsd->separate = tells_of(help, "--shared-dir");
        virtiofsd->usable = tells_of_all(help, virtiofsd->separate ? separate_options : joined_options);
        virtiofsd->read_only = virtiofsd->separate && tells_of(help, "--readonly");
        virtiofsd->translates =
            virtiofsd->separate && tells_of(help, "--translate-uid") && tells_of(help, "--translate-gid");
    }
    json_object_put(root);
    return virtiofsd;
}

char *virtiofsd_described(const char *text, size_t size)
{
    struct json_object *root = descriptor_parse(text, size);
    const char *binary = descriptor_text(root, "binary");
    char *path = serves_folders(root) && binary && g_path_is_absolute(binary) ? g_strdup(binary) : NULL;

    json_object_put(root);
    return path;
}

Virtiofsd *virtiofsd_assume(const char *path)
{
    const Virtiofsd todays = {
        .path = (char *)path, .usable = true, .separate = true, .read_only = true, .translates = true};

    return virtiofsd_copy(&todays);
}

Virtiofsd *virtiofsd_copy(const Virtiofsd *virtiofsd)
{
    Virtiofsd *copy = g_new(Virtiofsd, 1);

    *copy = *virtiofsd;
    copy->path = g_strdup(virtiofsd->path);
    return copy;
}

DEFINE_FREE(Virtiofsd, virtiofsd_free, virtiofsd)
{
    g_free(virtiofsd->path);
}
