/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "skipped.h"

#include <string.h>

#include "../../base/words.h"
#include "handle.h"

#define SUFFIX ".guest"
#define DROP_INS ".guest.d"

static void skipped_free(void *pointer)
{
    Skipped *skipped = pointer;

    g_free(skipped->file);
    g_free(skipped->why);
    g_free(skipped->remedy);
    g_free(skipped);
}

void skipped_add(GPtrArray *skipped, const char *file, const char *why, const char *remedy)
{
    if (skipped->len > SKIPPED_MAX)
        return;
    Skipped *more = g_new(Skipped, 1);
    *more = (Skipped){words_quote(file), g_strdup(why), g_strdup(remedy)};
    g_ptr_array_add(skipped, more);
}

/* The name that comes nearest: "Windows_11" becomes "windows-11". The caller frees it. */
static char *valid_name(const char *name)
{
    GString *valid = g_string_new(NULL);

    for (; *name && valid->len < GUEST_NAME_MAX; name++) {
        if (g_ascii_isalnum(*name))
            g_string_append_c(valid, g_ascii_tolower(*name));
        else if (valid->len > 0 && valid->str[valid->len - 1] != '-')
            g_string_append_c(valid, '-');
    }
    while (valid->len > 0 && valid->str[valid->len - 1] == '-')
        g_string_truncate(valid, valid->len - 1);
    if (valid->len == 0)
        g_string_append(valid, "guest");
    return g_string_free(valid, FALSE);
}

static bool has(char *const *files, const char *file)
{
    return g_strv_contains((const char *const *)files, file);
}

/* A name that no other file has. */
static char *rename_to(char *const *files, const char *stem)
{
    g_autofree char *name = valid_name(stem), *file = g_strconcat(name, SUFFIX, NULL);

    return has(files, file) ? g_strdup("choose a name that no other guest has, such as a longer one")
                            : g_strdup_printf("rename it: %s", file);
}

/* Endings under which people keep definitions and the like; a README is none. */
static bool meant(const char *file)
{
    static const char *const endings[] = {".conf", ".xml",    ".ini",   ".cfg",
                                          ".toml", ".guests", ".usher", NULL};
    const char *ending = strrchr(file, '.');
    g_autofree char *lower = ending ? g_ascii_strdown(ending, -1) : NULL;

    if (!ending)
        return !g_str_has_prefix(file, "README");
    return g_strv_contains(endings, lower) || g_str_equal(lower, SUFFIX);
}

static void judge_other(GPtrArray *skipped, char *const *files, const char *file)
{
    g_autofree char *stem = g_strndup(file, strcspn(file, "."));
    bool xml = g_str_has_suffix(file, ".xml");
    g_autofree char *remedy = xml ? g_strdup("convert it: usherctl import") : rename_to(files, stem);

    if (meant(file))
        skipped_add(skipped, file, "its name does not end in " SUFFIX, remedy);
}

static void judge_drop_ins(GPtrArray *skipped, char *const *files, const char *folder)
{
    g_autofree char *file = g_strndup(folder, strlen(folder) - strlen(".d"));
    g_autofree char *shown = words_quote(file), *why = g_strdup_printf("there is no %s to add to", shown);

    if (!has(files, file))
        skipped_add(skipped, folder, why, "write that file, or remove the folder");
}

static void judge(GPtrArray *skipped, char *const *files, const char *file)
{
    if (*file == '.' || g_str_has_suffix(file, "~"))
        return;
    if (g_str_has_suffix(file, DROP_INS)) {
        judge_drop_ins(skipped, files, file);
    } else if (g_str_has_suffix(file, SUFFIX)) {
        g_autofree char *stem = g_strndup(file, strlen(file) - strlen(SUFFIX));
        g_autofree char *remedy = rename_to(files, stem);
        if (!guest_name_valid(stem))
            skipped_add(skipped, file,
                        "a guest's name has a-z, 0-9 and - only, at most 63, and no - at its beginning",
                        remedy);
    } else if (!strstr(file, SUFFIX ".")) {
        judge_other(skipped, files, file);
    }
}

/* The last one that there is room for stands for those that are not named. */
static void count_rest(GPtrArray *skipped, unsigned found)
{
    g_autofree char *why = g_strdup_printf("%u more files are left out", found - SKIPPED_MAX);

    skipped_add(skipped, "...", why, "look into the folder");
}

GPtrArray *skipped_find(char *const *files)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new_with_free_func(skipped_free);
    GPtrArray *skipped = g_ptr_array_new_with_free_func(skipped_free);
    unsigned found = 0;

    for (char *const *file = files; *file; file++) {
        g_ptr_array_set_size(one, 0);
        judge(one, files, *file);
        found += one->len;
        if (one->len > 0 && skipped->len < SKIPPED_MAX)
            g_ptr_array_add(skipped, g_ptr_array_steal_index(one, 0));
    }
    if (found > SKIPPED_MAX)
        count_rest(skipped, found);
    return skipped;
}
