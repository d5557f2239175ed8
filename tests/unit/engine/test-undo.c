/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which steps of a guest's journal go with a device that it gives back. */
#include <fcntl.h>

#include "../../../daemon/engine/execution/undo.h"
#include "../scratch.h"
#include "../suite.h"

#define GPU "0000:01:00.0"

static void take(Journal *journal, StepKind kind, const char *subject, const char *before, const char *after)
{
    g_autoptr(Step) step = step_new(kind, subject, before, after);
    unsigned number = journal_next(journal);

    ck_assert_int_eq(journal_write(journal, JOURNAL_BEGIN, number, step), 0);
    ck_assert_int_eq(journal_write(journal, JOURNAL_DONE, number, step), 0);
}

static void assert_step_is(const GPtrArray *steps, unsigned i, const char *words)
{
    g_autofree char *found = step_describe(g_ptr_array_index(steps, i));

    ck_assert_str_eq(found, words);
}

START_TEST(a_unit_that_was_stopped_comes_back_with_the_device_and_the_network_stays)
{
    g_autofree char *path = scratch_new("undo");
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GHashTable) subjects = g_hash_table_new(g_str_hash, g_str_equal);
    Journal *journal = NULL;

    ck_assert_int_eq(journal_open(dir_fd, "guest/win10", &journal), 0);
    take(journal, STEP_UNIT, "usher-nat@win10.target", "inactive", "active");
    take(journal, STEP_UNIT, "sunshine.service", "active", "inactive");
    take(journal, STEP_DRIVER, GPU, "amdgpu", "");
    g_hash_table_add(subjects, (char *)GPU);
    g_autoptr(GPtrArray) some = undo_some_plan(journal, subjects), all = undo_plan(journal);
    ck_assert_uint_eq(some->len, 2);
    assert_step_is(some, 0, "driver of " GPU ": none → amdgpu");
    assert_step_is(some, 1, "unit of sunshine.service: inactive → active");
    ck_assert_uint_eq(all->len, 3);
    assert_step_is(all, 2, "unit of usher-nat@win10.target: active → inactive");
    journal_remove(journal);
    close(dir_fd);
    scratch_remove(path);
}
END_TEST

SUITE("undo", a_unit_that_was_stopped_comes_back_with_the_device_and_the_network_stays)
