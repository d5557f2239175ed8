/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which virtiofsd is found, and what it is asked. Scripts stand in for programs of other distributions, and
 * for those that never answer. */
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/edge/scan/virtiofsd-probe.h"
#include "../suite.h"

static char *top, *etc, *usr, *usual;
static const char *descriptors[3], *programs[3];
static VirtiofsdPlaces places = {descriptors, programs};
static sd_event *event;
static VirtiofsdProbe *probe;

static void set_up(void)
{
    top = g_dir_make_tmp("usher-virtiofsd-XXXXXX", NULL);
    descriptors[0] = etc = g_build_filename(top, "etc", NULL);
    descriptors[1] = usr = g_build_filename(top, "usr", NULL);
    programs[0] = g_build_filename(top, "nowhere", NULL);
    programs[1] = usual = g_build_filename(top, "libexec", "virtiofsd", NULL);
    ck_assert_int_ge(sd_event_new(&event), 0);
    probe = virtiofsd_probe_new(event, &places);
}

static void tear_down(void)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", top);

    virtiofsd_probe_free(probe);
    sd_event_unref(event);
    ck_assert_int_eq(system(command), 0);
    g_free((char *)programs[0]);
    g_free(usual);
    g_free(usr);
    g_free(etc);
    g_free(top);
}

static void write_file(const char *path, const char *text)
{
    g_autofree char *folder = g_path_get_dirname(path);

    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static char *program(const char *name)
{
    return g_build_filename(top, name, NULL);
}

/* A program that says what it can do. */
static void install(const char *path, const char *more)
{
    g_autofree char *text =
        g_strdup_printf("#!/bin/sh\ncase $1 in\n--print-capabilities) echo '{\"type\":\"fs\"}';;\n"
                        "--help) echo --fd --shared-dir --sandbox --modcaps --log-level --inode-file-handles "
                        "%s;;\n*) exit 1;;\nesac\n",
                        more);

    write_file(path, text);
}

static void describe(const char *folder, const char *name, const char *binary)
{
    g_autofree char *path = g_build_filename(folder, name, NULL),
                    *text = g_strdup_printf("{\"type\":\"fs\",\"binary\":\"%s\"}", binary);

    write_file(path, text);
}

/* After it has answered; NULL: there is none. */
static const Virtiofsd *known(void)
{
    bool asked;

    ck_assert_int_eq(virtiofsd_probe_settle(probe), 0);
    const Virtiofsd *virtiofsd = virtiofsd_probe_known(probe, &asked);
    ck_assert(!asked);
    return virtiofsd;
}

START_TEST(a_host_without_one_is_not_asked)
{
    bool asked = true;

    ck_assert_ptr_null(known());
    ck_assert_ptr_null(virtiofsd_probe_known(NULL, &asked));
    ck_assert(!asked);
}
END_TEST

START_TEST(the_one_in_a_usual_folder_says_what_it_can_do)
{
    install(usual, "--readonly");
    const Virtiofsd *virtiofsd = known();

    ck_assert_str_eq(virtiofsd->path, usual);
    ck_assert(virtiofsd->usable && virtiofsd->separate && virtiofsd->read_only && !virtiofsd->translates);
}
END_TEST

START_TEST(the_one_that_is_described_comes_first)
{
    g_autofree char *described = program("described"), *gone = program("gone");

    install(usual, "");
    install(described, "--readonly");
    describe(usr, "40-gone.json", gone);
    describe(usr, "50-virtiofsd.json", described);
    ck_assert_str_eq(known()->path, described);
}
END_TEST

START_TEST(one_that_can_be_used_is_found_behind_one_that_cannot)
{
    g_autofree char *described = program("described"), *strange = program("strange");

    install(usual, "--readonly");
    write_file(described, "#!/bin/sh\necho it is something else\n");
    write_file(strange, "no program at all");
    describe(etc, "40-strange.json", strange);
    describe(usr, "50-virtiofsd.json", described);
    describe(usr, "60-again.json", described);
    ck_assert_str_eq(known()->path, usual);
    ck_assert(known()->usable && known()->read_only);
    install(described, "");
    ck_assert_str_eq(known()->path, described);
}
END_TEST

START_TEST(a_folder_is_no_program)
{
    install(usual, "");
    describe(usr, "50-virtiofsd.json", usr);
    ck_assert_str_eq(known()->path, usual);
}
END_TEST

START_TEST(the_administrators_descriptor_counts_more)
{
    g_autofree char *described = program("described"), *mine = program("mine");

    install(described, "");
    install(mine, "");
    describe(usr, "50-virtiofsd.json", described);
    describe(etc, "50-virtiofsd.json", mine);
    ck_assert_str_eq(known()->path, mine);
}
END_TEST

START_TEST(one_that_cannot_be_used_is_known_all_the_same)
{
    write_file(usual, "#!/bin/sh\necho it is something else\n");
    ck_assert(!known()->usable);
    write_file(usual, "no program at all");
    ck_assert(!known()->usable);
}
END_TEST

START_TEST(one_that_prints_without_end_is_cut_off)
{
    write_file(usual, "#!/bin/sh\nexec cat /dev/zero\n");
    ck_assert(!known()->usable);
}
END_TEST

START_TEST(another_program_is_asked_while_the_loop_goes_on)
{
    bool asked;

    install(usual, "");
    ck_assert(!known()->read_only);
    install(usual, "--readonly --translate-uid --translate-gid");
    ck_assert_ptr_null(virtiofsd_probe_known(probe, &asked));
    ck_assert(asked);
    ck_assert(known()->read_only);
    ck_assert_int_eq(g_unlink(usual), 0);
    ck_assert_ptr_null(virtiofsd_probe_known(probe, &asked));
    ck_assert(!asked);
}
END_TEST

START_TEST(one_that_hangs_dies_with_who_asked)
{
    g_autofree char *written = program("pid"), *text = NULL,
                    *script = g_strdup_printf("#!/bin/sh\necho $$ >%s/pid.$1\nexec sleep 1000\n", top);
    bool asked;

    write_file(usual, script);
    ck_assert_ptr_null(virtiofsd_probe_known(probe, &asked));
    ck_assert(asked);
    g_autofree char *name = g_strconcat(written, "." VIRTIOFSD_ASK_HELP, NULL);
    while (!g_file_get_contents(name, &text, NULL, NULL) || !strchr(text, '\n'))
        g_clear_pointer(&text, g_free);
    probe = virtiofsd_probe_free(probe);
    ck_assert_int_eq(kill(atoi(text), 0), -1);
}
END_TEST

SUITE_WITH("virtiofsd-probe", set_up, tear_down, a_host_without_one_is_not_asked,
           the_one_in_a_usual_folder_says_what_it_can_do, the_one_that_is_described_comes_first,
           one_that_can_be_used_is_found_behind_one_that_cannot, a_folder_is_no_program,
           the_administrators_descriptor_counts_more, one_that_cannot_be_used_is_known_all_the_same,
           one_that_prints_without_end_is_cut_off, another_program_is_asked_while_the_loop_goes_on,
           one_that_hangs_dies_with_who_asked)
