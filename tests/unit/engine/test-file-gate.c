/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that a definition names may be on a dead file server: only the asker waits for it, and not long. */
#include <glib/gstdio.h>
#include <string.h>

#include "../../../daemon/engine/gate/file-gate.h"
#include "../../../daemon/engine/opener.h"
#include "rig-guest.h"

#define DEAD "/dead"
#define SECTIONS                                                                                             \
    ((const char *[]){"[Kernel]\nImage=/dead/vmlinuz\n",                                                     \
                      "[Kernel]\nImage=/etc/passwd\nInitrd=/dead/initrd\n",                                  \
                      "[Disk a]\nPath=/dead/a.img\nFormat=raw\n",                                            \
                      "[Disk a]\nPath=/dead/a.img\nFormat=raw\nSize=1M\n", "[CDROM a]\nPath=/dead/a.iso\n",  \
                      "[Share a]\nPath=/dead/docs\n", "[Sound]\nType=pipewire\nSocket=/dead/native\n",       \
                      "[PCI more]\nAddress=0000:09:00.0\nROM=/dead/rom\n"})
#define N_SECTIONS 8

static unsigned answers;
static Fault *last;

static void on_answer(const Fault *fault, void *userdata)
{
    fault_free(last);
    last = fault ? fault_copy(fault) : NULL;
    answers++;
}

/* A definition with one such section is enough to have the file looked at. */
static GuestDefinition *define(const char *sections)
{
    g_autofree char *text = g_strconcat("[CPU]\nAccelerator=tcg\n", sections, NULL);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    GuestDefinition *definition = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    return definition;
}

/* NULL: all is well. */
static const Fault *ask_for(const Rig *rig, const GuestDefinition *definition, GPtrArray *files, FileGateHow how)
{
    FileGate *gate = file_gate_new((Engine *)&rig->engine, definition, files, how, on_answer, NULL);
    unsigned before = answers;

    rig_until(rig, &answers, before + 1);
    file_gate_free(gate);
    rig_settle(rig);
    ck_assert_uint_eq(answers, before + 1);
    return last;
}

static const Fault *ask(const Rig *rig, const char *sections, FileGateHow how)
{
    g_autoptr(GuestDefinition) definition = define(sections);

    return ask_for(rig, definition, file_wishes(definition, NULL, false), how);
}

START_TEST(whatever_does_not_answer_is_named_and_refuses)
{
    A_RIG(build_gpu);
    fake_workers_die_below(rig.engine.workers, DEAD);
    for (unsigned i = 0; i < N_SECTIONS; i++) {
        const Fault *fault = ask(&rig, SECTIONS[i], i % 2 ? FILE_GATE_LOOK : FILE_GATE_START);
        ck_assert_ptr_nonnull(fault);
        ck_assert_int_eq(fault->kind, FAULT_TIMEOUT);
        ck_assert_msg(
            g_regex_match_simple("^guest win10: \\[[^]]+\\] [A-Za-z]+=/dead/[a-z.]+ does not answer "
                                 "\\(a dead NFS or FUSE mount\\?\\)$",
                                 fault->message, 0, 0),
            "%s", fault->message);
        fake_workers_come_back(rig.engine.workers);
        rig_settle(&rig);
        ck_assert_uint_eq(hangs_count(rig.engine.hangs), 0);
    }
}
END_TEST

START_TEST(a_start_is_refused_before_anything_is_touched)
{
    A_RIG(build_gpu);
    fake_workers_die_below(rig.engine.workers, DEAD);
    Guest *guest = rig_start(&rig, "[Disk a]\nPath=/dead/a.img\nFormat=raw\n");
    while (guest_state(guest) != GUEST_FAILED)
        ck_assert_int_gt(sd_event_run(rig.engine.event, 5 * G_USEC_PER_SEC), 0);
    ck_assert_str_eq(guest_fault(guest)->message,
                     "guest win10: [Disk a] Path=/dead/a.img does not answer (a dead NFS or FUSE mount?)");
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
    rig_settle(&rig);
    guest_free(guest);
    /* Nobody is left who would hear the answer. */
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    ck_assert_uint_eq(hangs_count(rig.engine.hangs), 0);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_path_that_has_not_answered_yet_is_not_asked_again)
{
    A_RIG(build_gpu);
    fake_workers_die_below(rig.engine.workers, DEAD);
    ask(&rig, SECTIONS[0], FILE_GATE_LOOK);
    unsigned asks = fake_workers_asks(rig.engine.workers);
    const Fault *fault = ask(&rig, SECTIONS[0], FILE_GATE_START);
    ck_assert_int_eq(fault->kind, FAULT_TIMEOUT);
    ck_assert_uint_eq(fake_workers_asks(rig.engine.workers), asks);
    ck_assert_uint_eq(hangs_count(rig.engine.hangs), 1);

    fake_workers_die_below(rig.engine.workers, NULL);
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    ck_assert_int_eq(ask(&rig, SECTIONS[0], FILE_GATE_LOOK)->kind, FAULT_MISSING_FILE);
}
END_TEST

/* Anybody may ask; that must not keep anybody from starting guests. */
START_TEST(questions_that_hang_are_bounded_and_leave_workers_to_starts)
{
    A_RIG(build_gpu);
    fake_workers_die_below(rig.engine.workers, DEAD);
    for (unsigned i = 0; i < OPENER_HANGS_QUESTION + 2; i++) {
        g_autofree char *sections = g_strdup_printf("[Kernel]\nImage=/dead/%u\n", i);
        ck_assert_int_eq(ask(&rig, sections, FILE_GATE_LOOK)->kind,
                         i < OPENER_HANGS_QUESTION ? FAULT_TIMEOUT : FAULT_BUSY);
    }
    ck_assert_str_eq(last->message, "guest win10: usherd cannot look at [Kernel] Image=/dead/9: 8 files or "
                                    "devices do not answer already");
    ck_assert_uint_eq(hangs_count(rig.engine.hangs), OPENER_HANGS_QUESTION);
    ck_assert_ptr_null(ask(&rig, "[Kernel]\nImage=/etc/passwd\n", FILE_GATE_START));
    fake_workers_die_below(rig.engine.workers, NULL);
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    ck_assert_ptr_null(ask(&rig, "[Kernel]\nImage=/etc/passwd\n", FILE_GATE_LOOK));
}
END_TEST

START_TEST(who_has_gone_before_the_answer_hears_nothing)
{
    A_RIG(build_gpu);
    for (unsigned turns = 0; turns < 5; turns++) {
        g_autoptr(GuestDefinition) definition = define(SECTIONS[0]);
        unsigned before = answers;
        fake_workers_die_below(rig.engine.workers, turns % 2 ? DEAD : NULL);
        FileGate *gate = file_gate_new(&rig.engine, definition, file_wishes(definition, NULL, false),
                                       FILE_GATE_LOOK, on_answer, NULL);
        for (unsigned i = 0; i < turns && answers == before; i++)
            rig_turn(&rig);
        before = answers;
        file_gate_free(gate);
        rig_settle(&rig);
        fake_workers_come_back(rig.engine.workers);
        rig_settle(&rig);
        ck_assert_uint_eq(answers, before);
        ck_assert_uint_eq(hangs_count(rig.engine.hangs), 0);
    }
}
END_TEST

START_TEST(what_is_not_there_is_missing_and_what_is_there_is_well)
{
    A_RIG(build_gpu);
    g_autofree char *kernel = g_build_filename(rig.run_path, "vmlinuz", NULL),
                    *sections =
                        g_strdup_printf("[Kernel]\nImage=%s\n[Share a]\nPath=%s\n", kernel, rig.run_path);
    ck_assert_str_eq(ask(&rig, sections, FILE_GATE_LOOK)->message + strlen("guest win10: [Kernel] Image=") +
                         strlen(kernel),
                     ": No such file or directory");
    ck_assert(g_file_set_contents(kernel, "", 0, NULL));
    ck_assert_ptr_null(ask(&rig, sections, FILE_GATE_LOOK));
}
END_TEST

SUITE("file-gate", whatever_does_not_answer_is_named_and_refuses,
      a_start_is_refused_before_anything_is_touched, a_path_that_has_not_answered_yet_is_not_asked_again,
      questions_that_hang_are_bounded_and_leave_workers_to_starts,
      who_has_gone_before_the_answer_hears_nothing, what_is_not_there_is_missing_and_what_is_there_is_well)
