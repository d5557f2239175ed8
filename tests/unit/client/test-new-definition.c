/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "../../../client/definition/new-definition.h"
#include "../suite.h"

static char *text_of(const NewDefinition *definition)
{
    char *why = NULL, *text = new_definition_text("win10", definition, &why);

    ck_assert_ptr_null(why);
    ck_assert_ptr_nonnull(text);
    return text;
}

static void assert_refused(const NewDefinition *definition, const char *expected)
{
    g_autofree char *why = NULL;

    ck_assert_ptr_null(new_definition_text("win10", definition, &why));
    ck_assert_str_eq(why, expected);
}

/* Without comments and blank lines. */
static char *bare(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *kept = g_string_new(NULL);

    for (char **line = lines; *line; line++)
        if (**line && **line != '#')
            g_string_append_printf(kept, "%s\n", *line);
    return g_string_free(kept, FALSE);
}

START_TEST(a_guest_of_which_nothing_is_said_has_the_defaults_as_comments)
{
    NewDefinition definition = {0};
    g_autofree char *text = text_of(&definition), *rest = bare(text);

    ck_assert(!new_definition_said(&definition));
    ck_assert_str_eq(rest, "[Guest]\n[CPU]\n[Memory]\n[Network nat]\nMode=user\n");
    ck_assert_ptr_nonnull(strstr(text, "\n[CPU]\n#Cores=2\n\n[Memory]\n#Size=2G\n"));
}
END_TEST

START_TEST(what_is_said_stands_in_its_section)
{
    NewDefinition definition = {
        .description = "Windows, 100% = \"mine\"",
        .memory = "8G",
        .cpus = "4",
        .uefi = true,
        .gpus = (char *[]){(char *)"01:00.0", (char *)"0001:02:00.0", NULL},
        .disks = (char *[]){(char *)"/srv/a,b.qcow2", (char *)"/srv/x,format=raw,bus=nvme,size=10G", NULL},
        .cdroms = (char *[]){(char *)"/srv/install.iso", NULL},
        .network = "bridge:br0",
        .display = "vnc",
    };
    g_autofree char *text = text_of(&definition), *rest = bare(text);

    ck_assert(new_definition_said(&definition));
    ck_assert_str_eq(rest, "[Guest]\nDescription=Windows, 100% = \"mine\"\n"
                           "[Firmware]\nType=uefi\n"
                           "[CPU]\nCores=4\n"
                           "[Memory]\nSize=8G\n"
                           "[PCI gpu]\nAddress=0000:01:00.0\nFunctions=all\n"
                           "[PCI gpu2]\nAddress=0001:02:00.0\nFunctions=all\n"
                           "[Disk system]\nPath=/srv/a,b.qcow2\nFormat=qcow2\n"
                           "[Disk disk2]\nPath=/srv/x\nFormat=raw\nSize=10G\nBus=nvme\n"
                           "[CDROM install]\nPath=/srv/install.iso\n"
                           "[Network lan]\nMode=bridge\nBridge=br0\n"
                           "[Display]\nType=vnc\n");
}
END_TEST

START_TEST(a_network_can_be_done_without)
{
    g_autofree char *text = text_of(&(NewDefinition){.network = "none"});

    ck_assert_ptr_null(strstr(text, "[Network"));
}
END_TEST

START_TEST(what_is_in_a_disk_is_not_guessed_but_from_its_name)
{
    assert_refused(&(NewDefinition){.disks = (char *[]){(char *)"/srv/disk", NULL}},
                   "--disk=/srv/disk has no format; add ,format=raw or ,format=qcow2");
    g_autofree char *text = text_of(&(NewDefinition){.disks = (char *[]){(char *)"/dev/sdb", NULL}});
    ck_assert_ptr_nonnull(strstr(text, "Format=raw\n"));
}
END_TEST

START_TEST(a_value_that_would_be_more_than_one_line_is_refused)
{
    assert_refused(&(NewDefinition){.memory = "2G\n[PCI x]"}, "--memory= contains a control character");
    assert_refused(&(NewDefinition){.description = "C:\\"},
                   "--description= ends with a backslash, which would continue the line");
    assert_refused(&(NewDefinition){.gpus = (char *[]){(char *)"", NULL}}, "--gpu= is empty");
    assert_refused(&(NewDefinition){.disks = (char *[]){(char *)"/a\r", NULL}},
                   "--disk= contains a control character");
}
END_TEST

SUITE("client-new-definition", a_guest_of_which_nothing_is_said_has_the_defaults_as_comments,
      what_is_said_stands_in_its_section, a_network_can_be_done_without,
      what_is_in_a_disk_is_not_guessed_but_from_its_name, a_value_that_would_be_more_than_one_line_is_refused)
