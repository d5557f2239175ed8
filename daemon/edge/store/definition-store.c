/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "definition-file.h"
#include "definition-store.h"

/* IN_ATTRIB: a file that is not taken may be made so by chmod(1). */
#define WATCHED                                                                                              \
    (IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR)

struct DefinitionStore {
    char *path;
    int inotify_fd;
    sd_event_source *source;
    DefinitionStoreChanged changed;
    void *userdata;
    GHashTable *told; /* of char*: links that were logged since the folder changed */
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
    g_hash_table_remove_all(store->told);
    store->changed(store->userdata);
    return 0;
}

int definition_store_new(sd_event *event, const char *path, DefinitionStoreChanged changed, void *userdata,
                         DefinitionStore **ret)
{
    DefinitionStore *store = g_new0(DefinitionStore, 1);

    store->path = g_strdup(path);
    store->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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

DEFINE_FREE(DefinitionStore, definition_store_free, store)
{
    sd_event_source_disable_unref(store->source);
    close_fd(store->inotify_fd);
    g_free(store->path);
    g_hash_table_unref(store->told);
}

int definition_store_files(DefinitionStore *store, char ***ret)
{
    int r = file_list_at(AT_FDCWD, store->path, ret);

    if (r == -ENOENT)
        *ret = g_new0(char *, 1);
    return r == -ENOENT ? 0 : r;
}

int definition_store_names(DefinitionStore *store, char ***ret)
{
    g_auto(GStrv) files = NULL;
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    int r = definition_store_files(store, &files);
    if (r < 0)
        return r;
    for (char **file = files; *file; file++) {
        if (!g_str_has_suffix(*file, ".guest"))
            continue;
        g_autofree char *name = g_strndup(*file, strlen(*file) - strlen(".guest"));
        g_strv_builder_add(names, name);
    }
    *ret = g_strv_builder_end(names);
    return 0;
}

/* Whether the file may not be readable for all; a link may lead to a place that others cannot reach. */
static bool closed_file(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && (S_ISLNK(st.st_mode) || !(st.st_mode & S_IROTH));
}

static bool closed_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !(st.st_mode & S_IXOTH);
}

bool definition_store_closed(DefinitionStore *store, const char *name)
{
    g_autofree char *path = definition_store_path(store, name, NULL), *folder = g_strconcat(path, ".d", NULL);
    g_autofree char *parent = g_path_get_dirname(store->path);
    g_auto(GStrv) drop_ins = NULL;
    bool closed =
        closed_folder(parent) || closed_folder(store->path) || closed_file(path) || closed_folder(folder);

    int r = file_list_at(AT_FDCWD, folder, &drop_ins);
    for (char **file = drop_ins; !closed && file && *file; file++) {
        g_autofree char *drop_in = g_build_filename(folder, *file, NULL);
        closed = g_str_has_suffix(*file, ".conf") && closed_file(drop_in);
    }
    return closed || (r < 0 && r != -ENOENT);
}

/* Nobody shall be able to read more than before: a new drop-in gets the mode of its guest's file. */
static mode_t mode_of_new(const char *path, const char *file)
{
    struct stat st;

    if (stat(path, &st) < 0 && stat(file, &st) < 0)
        return 0644;
    return st.st_mode & 0644;
}

/* Takes its length from left. */
static int load_text(DefinitionFiles *files, const char *path, size_t *left, Fault **ret_fault)
{
    DefinitionText text = {};
    g_autofree char *link = NULL;
    char *content;

    int r = definition_file_read(path, *left, &content, &text.size, &link, ret_fault);
    if (r != 0)
        return r;
    *left -= text.size;
    if (link)
        g_ptr_array_add(files->links, g_strdup_printf("%s is a link to %s", path, link));
    text.path = g_strdup(path);
    text.text = content;
    g_array_append_val(files->texts, text);
    return 0;
}

int definition_files_load(const char *path, bool optional, DefinitionFiles **ret, Fault **ret_fault)
{
    g_autoptr(DefinitionFiles) files = g_new0(DefinitionFiles, 1);
    g_autofree char *folder = g_strconcat(path, ".d", NULL);
    g_auto(GStrv) drop_ins = NULL;
    size_t left = DEFINITION_SIZE_MAX;

    files->texts = g_array_new(FALSE, FALSE, sizeof(DefinitionText));
    files->links = g_ptr_array_new_with_free_func(g_free);
    int r = load_text(files, path, &left, ret_fault);
    if (r != 0 && !(optional && r == -ENOENT))
        return r;

    r = file_list_at(AT_FDCWD, folder, &drop_ins);
    if (r < 0 && r != -ENOENT)
        return r;
    for (char **file = drop_ins; file && *file; file++) {
        if (!g_str_has_suffix(*file, ".conf"))
            continue;
        if (files->texts->len > DEFINITION_DROP_INS_MAX)
            return -E2BIG;
        g_autofree char *drop_in = g_build_filename(folder, *file, NULL);
        r = load_text(files, drop_in, &left, ret_fault);
        if (r != 0)
            return r;
    }
    *ret = g_steal_pointer(&files);
    return 0;
}

const char *definition_files_error(int error)
{
    if (error == -EFBIG)
        return "it is longer than " G_STRINGIFY(DEFINITION_KIB_MAX) " KiB with its drop-ins";
    if (error == -E2BIG)
        return "it has more than " G_STRINGIFY(DEFINITION_DROP_INS_MAX) " drop-ins";
    return g_strerror(-error);
}

char *definition_store_path(DefinitionStore *store, const char *name, const char *drop_in)
{
    return drop_in ? g_strdup_printf("%s/%s.guest.d/%s", store->path, name, drop_in)
                   : g_strdup_printf("%s/%s.guest", store->path, name);
}

int definition_store_load(DefinitionStore *store, const char *name, DefinitionFiles **ret, Fault **ret_fault)
{
    g_autofree char *path = definition_store_path(store, name, NULL);

    int r = definition_files_load(path, false, ret, ret_fault);
    for (unsigned i = 0; r == 0 && i < (*ret)->links->len; i++) {
        const char *words = g_ptr_array_index((*ret)->links, i);
        if (g_hash_table_add(store->told, g_strdup(words)))
            log_guest(LOG_WARNING, name, "%s", words);
    }
    return r;
}

int definition_store_write(DefinitionStore *store, const char *name, const char *drop_in, const char *text)
{
    g_autofree char *path = definition_store_path(store, name, drop_in);
    g_autofree char *folder = g_path_get_dirname(path), *base = g_path_get_basename(path);
    g_autofree char *file = definition_store_path(store, name, NULL);

    _cleanup_close_ int fd = file_open_dirs_at(AT_FDCWD, folder, 0755);
    int r = fd < 0 ? fd : file_replace_at(fd, base, text, mode_of_new(path, file));
    /* A new folder of drop-ins is to be watched as well. */
    watch(store);
    return r;
}

static int remove_drop_ins(const char *folder)
{
    g_auto(GStrv) names = NULL;

    int r = file_list_at(AT_FDCWD, folder, &names);
    for (char **name = names; r >= 0 && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        if (g_str_has_suffix(*name, ".conf") && unlink(path) < 0)
            r = -errno;
    }
    if (r >= 0 && rmdir(folder) < 0 && errno != ENOTEMPTY)
        r = -errno;
    return r == -ENOENT ? 0 : r;
}

int definition_store_remove(DefinitionStore *store, const char *name, const char *drop_in)
{
    g_autofree char *path = definition_store_path(store, name, drop_in);
    g_autofree char *folder = g_strdup_printf("%s/%s.guest.d", store->path, name);

    /* The file goes first: without it the drop-ins mean nothing. */
    if (unlink(path) < 0)
        return -errno;
    if (!drop_in)
        return remove_drop_ins(folder);
    if (rmdir(folder) < 0 && errno != ENOTEMPTY)
        return -errno;
    return 0;
}

static void text_clear(DefinitionText *text)
{
    g_free((char *)text->path);
    g_free((char *)text->text);
}

void definition_files_put(DefinitionFiles *files, const char *path, const char *text)
{
    DefinitionText put = {.path = g_strdup(path), .text = g_strdup(text), .size = strlen(text)};
    bool is_file = g_str_has_suffix(path, ".guest");
    unsigned place = 0;

    /* The file is the first whatever its name, drop-ins are sorted. */
    while (!is_file && place < files->texts->len) {
        const DefinitionText *other = &g_array_index(files->texts, DefinitionText, place);
        if (!g_str_has_suffix(other->path, ".guest") && strcmp(other->path, path) >= 0)
            break;
        place++;
    }
    if (place < files->texts->len) {
        DefinitionText *other = &g_array_index(files->texts, DefinitionText, place);
        if (g_str_equal(other->path, path)) {
            text_clear(other);
            g_array_remove_index(files->texts, place);
        }
    }
    if (is_file || *text)
        g_array_insert_val(files->texts, place, put);
    else
        text_clear(&put);
}

DEFINE_FREE(DefinitionFiles, definition_files_free, files)
{
    for (unsigned i = 0; files->texts && i < files->texts->len; i++)
        text_clear(&g_array_index(files->texts, DefinitionText, i));
    if (files->texts)
        g_array_free(files->texts, TRUE);
    if (files->links)
        g_ptr_array_unref(files->links);
}
