/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>

#include "../base/cleanup.h"
#include "../base/file.h"
#include "definition-store.h"

#define WATCHED (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR)

struct DefinitionStore {
    char *path;
    int inotify_fd;
    sd_event_source *source;
    DefinitionStoreChanged changed;
    void *userdata;
};

/* Watches the folder and each folder of drop-ins; a watch that is there already is only found again. */
static void watch(DefinitionStore *store)
{
    g_auto(GStrv) names = NULL;

    if (inotify_add_watch(store->inotify_fd, store->path, WATCHED) < 0)
        return;
    if (file_list_at(AT_FDCWD, store->path, &names) < 0)
        return;
    for (char **name = names; *name; name++) {
        if (!g_str_has_suffix(*name, ".guest.d"))
            continue;
        g_autofree char *folder = g_build_filename(store->path, *name, NULL);
        inotify_add_watch(store->inotify_fd, folder, WATCHED);
    }
}

static int on_change(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    DefinitionStore *store = userdata;
    char buffer[16 * 1024];

    /* Which file it was matters little: the folder is small and read again. */
    while (read(fd, buffer, sizeof buffer) > 0)
        ;
    watch(store);
    store->changed(store->userdata);
    return 0;
}

int definition_store_new(sd_event *event, const char *path, DefinitionStoreChanged changed, void *userdata,
                         DefinitionStore **ret)
{
    DefinitionStore *store = g_new0(DefinitionStore, 1);

    store->path = g_strdup(path);
    store->changed = changed;
    store->userdata = userdata;
    store->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int r = store->inotify_fd < 0 ? -errno : 0;
    if (r == 0)
        r = sd_event_add_io(event, &store->source, store->inotify_fd, EPOLLIN, on_change, store);
    if (r < 0) {
        definition_store_free(store);
        return r;
    }
    watch(store);
    *ret = store;
    return 0;
}

DefinitionStore *definition_store_free(DefinitionStore *store)
{
    if (!store)
        return NULL;
    sd_event_source_disable_unref(store->source);
    close_fd(store->inotify_fd);
    g_free(store->path);
    g_free(store);
    return NULL;
}

int definition_store_names(DefinitionStore *store, char ***ret)
{
    g_auto(GStrv) files = NULL;
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    int r = file_list_at(AT_FDCWD, store->path, &files);
    if (r < 0 && r != -ENOENT)
        return r;
    for (char **file = files; file && *file; file++) {
        if (!g_str_has_suffix(*file, ".guest"))
            continue;
        g_autofree char *name = g_strndup(*file, strlen(*file) - strlen(".guest"));
        g_strv_builder_add(names, name);
    }
    *ret = g_strv_builder_end(names);
    return 0;
}

static int load_text(DefinitionFiles *files, const char *path)
{
    DefinitionText text = {};
    char *content;

    int r = file_read_all_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &content, &text.size);
    if (r < 0)
        return r;
    text.path = g_strdup(path);
    text.text = content;
    g_array_append_val(files->texts, text);
    return 0;
}

int definition_files_load(const char *path, bool optional, DefinitionFiles **ret)
{
    g_autoptr(DefinitionFiles) files = g_new0(DefinitionFiles, 1);
    g_autofree char *folder = g_strconcat(path, ".d", NULL);
    g_auto(GStrv) drop_ins = NULL;

    files->texts = g_array_new(FALSE, FALSE, sizeof(DefinitionText));
    int r = load_text(files, path);
    if (r < 0 && !(optional && r == -ENOENT))
        return r;

    r = file_list_at(AT_FDCWD, folder, &drop_ins);
    if (r < 0 && r != -ENOENT)
        return r;
    for (char **file = drop_ins; file && *file; file++) {
        if (!g_str_has_suffix(*file, ".conf"))
            continue;
        g_autofree char *drop_in = g_build_filename(folder, *file, NULL);
        r = load_text(files, drop_in);
        if (r < 0)
            return r;
    }
    *ret = g_steal_pointer(&files);
    return 0;
}

int definition_store_load(DefinitionStore *store, const char *name, DefinitionFiles **ret)
{
    g_autofree char *path = g_strdup_printf("%s/%s.guest", store->path, name);

    return definition_files_load(path, false, ret);
}

DefinitionFiles *definition_files_free(DefinitionFiles *files)
{
    if (!files)
        return NULL;
    for (unsigned i = 0; files->texts && i < files->texts->len; i++) {
        DefinitionText *text = &g_array_index(files->texts, DefinitionText, i);
        g_free((char *)text->path);
        g_free((char *)text->text);
    }
    if (files->texts)
        g_array_free(files->texts, TRUE);
    g_free(files);
    return NULL;
}
