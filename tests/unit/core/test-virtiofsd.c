/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the virtiofsd of a host can do, by its own words, and what becomes of a share with that. */
#include <string.h>

#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-command.h"
#include "a-definition.h"

/* Of what QEMU 7.2's said to --help, the lines that count; and of 1.13.2's. */
static const char qemus_help[] = "usage: /usr/lib/qemu/virtiofsd [options]\n"
                                 "    -o sandbox=namespace|chroot\n"
                                 "                               - chroot: chroot(2) into shared\n"
                                 "    -o modcaps=CAPLIST         Modify the list of capabilities\n"
                                 "    -o source=PATH             shared directory tree\n"
                                 "    --fd=FDNUM                 fd number of vhost-user socket\n";
static const char later_help[] =
    "Usage: virtiofsd --shared-dir <SHARED_DIR> --socket-path <SOCKET_PATH> [OPTIONS]\n"
    "      --fd <FD>\n"
    "      --sandbox <SANDBOX>\n"
    "      --readonly\n"
    "      --inode-file-handles=<INODE_FILE_HANDLES>\n"
    "      --modcaps <MODCAPS>\n"
    "      --log-level <LOG_LEVEL>\n"
    "          Log level (error, warn, info, debug, trace, off)\n"
    "          As opposed to '--translate-uid', this mapping is not done by virtiofsd\n"
    "      --translate-uid <TRANSLATE_UID>\n"
    "      --translate-gid <TRANSLATE_GID>\n";
#define FS "{\n  \"type\": \"fs\"\n}\n"

START_TEST(qemus_own_takes_its_options_behind_o)
{
    g_autoptr(Virtiofsd) virtiofsd = virtiofsd_from_answers("/v", FS, qemus_help);

    ck_assert_str_eq(virtiofsd->path, "/v");
    ck_assert(virtiofsd->usable);
    ck_assert(!virtiofsd->separate && !virtiofsd->read_only && !virtiofsd->translates);
}
END_TEST

START_TEST(the_later_one_can_do_more)
{
    g_autoptr(Virtiofsd) virtiofsd =
        virtiofsd_from_answers("/v", "{\"type\":\"fs\",\"features\":[\"separate-options\"]}", later_help);

    ck_assert(virtiofsd->usable && virtiofsd->separate);
    ck_assert(virtiofsd->read_only && virtiofsd->translates);
}
END_TEST

START_TEST(an_earlier_one_lacks_what_it_does_not_tell_of)
{
    static const char help[] = "--fd <FD> --shared-dir <D> --sandbox <S> --modcaps <M> --log-level <L> "
                               "--inode-file-handles=<H> --readonly-ish --translate-uid <T>";
    g_autoptr(Virtiofsd) virtiofsd = virtiofsd_from_answers("/v", FS, help);

    ck_assert(virtiofsd->usable && virtiofsd->separate);
    ck_assert(!virtiofsd->read_only && !virtiofsd->translates);
}
END_TEST

START_TEST(what_a_loader_says_first_is_no_answer)
{
    g_autoptr(Virtiofsd) virtiofsd = virtiofsd_from_answers(
        "/v",
        "ERROR: ld.so: object 'libgamemode.so' from /etc/ld.so.preload cannot be preloaded: ignored.\n" FS,
        later_help);

    ck_assert(virtiofsd->usable && virtiofsd->separate);
}
END_TEST

START_TEST(one_that_makes_no_sense_is_not_used)
{
    static const struct {
        const char *capabilities, *help;
    } answers[] = {
        {NULL, NULL},       {NULL, later_help}, {FS, NULL}, {"{\"type\":\"gpu\"}", later_help},
        {"[]", later_help}, {"", later_help},   {FS, ""},   {FS, "--shared-dir --fd --sandbox --log-level"},
        {FS, "source --fd"}};

    for (unsigned i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autoptr(Virtiofsd) virtiofsd =
            virtiofsd_from_answers("/v", answers[i].capabilities, answers[i].help);
        ck_assert_msg(!virtiofsd->usable, "%u", i);
    }
}
END_TEST

static void assert_described(const char *text, const char *path)
{
    g_autofree char *described = virtiofsd_described(text, strlen(text));

    if (path)
        ck_assert_str_eq(described, path);
    else
        ck_assert_ptr_null(described);
}

START_TEST(a_descriptor_names_the_program_that_serves_folders)
{
    assert_described("{\"description\":\"virtiofsd\",\"type\":\"fs\",\"binary\":\"/usr/libexec/virtiofsd\"}",
                     "/usr/libexec/virtiofsd");
    assert_described("{\"type\":\"gpu\",\"binary\":\"/usr/libexec/vhost-user-gpu\"}", NULL);
    assert_described("{\"type\":\"fs\",\"binary\":\"virtiofsd\"}", NULL);
    assert_described("{\"type\":\"fs\",\"binary\":7}", NULL);
    assert_described("{\"type\":\"fs\"}", NULL);
    assert_described("{", NULL);
}
END_TEST

#define QEMUS                                                                                                \
    {                                                                                                        \
        .path = (char *)"/v", .usable = true                                                                 \
    }
#define LATER                                                                                                \
    {                                                                                                        \
        .path = (char *)"/v", .usable = true, .separate = true, .read_only = true, .translates = true        \
    }
static const Virtiofsd qemus = QEMUS, later = LATER, strange = {.path = (char *)"/v"};

static HostTools *tools_with(const Virtiofsd *virtiofsd)
{
    HostTools *tools = host_tools_new("/state");

    tools->virtiofsd = virtiofsd ? virtiofsd_copy(virtiofsd) : NULL;
    return tools;
}

static GuestDefinition *a_share(const char *text)
{
    g_autofree char *file = g_strconcat("[Share docs]\nPath=/docs\n", text, NULL);

    return a_definition(file);
}

static ShareType settled(const char *text, const Virtiofsd *virtiofsd, bool confined)
{
    g_autoptr(HostTools) tools = tools_with(virtiofsd);
    g_autoptr(GuestDefinition) definition = a_share(text);

    tools->confined = confined;
    host_tools_settle(tools, definition);
    return ((const DefinitionShare *)g_ptr_array_index(definition->shares, 0))->type;
}

START_TEST(a_share_is_virtiofs_where_that_can_be)
{
    ck_assert_int_eq(settled("", &qemus, false), SHARE_TYPE_VIRTIOFS);
    ck_assert_int_eq(settled("", &later, false), SHARE_TYPE_VIRTIOFS);
    ck_assert_int_eq(settled("", &strange, false), SHARE_TYPE_9P);
    ck_assert_int_eq(settled("", &qemus, true), SHARE_TYPE_9P);
    ck_assert_int_eq(settled("", NULL, false), SHARE_TYPE_9P);
    ck_assert_int_eq(settled("ReadOnly=yes\n", &qemus, false), SHARE_TYPE_9P);
    ck_assert_int_eq(settled("ReadOnly=yes\n", &later, false), SHARE_TYPE_VIRTIOFS);
    ck_assert_int_eq(settled("Type=9p\n", &later, false), SHARE_TYPE_9P);
    ck_assert_int_eq(settled("Type=virtiofs\n", &qemus, true), SHARE_TYPE_VIRTIOFS);
}
END_TEST

START_TEST(owners_that_the_guest_keeps_itself_stay_with_9p)
{
    ck_assert_int_eq(settled("Owner=mapped\n", &qemus, false), SHARE_TYPE_9P);
    ck_assert_int_eq(settled("Owner=mapped\n", &later, false), SHARE_TYPE_9P);
}
END_TEST

static void assert_host_refuses(const HostTools *tools, const char *text, FaultKind kind, const char *message,
                                const char *remedy)
{
    g_autoptr(GuestDefinition) definition = a_share(text);
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(host_tools_check(tools, definition, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, kind);
    ck_assert_str_eq(fault->message, message);
    ck_assert_str_eq(fault->remedy, remedy);
}

START_TEST(virtiofs_that_cannot_be_is_refused)
{
    g_autoptr(HostTools) none = tools_with(NULL), confined = tools_with(&qemus),
                         unusable = tools_with(&strange);

    assert_host_refuses(none, "Type=virtiofs\n", FAULT_MISSING_FILE,
                        "guest win10: [Share docs] Type=virtiofs: there is no virtiofsd on this host",
                        "install it; or write Type=9p");
    confined->confined = true;
    assert_host_refuses(
        confined, "Type=virtiofs\n", FAULT_REFUSED,
        "guest win10: [Share docs] Type=virtiofs: virtiofsd changes its root directory, which "
        "usherd cannot let it do, as it is not root itself",
        "write Type=9p, or remove Type=");
    assert_host_refuses(unusable, "Type=virtiofs\n", FAULT_REFUSED,
                        "guest win10: [Share docs] Type=virtiofs: /v has other options than those that usher "
                        "knows",
                        "write Type=9p, or install a newer virtiofsd");
}
END_TEST

START_TEST(what_qemus_own_cannot_do_is_refused_there_alone)
{
    g_autoptr(HostTools) old = tools_with(&qemus), new = tools_with(&later);
    g_autoptr(GuestDefinition) both = a_share("Type=virtiofs\nReadOnly=yes\nOwner=mapped\n");

    assert_host_refuses(old, "Type=virtiofs\nReadOnly=yes\n", FAULT_REFUSED,
                        "guest win10: [Share docs] ReadOnly=yes: /v has no --readonly",
                        "write Type=9p, or install a newer virtiofsd");
    assert_host_refuses(old, "Type=virtiofs\nOwner=mapped\n", FAULT_REFUSED,
                        "guest win10: [Share docs] Owner=mapped: /v has no --translate-uid",
                        "write Type=9p, or install a newer virtiofsd");
    ck_assert_int_eq(host_tools_check(new, both, NULL), 0);
}
END_TEST

START_TEST(one_that_has_not_answered_yet_is_waited_for)
{
    static const char message[] =
        "guest win10: [Share docs] virtiofsd has just been installed, and is being asked what it can do";
    g_autoptr(HostTools) tools = tools_with(NULL);
    g_autoptr(GuestDefinition) by_9p = a_share("Type=9p\n"), open = a_share("");

    tools->virtiofsd_asked = true;
    host_tools_settle(tools, open);
    ck_assert_int_eq(((DefinitionShare *)g_ptr_array_index(open->shares, 0))->type, SHARE_TYPE_AUTO);
    ck_assert_int_eq(host_tools_check(tools, by_9p, NULL), 0);
    assert_host_refuses(tools, "", FAULT_BUSY, message, "try again in a moment");
    assert_host_refuses(tools, "Type=virtiofs\n", FAULT_BUSY, message, "try again in a moment");
}
END_TEST

/* The words behind the program and its socket. */
static char *words_for(const char *text)
{
    g_autoptr(GuestDefinition) definition = a_share(text);

    a_virtiofsd = &later;
    g_autoptr(QemuCommand) command = a_command_for(definition);
    const QemuCompanion *companion = g_ptr_array_index(command->companions, 0);
    a_virtiofsd = NULL;
    ck_assert(companion->serves_folder);
    return g_strjoinv(" ", (char **)companion->argv->pdata);
}

#define SHARED                                                                                               \
    "/v --fd=3 --shared-dir=/proc/self/fd/4 --sandbox=chroot "                                               \
    "--modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap "                        \
    "--inode-file-handles=never --log-level=error"

START_TEST(the_later_one_has_each_option_for_itself)
{
    g_autofree char *plain = words_for(""), *read_only = words_for("ReadOnly=yes\n"),
                    *mapped = words_for("Type=virtiofs\nOwner=mapped\n");

    ck_assert_str_eq(plain, SHARED);
    ck_assert_str_eq(read_only, SHARED " --readonly");
    ck_assert_str_eq(mapped, SHARED " --translate-uid=squash-guest:0:61184:4294967295"
                                    " --translate-uid=squash-host:0:0:4294967295"
                                    " --translate-gid=squash-guest:0:61185:4294967295"
                                    " --translate-gid=squash-host:0:0:4294967295");
}
END_TEST

START_TEST(shares_that_make_no_sense_are_refused)
{
    assert_refused("[Share a]\nPath=/a\n[Share b]\nPath=/b\nTag=a\n",
                   FILE_PATH ":5: [Share b] has the same tag as [Share a]", "give one of them another Tag=");
}
END_TEST

SUITE("virtiofsd", qemus_own_takes_its_options_behind_o, the_later_one_can_do_more,
      an_earlier_one_lacks_what_it_does_not_tell_of, what_a_loader_says_first_is_no_answer,
      one_that_makes_no_sense_is_not_used, a_descriptor_names_the_program_that_serves_folders,
      a_share_is_virtiofs_where_that_can_be, owners_that_the_guest_keeps_itself_stay_with_9p,
      virtiofs_that_cannot_be_is_refused, what_qemus_own_cannot_do_is_refused_there_alone,
      one_that_has_not_answered_yet_is_waited_for, the_later_one_has_each_option_for_itself,
      shares_that_make_no_sense_are_refused)
