/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions for tests, from text. */
#pragma once

#include <check.h>
#include <string.h>

#include "../../../daemon/core/definition/handle.h"

#define FILE_PATH "/etc/usher/guests/win10.guest"
#define AT FILE_PATH ":"
#define DROP_IN_PATH "/etc/usher/guests/win10.guest.d/10-more.conf"

/* The guest win10 from its file and, unless NULL, a drop-in. */
static inline int try_definition(const char *file, const char *drop_in, GuestDefinition **ret,
                                 Fault **ret_fault)
{
    DefinitionText texts[] = {
        {FILE_PATH, file, strlen(file)},
        {DROP_IN_PATH, drop_in, drop_in ? strlen(drop_in) : 0},
    };

    return definition_parse("win10", texts, drop_in ? 2 : 1, ret, ret_fault);
}

static inline GuestDefinition *a_definition_with(const char *file, const char *drop_in)
{
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    if (try_definition(file, drop_in, &definition, &fault) != 0)
        ck_abort_msg("not accepted: %s", fault ? fault->message : "?");
    return definition;
}

static inline GuestDefinition *a_definition(const char *file)
{
    return a_definition_with(file, NULL);
}

/* The definition is refused with exactly these words; remedy NULL stands for none. */
static inline void assert_refused_with(const char *file, const char *drop_in, const char *message,
                                       const char *remedy)
{
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(try_definition(file, drop_in, &definition, &fault), FAULT_RAISED);
    ck_assert_ptr_null(definition);
    ck_assert_int_eq(fault->kind, FAULT_BAD_DEFINITION);
    ck_assert_str_eq(fault->message, message);
    ck_assert_pstr_eq(fault->remedy, remedy);
}

static inline void assert_refused(const char *file, const char *message, const char *remedy)
{
    assert_refused_with(file, NULL, message, remedy);
}
