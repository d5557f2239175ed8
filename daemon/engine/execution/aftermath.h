/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run left its devices like, looked at when they are back. */
#pragma once

#include "../engine.h"

/* NULL if all of these (of char*, addresses) answer; else why the run counts as failed. The caller owns it.
 */
Fault *aftermath_look(const Engine *engine, const GPtrArray *addresses);
