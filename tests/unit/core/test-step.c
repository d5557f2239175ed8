/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/record/step.h"
#include "../suite.h"

START_TEST(every_kind_has_a_name_that_leads_back_to_it)
{
    static const char *const names[STEP_KIND_MAX] = {
        "module",     "power-control", "d3cold",      "driver",        "override",          "reset",
        "node-owner", "unit",          "link",        "shared-memory", "huge-pages",        "kept-off",
        "cpusets",    "governor",      "usb-drivers", "autoprobe",     "virtual-functions", "mediated-device",
        "bar-size",   "backend",       "warning"};
    for (int kind = 0; kind < STEP_KIND_MAX; kind++) {
        ck_assert_str_eq(step_kind_to_string(kind), names[kind]);
        ck_assert_int_eq(step_kind_from_string(names[kind]), kind);
    }
    ck_assert_ptr_null(step_kind_to_string(STEP_KIND_MAX));
    ck_assert_ptr_null(step_kind_to_string(STEP_KIND_INVALID));
    ck_assert_int_eq(step_kind_from_string("erase"), STEP_KIND_INVALID);
    ck_assert_int_eq(step_kind_from_string(""), STEP_KIND_INVALID);
    ck_assert_int_eq(step_kind_from_string(NULL), STEP_KIND_INVALID);
}
END_TEST

START_TEST(only_modules_are_kept_and_only_power_settings_and_resets_are_held)
{
    for (int kind = 0; kind < STEP_KIND_MAX; kind++) {
        ck_assert_int_eq(step_kind_kept(kind), kind == STEP_MODULE || kind == STEP_CPUSETS);
        ck_assert_int_eq(step_kind_held(kind),
                         kind == STEP_POWER_CONTROL || kind == STEP_D3COLD || kind == STEP_RESET);
    }
}
END_TEST

START_TEST(undoing_swaps_before_and_after)
{
    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    g_autoptr(Step) undo = step_undo(step);
    ck_assert_int_eq(undo->kind, STEP_DRIVER);
    ck_assert_str_eq(undo->subject, "0000:01:00.0");
    ck_assert_str_eq(undo->before, "");
    ck_assert_str_eq(undo->after, "radeon");

    g_autoptr(Step) again = step_undo(undo);
    ck_assert_str_eq(again->before, "radeon");
    ck_assert_str_eq(again->after, "");
}
END_TEST

START_TEST(a_copy_is_its_own)
{
    g_autoptr(Step) copy = NULL;
    {
        g_autoptr(Step) step = step_new(STEP_OVERRIDE, "0000:01:00.0", "", "vfio-pci");
        copy = step_copy(step);
    }
    ck_assert_str_eq(copy->subject, "0000:01:00.0");
    ck_assert_str_eq(copy->before, "");
    ck_assert_str_eq(copy->after, "vfio-pci");
    ck_assert_ptr_null(step_free(NULL));
}
END_TEST

typedef struct ViewCase {
    StepKind kind;
    const char *before, *after, *live;
    StepView view;
} ViewCase;

START_TEST(a_step_looks_at_the_live_value)
{
    static const ViewCase cases[] = {
        {STEP_DRIVER, "radeon", "", "radeon", STEP_VIEW_BEFORE},
        {STEP_DRIVER, "radeon", "", "", STEP_VIEW_AFTER},
        {STEP_DRIVER, "radeon", "", "vfio-pci", STEP_VIEW_DRIFT},
        {STEP_DRIVER, "", "vfio-pci", "", STEP_VIEW_BEFORE},
        {STEP_DRIVER, "", "vfio-pci", "nouveau", STEP_VIEW_DRIFT},
        {STEP_OVERRIDE, "none", "vfio-pci", "none", STEP_VIEW_BEFORE},
        {STEP_OVERRIDE, "none", "vfio-pci", "", STEP_VIEW_DRIFT},
        {STEP_MODULE, "absent", "live", "live", STEP_VIEW_AFTER},
        {STEP_NODE_OWNER, "0:0", "64:64", "0:0", STEP_VIEW_BEFORE},
        {STEP_NODE_OWNER, "0:0", "64:64", "1000:0", STEP_VIEW_DRIFT},
        {STEP_LINK, "", "tap on br0 as fe:0", "", STEP_VIEW_BEFORE},
        {STEP_LINK, "", "tap on br0 as fe:0", "tap on br0 as fe:0", STEP_VIEW_AFTER},
        {STEP_LINK, "", "tap on br0 as fe:0", "tap on br1 as fe:0", STEP_VIEW_DRIFT},
        {STEP_LINK, "", "tap on br0 as fe:0", "tap on br0 as a6:1", STEP_VIEW_AFTER},
        {STEP_LINK, "", "macvtap on br0 as fe:0", "macvtap on br0 as a6:1", STEP_VIEW_DRIFT},
        {STEP_LINK, "tap on br0 as fe:0", "", "tap on - as fe:1", STEP_VIEW_BEFORE},
        {STEP_LINK, "tap on br0 as fe:0", "", "", STEP_VIEW_AFTER},
        {STEP_LINK, "tap on br0 as fe:0", "", "macvtap on eth0 as fe:0", STEP_VIEW_DRIFT},
        {STEP_LINK, "tap on br0 as fe:0", "", "other", STEP_VIEW_DRIFT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const ViewCase *c = &cases[i];
        g_autoptr(Step) step = step_new(c->kind, "subject", c->before, c->after);
        ck_assert_msg(step_view(step, c->live) == c->view, "%s %s → %s with %s", step_kind_to_string(c->kind),
                      c->before, c->after, c->live);
    }
}
END_TEST

START_TEST(a_held_step_is_never_in_drift)
{
    g_autoptr(Step) power = step_new(STEP_POWER_CONTROL, "0000:01:00.0", "auto", "on");
    ck_assert_int_eq(step_view(power, "auto"), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(power, "anything"), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(power, "on"), STEP_VIEW_AFTER);

    g_autoptr(Step) d3cold = step_new(STEP_D3COLD, "0000:01:00.0", "1", "0");
    ck_assert_int_eq(step_view(d3cold, "2"), STEP_VIEW_BEFORE);
}
END_TEST

START_TEST(a_vanished_device_is_drift)
{
    static const StepKind kinds[] = {STEP_POWER_CONTROL, STEP_D3COLD, STEP_DRIVER, STEP_OVERRIDE, STEP_RESET};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(Step) step = step_new(kinds[i], "0000:01:00.0", "", STEP_VALUE_HOST);
        ck_assert_int_eq(step_view(step, NULL), STEP_VIEW_DRIFT);
    }
}
END_TEST

START_TEST(a_reset_is_always_yet_to_be_done_and_its_opposite_never)
{
    g_autoptr(Step) reset = step_new(STEP_RESET, "0000:01:00.0", STEP_VALUE_AS_IS, STEP_VALUE_RESET);
    g_autoptr(Step) back = step_undo(reset);
    ck_assert_int_eq(step_view(reset, STEP_LIVE_ANSWERS), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(reset, STEP_LIVE_SILENT), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(back, STEP_LIVE_ANSWERS), STEP_VIEW_AFTER);
}
END_TEST

START_TEST(a_reset_has_happened_if_the_write_was_taken_and_the_device_answers)
{
    g_autoptr(Step) reset = step_new(STEP_RESET, "0000:01:00.0", STEP_VALUE_RESET, STEP_VALUE_RESET);
    g_autoptr(Step) unbind = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    ck_assert(step_taken(reset, STEP_LIVE_ANSWERS, 0));
    ck_assert(!step_taken(reset, STEP_LIVE_ANSWERS, -ENOTTY));
    ck_assert(!step_taken(reset, STEP_LIVE_SILENT, 0));
    ck_assert(!step_taken(reset, NULL, 0));
    ck_assert(step_taken(unbind, "", -EIO));
}
END_TEST

START_TEST(a_vanished_node_is_given_back_but_cannot_be_handed_over)
{
    g_autoptr(Step) hand_over = step_new(STEP_NODE_OWNER, "/dev/vfio/12", STEP_VALUE_HOST, "64:64");
    g_autoptr(Step) give_back = step_undo(hand_over);
    ck_assert_int_eq(step_view(give_back, NULL), STEP_VIEW_AFTER);
    ck_assert_int_eq(step_view(hand_over, NULL), STEP_VIEW_DRIFT);
}
END_TEST

START_TEST(a_step_is_described_in_words)
{
    g_autoptr(Step) unbind = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    g_autofree char *text = step_describe(unbind);
    ck_assert_str_eq(text, "driver of 0000:01:00.0: radeon → none");

    g_autoptr(Step) node = step_new(STEP_NODE_OWNER, "/dev/vfio/26", "0:0", "64:64");
    g_autofree char *node_text = step_describe(node);
    ck_assert_str_eq(node_text, "node-owner of /dev/vfio/26: 0:0 → 64:64");
}
END_TEST

START_TEST(a_count_goes_upon_what_is_there)
{
    g_autoptr(Step) more = step_new(STEP_HUGE_PAGES, "node0/2048kB", "10", "30");
    g_autoptr(Step) less = step_undo(more), up = step_rebase(more, "15"), down = step_rebase(less, "100"),
                    none = step_rebase(less, "7");

    ck_assert_str_eq(up->before, "15");
    ck_assert_str_eq(up->after, "35");
    ck_assert_str_eq(down->after, "80");
    ck_assert_str_eq(none->after, "0");
    ck_assert_ptr_null(step_rebase(more, ""));
    ck_assert_ptr_null(step_rebase(more, NULL));
    ck_assert(step_kind_counted(STEP_HUGE_PAGES) && !step_kind_counted(STEP_DRIVER));
}
END_TEST

START_TEST(only_its_own_host_cpus_are_kept_off_or_given_back)
{
    g_autoptr(Step) step = step_new(STEP_KEPT_OFF, "system.slice", "6", "2-3,6");
    g_autoptr(Step) undo = step_undo(step);
    g_autofree char *more = step_kept_off(step, "0,6"), *fewer = step_kept_off(undo, "0,2-3,5"),
                    *none = step_kept_off(undo, "2-3");

    ck_assert_str_eq(more, "0,2-3,6");
    ck_assert_str_eq(fewer, "0,5");
    ck_assert_str_eq(none, "");
    ck_assert_ptr_null(step_kept_off(step, "x"));

    ck_assert_int_eq(step_view(step, ""), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(step, "3"), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(step, "0-5"), STEP_VIEW_AFTER);
    ck_assert_int_eq(step_view(undo, "3-5"), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(undo, "4-5"), STEP_VIEW_AFTER);
    ck_assert_int_eq(step_view(undo, ""), STEP_VIEW_AFTER);
    ck_assert_int_eq(step_view(step, NULL), STEP_VIEW_DRIFT);
}
END_TEST

START_TEST(a_governor_that_somebody_else_chose_is_his)
{
    g_autoptr(Step) step = step_new(STEP_GOVERNOR, "cpu2", "schedutil", "performance");

    ck_assert_int_eq(step_view(step, "powersave"), STEP_VIEW_DRIFT);
    ck_assert(step_kind_yields(STEP_GOVERNOR) && step_kind_yields(STEP_HUGE_PAGES) &&
              !step_kind_yields(STEP_DRIVER));
    ck_assert(step_kind_systemd(STEP_UNIT) && step_kind_systemd(STEP_KEPT_OFF) &&
              !step_kind_systemd(STEP_GOVERNOR));
}
END_TEST

START_TEST(a_mediated_device_is_told_by_its_type_and_its_card)
{
    static const char *const bad[] = {
        "x", "x@", "@0000:00:02.0", "x@00:02", "../x@0000:00:02.0", "a/b@0000:00:02.0", ""};
    g_autoptr(Step) step =
        step_new(STEP_MEDIATED, "4b20d080-1b54-4048-85b3-a6a62d165c01", "", "i915-GVTg_V5_4@0000:00:02.0");
    g_autoptr(Step) undo = step_undo(step);
    g_autofree char *type = NULL, *again = NULL, *none = NULL;
    PciAddress parent;

    ck_assert(step_mediated(step, &type, &parent));
    ck_assert_str_eq(type, "i915-GVTg_V5_4");
    ck_assert_str_eq(PCI_ADDRESS_STR(parent), "0000:00:02.0");
    ck_assert(step_mediated(undo, &again, &parent));
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Step) other = step_new(STEP_MEDIATED, step->subject, "", bad[i]);
        ck_assert_msg(!step_mediated(other, &none, &parent), "%s", bad[i]);
    }
    /* What is there before it is made is another's; what has gone before it is removed has gone. */
    ck_assert(step_forestalled(step, step->after));
    ck_assert(!step_forestalled(step, ""));
    ck_assert(!step_forestalled(undo, ""));
    ck_assert_int_eq(step_view(undo, ""), STEP_VIEW_AFTER);
}
END_TEST

SUITE("step", a_mediated_device_is_told_by_its_type_and_its_card, every_kind_has_a_name_that_leads_back_to_it,
      only_modules_are_kept_and_only_power_settings_and_resets_are_held, undoing_swaps_before_and_after,
      a_copy_is_its_own, a_step_looks_at_the_live_value, a_held_step_is_never_in_drift,
      a_vanished_device_is_drift, a_reset_is_always_yet_to_be_done_and_its_opposite_never,
      a_reset_has_happened_if_the_write_was_taken_and_the_device_answers,
      a_vanished_node_is_given_back_but_cannot_be_handed_over, a_step_is_described_in_words,
      a_count_goes_upon_what_is_there, only_its_own_host_cpus_are_kept_off_or_given_back,
      a_governor_that_somebody_else_chose_is_his)
