/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>

#include "fault.h"
#include "words.h"

static const char *const kind_names[FAULT_KIND_MAX] = {
    [FAULT_NO_SUCH_GUEST] = "NoSuchGuest",
    [FAULT_NO_SUCH_DEVICE] = "NoSuchDevice",
    [FAULT_NO_SUCH_JOB] = "NoSuchJob",
    [FAULT_INVALID_NAME] = "InvalidName",
    [FAULT_BAD_DEFINITION] = "BadDefinition",
    [FAULT_BAD_OPTION] = "BadOption",
    [FAULT_NO_IOMMU] = "NoIommu",
    [FAULT_NOT_VIABLE] = "NotViable",
    [FAULT_IN_USE] = "InUse",
    [FAULT_MISSING_FILE] = "MissingFile",
    [FAULT_REFUSED] = "Refused",
    [FAULT_BUSY] = "Busy",
    [FAULT_ALREADY_RUNNING] = "AlreadyRunning",
    [FAULT_NOT_RUNNING] = "NotRunning",
    [FAULT_DRIFT] = "Drift",
    [FAULT_STUCK] = "Stuck",
    [FAULT_TIMEOUT] = "Timeout",
    [FAULT_UNRESPONSIVE] = "Unresponsive",
    [FAULT_GUEST_FAILED] = "GuestFailed",
    [FAULT_NOT_AUTHORIZED] = "NotAuthorized",
    [FAULT_FAILED] = "Failed",
};

const char *fault_kind_to_string(FaultKind kind)
{
    g_return_val_if_fail(kind >= 0 && kind < FAULT_KIND_MAX, "Failed");
    return kind_names[kind];
}

FaultKind fault_kind_from_string(const char *name)
{
    for (int kind = 0; kind < FAULT_KIND_MAX; kind++)
        if (g_str_equal(kind_names[kind], name))
            return kind;
    return FAULT_KIND_INVALID;
}

static Fault *new_va(FaultKind kind, const char *remedy, const char *format, va_list arguments)
    G_GNUC_PRINTF(3, 0);

static Fault *new_va(FaultKind kind, const char *remedy, const char *format, va_list arguments)
{
    Fault *fault = g_new0(Fault, 1);

    fault->kind = kind;
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    fault->message = words_cut(message, WORDS_MESSAGE_MAX);
    fault->remedy = remedy ? words_cut(remedy, WORDS_MESSAGE_MAX) : NULL;
    return fault;
}

Fault *fault_new(FaultKind kind, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    Fault *fault = new_va(kind, remedy, format, arguments);
    va_end(arguments);
    return fault;
}

int fault_raise(Fault **ret, FaultKind kind, const char *remedy, const char *format, ...)
{
    va_list arguments;

    if (ret) {
        va_start(arguments, format);
        *ret = new_va(kind, remedy, format, arguments);
        va_end(arguments);
    }
    return FAULT_RAISED;
}

Fault *fault_copy(const Fault *fault)
{
    return fault ? fault_new(fault->kind, fault->remedy, "%s", fault->message) : NULL;
}

char *fault_to_line(const Fault *fault)
{
    return fault->remedy ? g_strdup_printf("%s; %s", fault->message, fault->remedy)
                         : g_strdup(fault->message);
}

Fault *fault_free(Fault *fault)
{
    if (fault) {
        g_free(fault->message);
        g_free(fault->remedy);
        g_free(fault);
    }
    return NULL;
}
