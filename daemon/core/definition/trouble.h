/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OnPanic=, and [Watchdog] Action=. */
#pragma once

#include <errno.h>

/* What happens to a guest whose system has panicked, or hangs. */
typedef enum TroubleAction {
    TROUBLE_DEFAULT, /* a panic that is told fails the guest, and nothing is there to tell of more */
    TROUBLE_FAIL,
    TROUBLE_RESET,
    TROUBLE_PAUSE,
    TROUBLE_IGNORE,
    TROUBLE_MAX,
    TROUBLE_INVALID = -EINVAL,
} TroubleAction;
