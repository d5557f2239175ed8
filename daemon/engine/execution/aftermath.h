/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state in which a run left its devices, read when they are back. */
#pragma once

#include "../engine.h"

/* NULL if all these (of char*, addresses) answer; else why the run counts as failed. The caller owns it. */
Fault *aftermath_look(const Engine *engine, const GPtrArray *addresses);
