/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "../../../client/definition/card.h"
#include "../../../client/definition/new-definition.h"
#include "../../../daemon/core/definition/handle.h"
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

static NewDevice radeon = {(char *)"gpu", (char *)"0000:01:00.0",
                           (char *)"1002:73bf 1da2:e437 030000 0000:00:01.0/00.0", (char *)"VGA: Radeon"};
static NewDevice other = {(char *)"gpu2", (char *)"0001:02:00.0", (char *)"", (char *)"VGA: other"};

static GPtrArray *cards_new(void)
{
    GPtrArray *cards = g_ptr_array_new();

    g_ptr_array_add(cards, &radeon);
    g_ptr_array_add(cards, &other);
    return cards;
}

START_TEST(what_is_said_stands_in_its_section)
{
    g_autoptr(GPtrArray) cards = cards_new();
    NewDefinition definition = {
        .description = "Windows, 100% = \"mine\"",
        .memory = "8G",
        .cpus = "4",
        .uefi = true,
        .cards = cards,
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
                           "[PCI gpu]\nAddress=0000:01:00.0\n"
                           "Fingerprint=1002:73bf 1da2:e437 030000 0000:00:01.0/00.0\nFunctions=all\n"
                           "[PCI gpu2]\nAddress=0001:02:00.0\nFunctions=all\n"
                           "[Disk system]\nPath=/srv/a,b.qcow2\nFormat=qcow2\n"
                           "[Disk disk2]\nPath=/srv/x\nFormat=raw\nSize=10G\nBus=nvme\n"
                           "[CDROM install]\nPath=/srv/install.iso\n"
                           "[Network lan]\nMode=bridge\nBridge=br0\n"
                           "[Display]\nType=vnc\n");
}
END_TEST

/* A preset's definition, that usherd takes, without comments. */
static char *preset_text(const NewDefinition *said)
{
    NewDefinition definition = *said;

    definition.kind = preset_find(said->preset);
    ck_assert_ptr_nonnull(definition.kind);
    g_autofree char *text = text_of(&definition);
    const DefinitionText file = {"/x/win10.guest", text, strlen(text)};
    g_autoptr(GuestDefinition) parsed = NULL;
    Fault *fault = NULL;
    ck_assert_msg(definition_parse("win10", &file, 1, &parsed, &fault) == 0, "%s",
                  fault ? fault->message : "");
    return bare(text);
}

static void assert_preset(const NewDefinition *said, const char *expected)
{
    g_autofree char *text = preset_text(said);

    ck_assert_str_eq(text, expected);
}

START_TEST(a_preset_is_a_guest_that_boots)
{
    assert_preset(&(NewDefinition){.preset = "windows11",
                                   .disks = (char *[]){(char *)"/srv/a.qcow2,size=64G", NULL},
                                   .cdroms = (char *[]){(char *)"/srv/Win11.iso", NULL},
                                   .drivers_cd = "/usr/share/virtio-win/virtio-win.iso"},
                  "[Guest]\n[Firmware]\nType=uefi\nSecureBoot=yes\n[TPM]\nVersion=2.0\n"
                  "[CPU]\nCores=4\nHyperV=yes\n[Memory]\nSize=8G\n[Clock]\nBase=local\n"
                  "[Disk system]\nPath=/srv/a.qcow2\nFormat=qcow2\nSize=64G\nBus=sata\n"
                  "[CDROM install]\nPath=/srv/Win11.iso\n"
                  "[CDROM drivers]\nPath=/usr/share/virtio-win/virtio-win.iso\n"
                  "[Network nat]\nMode=user\nModel=e1000e\n[Display]\nType=vnc\n");
    assert_preset(&(NewDefinition){.preset = "windows10", .memory = "16G", .cpus = "6", .network = "none"},
                  "[Guest]\n[Firmware]\nType=uefi\n[CPU]\nCores=6\nHyperV=yes\n[Memory]\nSize=16G\n"
                  "[Clock]\nBase=local\n[Display]\nType=vnc\n");
    assert_preset(
        &(NewDefinition){.preset = "linux", .disks = (char *[]){(char *)"/dev/sdb", NULL}},
        "[Guest]\n[Firmware]\nType=uefi\n[CPU]\nCores=4\n[Memory]\nSize=4G\n"
        "[Disk system]\nPath=/dev/sdb\nFormat=raw\n[Network nat]\nMode=user\n[Display]\nType=vnc\n");
}
END_TEST

START_TEST(what_is_said_comes_before_what_a_preset_says)
{
    g_autofree char *text = preset_text(&(NewDefinition){
        .preset = "windows10", .disks = (char *[]){(char *)"/srv/a.raw,bus=nvme", NULL}, .display = "spice"});

    ck_assert_ptr_nonnull(strstr(text, "Bus=nvme\n"));
    ck_assert_ptr_null(strstr(text, "Bus=sata\n"));
    ck_assert_ptr_nonnull(strstr(text, "[Display]\nType=spice\n"));
}
END_TEST

START_TEST(a_guest_with_a_card_has_its_own_cores_and_no_screen)
{
    g_autoptr(GPtrArray) cards = cards_new();
    const CoreChoice cores = {4, 2, (char *)"2,8,3,9,4,10,5,11", (char *)"0-1,6-7"};
    g_autofree char *text =
        preset_text(&(NewDefinition){.preset = "linux", .cards = cards, .cores = cores, .topoext = true});

    ck_assert_ptr_nonnull(strstr(text, "[CPU]\nCores=4\nThreads=2\nFeatures=+topoext\n"
                                       "Pin=2,8,3,9,4,10,5,11\nEmulatorPin=0-1,6-7\n"));
    ck_assert_ptr_null(strstr(text, "[Display]"));
}
END_TEST

START_TEST(a_network_can_be_of_ushers_own)
{
    g_autofree char *text = text_of(&(NewDefinition){.network = "nat"});

    ck_assert_ptr_nonnull(strstr(text, "[Network nat]\n# nat: "));
    ck_assert_ptr_nonnull(strstr(text, "\nMode=nat\n"));
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
      what_is_said_stands_in_its_section, a_preset_is_a_guest_that_boots,
      what_is_said_comes_before_what_a_preset_says, a_guest_with_a_card_has_its_own_cores_and_no_screen,
      a_network_can_be_done_without, a_network_can_be_of_ushers_own,
      what_is_in_a_disk_is_not_guessed_but_from_its_name, a_value_that_would_be_more_than_one_line_is_refused)
