/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans for tests: of the guest win10, from the text of its definition, and of a binding by hand. */
#pragma once

#include "../../../daemon/core/plan/plan.h"
#include "a-definition.h"
#include "a-host.h"

/* rest: the plan once its parts are made. The wishes go with the definition. */
static inline Plan *planned(const Host *host, const Claims *claims, const char *text, bool rest)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    int r = (rest ? plan_rest : plan_start)(host, claims, definition, &plan, &fault);

    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    for (unsigned i = 0; i < plan->devices->len; i++)
        ((PlanDevice *)g_ptr_array_index(plan->devices, i))->wish = NULL;
    return plan;
}

static inline Plan *a_plan(const Host *host, const char *text)
{
    return planned(host, NULL, text, false);
}

/* Why there is no plan. The caller frees it. */
static inline Fault *refusal(const Host *host, const Claims *claims, const char *text, bool rest)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    Fault *fault = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq((rest ? plan_rest : plan_start)(host, claims, definition, &plan, &fault), FAULT_RAISED);
    ck_assert_ptr_null(plan);
    return fault;
}

static inline void assert_no_plan(const Host *host, const char *text, FaultKind kind, const char *message,
                                  const char *remedy)
{
    _cleanup_fault_ Fault *fault = refusal(host, NULL, text, false);

    ck_assert_int_eq(fault->kind, kind);
    ck_assert_str_eq(fault->message, message);
    ck_assert_str_eq(fault->remedy, remedy);
}

/* With any remedy. */
static inline void assert_refused_on(const Host *host, const Claims *claims, const char *text, FaultKind kind,
                                     const char *message)
{
    _cleanup_fault_ Fault *fault = refusal(host, claims, text, false);

    ck_assert_str_eq(fault->message, message);
    ck_assert_int_eq(fault->kind, kind);
    ck_assert_ptr_nonnull(fault->remedy);
}

/* The refusal's line contains this one. */
static inline void assert_plan_refused(const Host *host, const Claims *claims, const char *text, bool rest,
                                       FaultKind kind, const char *line)
{
    _cleanup_fault_ Fault *fault = refusal(host, claims, text, rest);
    g_autofree char *said = fault_to_line(fault);

    ck_assert_msg(strstr(said, line), "%s", said);
    ck_assert_int_eq(fault->kind, kind);
}

/* remedy: a part of it, or NULL for none. */
static inline void assert_fault(const Fault *fault, FaultKind kind, const char *message, const char *remedy)
{
    ck_assert_str_eq(fault_kind_to_string(fault->kind), fault_kind_to_string(kind));
    ck_assert_str_eq(fault->message, message);
    if (remedy)
        ck_assert_msg(strstr(fault->remedy, remedy), "%s", fault->remedy);
    else
        ck_assert_ptr_null(fault->remedy);
}

static inline void assert_start_refused(const Host *host, const Claims *claims, const char *text,
                                        FaultKind kind, const char *message, const char *remedy)
{
    _cleanup_fault_ Fault *fault = refusal(host, claims, text, false);
    assert_fault(fault, kind, message, remedy);
}

static inline Plan *bound(const Host *host, const char *address, uint8_t functions, bool whole_group)
{
    BindWish wish = {.address = address_of(address), .functions = functions, .whole_group = whole_group};
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    int r = plan_bind(host, NULL, &wish, &plan, &fault);

    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    return plan;
}

/* The steps, one a line: "driver 0000:01:00.0 radeon→". */
static inline void assert_steps(const Plan *plan, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < plan->steps->len; i++) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        g_string_append_printf(text, "%s %s %s→%s\n", step_kind_to_string(step->kind), step->subject,
                               step->before, step->after);
    }
    ck_assert_str_eq(text->str, expected);
}

/* The same in words, as users are told. The caller frees it. */
static inline char *steps_in_words(const Plan *plan)
{
    GString *words = g_string_new(NULL);

    for (unsigned i = 0; i < plan->steps->len; i++) {
        g_autofree char *step = step_describe(g_ptr_array_index(plan->steps, i));
        g_string_append_printf(words, "%s\n", step);
    }
    return g_string_free(words, FALSE);
}

static inline void assert_step(const Plan *plan, unsigned index, const char *words)
{
    g_autofree char *found = step_describe(g_ptr_array_index(plan->steps, index));

    ck_assert_str_eq(found, words);
}
