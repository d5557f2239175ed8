/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/file.h"
#include "../../../daemon/edge/store/definition-store.h"
#include "../scratch.h"
#include "../suite.h"

static char *folder;
static sd_event *event;
static DefinitionStore *store;
static unsigned n_changes;

static void on_changed(void *userdata)
{
    n_changes++;
}

static void set_up(void)
{
    folder = scratch_new("definitions");
    ck_assert_int_ge(sd_event_new(&event), 0);
    ck_assert_int_eq(definition_store_new(event, folder, on_changed, NULL, &store), 0);
}

static void tear_down(void)
{
    store = definition_store_free(store);
    sd_event_unref(event);
    scratch_remove(folder);
    g_free(folder);
    n_changes = 0;
}

static char *read_text(const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text;

    return file_read_all_at(AT_FDCWD, path, 1000, &text, NULL) == 0 ? text : g_strdup("(none)");
}

static void assert_text(const char *name, const char *expected)
{
    g_autofree char *text = read_text(name);

    ck_assert_str_eq(text, expected);
}

/* "file:text" of each, in their order. */
static char *loaded(const char *name)
{
    g_autoptr(DefinitionFiles) files = NULL;
    GString *all = g_string_new(NULL);

    ck_assert_int_eq(definition_store_load(store, name, &files, NULL), 0);
    for (unsigned i = 0; i < files->texts->len; i++) {
        const DefinitionText *text = &g_array_index(files->texts, DefinitionText, i);
        g_autofree char *base = g_path_get_basename(text->path);
        g_string_append_printf(all, "%s:%s ", base, text->text);
    }
    return g_string_free(all, FALSE);
}

static void write_text(const char *drop_in, const char *text)
{
    ck_assert_int_eq(definition_store_write(store, "win10", drop_in, text), 0);
}

START_TEST(what_was_written_is_read_in_the_order_of_names)
{
    write_text(NULL, "file");
    write_text("50-b.conf", "b");
    write_text("10-a.conf", "a");
    g_autofree char *all = loaded("win10");

    ck_assert_str_eq(all, "win10.guest:file 10-a.conf:a 50-b.conf:b ");
}
END_TEST

START_TEST(a_file_is_replaced_as_a_whole_and_can_be_read_by_all)
{
    mode_t before = umask(0077);
    g_autofree char *path = definition_store_path(store, "win10", NULL);
    struct stat st;

    write_text(NULL, "a long text");
    write_text(NULL, "short");
    umask(before);
    assert_text("win10.guest", "short");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0644);
    g_auto(GStrv) names = NULL;
    ck_assert_int_eq(file_list_at(AT_FDCWD, folder, &names), 0);
    ck_assert_uint_eq(g_strv_length(names), 1);
}
END_TEST

static void set_mode(const char *name, mode_t mode)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    ck_assert_int_eq(chmod(path, mode), 0);
}

static mode_t mode_of(const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(a_guest_is_closed_if_others_cannot_read_one_of_its_files)
{
    set_mode("", 0755);
    ck_assert_int_eq(definition_store_write(store, "a", NULL, "text"), 0);
    ck_assert_int_eq(definition_store_write(store, "a", "10-x.conf", "more"), 0);
    ck_assert(!definition_store_closed(store, "a"));
    set_mode("a.guest", 0640);
    ck_assert(definition_store_closed(store, "a"));
    set_mode("a.guest", 0644);
    set_mode("a.guest.d/10-x.conf", 0600);
    ck_assert(definition_store_closed(store, "a"));
    set_mode("a.guest.d/10-x.conf", 0644);
    set_mode("a.guest.d", 0700);
    ck_assert(definition_store_closed(store, "a"));
    set_mode("a.guest.d", 0755);
    ck_assert(!definition_store_closed(store, "a"));
    set_mode("", 0700);
    ck_assert(definition_store_closed(store, "a"));
    g_autofree char *link = g_build_filename(folder, "b.guest", NULL);
    ck_assert_int_eq(symlink("/etc/hostname", link), 0);
    set_mode("", 0755);
    ck_assert(definition_store_closed(store, "b"));
}
END_TEST

START_TEST(what_is_written_is_no_more_open_than_what_was_there)
{
    ck_assert_int_eq(definition_store_write(store, "a", NULL, "text"), 0);
    set_mode("a.guest", 0600);
    ck_assert_int_eq(definition_store_write(store, "a", NULL, "other"), 0);
    ck_assert_int_eq(definition_store_write(store, "a", "10-x.conf", "more"), 0);
    ck_assert_uint_eq(mode_of("a.guest"), 0600);
    ck_assert_uint_eq(mode_of("a.guest.d/10-x.conf"), 0600);
    set_mode("a.guest", 0666);
    ck_assert_int_eq(definition_store_write(store, "a", NULL, "text"), 0);
    ck_assert_uint_eq(mode_of("a.guest"), 0644);
}
END_TEST

START_TEST(a_drop_in_that_goes_leaves_the_others)
{
    write_text(NULL, "file");
    write_text("a.conf", "a");
    write_text("b.conf", "b");
    ck_assert_int_eq(definition_store_remove(store, "win10", "a.conf"), 0);
    assert_text("win10.guest.d/b.conf", "b");
    ck_assert_int_eq(definition_store_remove(store, "win10", "b.conf"), 0);
    g_autofree char *drop_ins = g_build_filename(folder, "win10.guest.d", NULL);
    ck_assert(!g_file_test(drop_ins, G_FILE_TEST_EXISTS));
    ck_assert_int_eq(definition_store_remove(store, "win10", "b.conf"), -ENOENT);
    assert_text("win10.guest", "file");
}
END_TEST

START_TEST(a_guest_goes_with_its_drop_ins_and_without_what_else_lies_there)
{
    write_text(NULL, "file");
    write_text("a.conf", "a");
    write_text("notes.txt", "mine");
    ck_assert_int_eq(definition_store_remove(store, "win10", NULL), 0);
    assert_text("win10.guest", "(none)");
    assert_text("win10.guest.d/a.conf", "(none)");
    assert_text("win10.guest.d/notes.txt", "mine");
    ck_assert_int_eq(definition_store_remove(store, "win10", NULL), -ENOENT);
}
END_TEST

START_TEST(a_drop_in_written_to_a_new_folder_is_watched)
{
    write_text(NULL, "file");
    write_text("a.conf", "a");
    while (sd_event_run(event, 0) > 0)
        ;
    n_changes = 0;
    g_autofree char *path = definition_store_path(store, "win10", "b.conf");
    ck_assert_int_eq(file_replace_at(AT_FDCWD, path, "b", 0644), 0);
    while (sd_event_run(event, 0) > 0)
        ;
    ck_assert_uint_gt(n_changes, 0);
}
END_TEST

static char *with(DefinitionFiles *files, const char *drop_in, const char *text)
{
    g_autofree char *path = definition_store_path(store, "win10", drop_in);
    GString *all = g_string_new(NULL);

    definition_files_put(files, path, text);
    for (unsigned i = 0; i < files->texts->len; i++)
        g_string_append(all, g_array_index(files->texts, DefinitionText, i).text);
    return g_string_free(all, FALSE);
}

START_TEST(texts_can_be_had_as_they_would_be)
{
    static const struct {
        const char *drop_in, *text, *expected;
    } puts[] = {
        {"50.conf", "5", "05"}, {"10.conf", "1", "015"}, {"90.conf", "9", "0159"}, {"50.conf", "x", "01x9"},
        {NULL, "F", "F1x9"},    {"50.conf", "", "F19"},  {"50.conf", "", "F19"},   {"90.conf", "", "F1"},
    };
    g_autoptr(DefinitionFiles) files = NULL;

    write_text(NULL, "0");
    ck_assert_int_eq(definition_store_load(store, "win10", &files, NULL), 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(puts); i++) {
        g_autofree char *all = with(files, puts[i].drop_in, puts[i].text);
        ck_assert_str_eq(all, puts[i].expected);
    }
    assert_text("win10.guest", "0");
}
END_TEST

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* Loading win10 is refused over name, in a line that ends as told. */
static void assert_refused(const char *name, const char *words)
{
    g_autoptr(DefinitionFiles) files = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    g_autofree char *path = path_of(name), *start = g_strdup_printf("%s %s", path, words);

    ck_assert_int_eq(definition_store_load(store, "win10", &files, &fault), FAULT_RAISED);
    ck_assert_msg(g_str_has_prefix(fault->message, start), "%s", fault->message);
    ck_assert_ptr_nonnull(fault->remedy);
}

START_TEST(what_others_can_write_is_not_read_until_they_cannot)
{
    static const struct {
        const char *name;
        mode_t bad, good;
    } places[] = {
        {"win10.guest", 0666, 0644},          {"win10.guest", 0664, 0644},   {"win10.guest", 0602, 0600},
        {"win10.guest.d/a.conf", 0666, 0644}, {"win10.guest.d", 0777, 0755}, {"win10.guest.d", 0775, 0755},
        {"win10.guest.d", 01777, 0755},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = path_of(places[i].name);
        write_text(NULL, "file");
        write_text("a.conf", "a");
        ck_assert_int_eq(chmod(path, places[i].bad), 0);
        assert_refused(places[i].name, "is ignored: users other than root can write to it (owner ");
        ck_assert_int_eq(chmod(path, places[i].good), 0);
        g_autofree char *all = loaded("win10");
        ck_assert_str_eq(all, "win10.guest:file a.conf:a ");
    }
}
END_TEST

START_TEST(what_is_anothers_is_not_read)
{
    g_autofree char *path = path_of("win10.guest");

    write_text(NULL, "file");
    /* Root alone can give a file away. */
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 1234, 0), 0);
        assert_refused("win10.guest",
                       "is ignored: users other than root can write to it (owner 1234, mode 0644)");
    } else {
        ck_assert_int_eq(chown(path, 0, 0), -1);
    }
}
END_TEST

START_TEST(a_change_of_the_mode_is_told)
{
    g_autofree char *path = path_of("win10.guest");

    write_text(NULL, "file");
    ck_assert_int_eq(chmod(path, 0666), 0);
    while (sd_event_run(event, 0) > 0)
        ;
    n_changes = 0;
    ck_assert_int_eq(chmod(path, 0644), 0);
    while (sd_event_run(event, 0) > 0)
        ;
    ck_assert_uint_gt(n_changes, 0);
}
END_TEST

START_TEST(what_is_no_file_is_not_waited_for)
{
    g_autofree char *path = path_of("win10.guest"), *drop_in = path_of("win10.guest.d/a.conf");

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_refused("win10.guest", "is a FIFO, not a file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_refused("win10.guest", "is a folder, not a file");
    ck_assert_int_eq(rmdir(path), 0);
    write_text(NULL, "file");
    write_text("a.conf", "a");
    ck_assert_int_eq(unlink(drop_in), 0);
    ck_assert_int_eq(mkfifo(drop_in, 0600), 0);
    assert_refused("win10.guest.d/a.conf", "is a FIFO, not a file");
    ck_assert_int_eq(unlink(drop_in), 0);
    ck_assert_int_eq(symlink("/dev/zero", drop_in), 0);
    g_autoptr(DefinitionFiles) files = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(definition_store_load(store, "win10", &files, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, "/dev/zero is a device, not a file");
}
END_TEST

START_TEST(a_link_is_followed_and_told_where_it_leads_out)
{
    g_autofree char *elsewhere = scratch_new("elsewhere"),
                    *target = g_build_filename(elsewhere, "base", NULL);
    g_autofree char *path = path_of("win10.guest"), *inside = path_of("base.txt");
    g_autofree char *words = g_strdup_printf("%s is a link to %s", path, target);

    ck_assert_int_eq(file_replace_at(AT_FDCWD, target, "there", 0644), 0);
    ck_assert_int_eq(file_replace_at(AT_FDCWD, inside, "here", 0644), 0);
    ck_assert_int_eq(symlink(target, path), 0);
    {
        g_autoptr(DefinitionFiles) files = NULL;
        ck_assert_int_eq(definition_store_load(store, "win10", &files, NULL), 0);
        ck_assert_uint_eq(files->links->len, 1);
        ck_assert_str_eq(g_ptr_array_index(files->links, 0), words);
    }
    /* Whoever can put another file there writes what is read here. */
    ck_assert_int_eq(chmod(elsewhere, 0777), 0);
    {
        g_autoptr(DefinitionFiles) files = NULL;
        _cleanup_fault_ Fault *fault = NULL;
        g_autofree char *start = g_strdup_printf("%s is ignored: ", elsewhere);
        ck_assert_int_eq(definition_store_load(store, "win10", &files, &fault), FAULT_RAISED);
        ck_assert_msg(g_str_has_prefix(fault->message, start), "%s", fault->message);
    }
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("base.txt", path), 0);
    {
        g_autoptr(DefinitionFiles) files = NULL;
        ck_assert_int_eq(definition_store_load(store, "win10", &files, NULL), 0);
        ck_assert_uint_eq(files->links->len, 0);
    }
    scratch_remove(elsewhere);
}
END_TEST

SUITE_WITH("definition-store", set_up, tear_down, what_was_written_is_read_in_the_order_of_names,
           a_file_is_replaced_as_a_whole_and_can_be_read_by_all,
           a_guest_is_closed_if_others_cannot_read_one_of_its_files,
           what_is_written_is_no_more_open_than_what_was_there, a_drop_in_that_goes_leaves_the_others,
           a_guest_goes_with_its_drop_ins_and_without_what_else_lies_there,
           a_drop_in_written_to_a_new_folder_is_watched, texts_can_be_had_as_they_would_be,
           what_others_can_write_is_not_read_until_they_cannot, what_is_anothers_is_not_read,
           a_change_of_the_mode_is_told, what_is_no_file_is_not_waited_for,
           a_link_is_followed_and_told_where_it_leads_out)
