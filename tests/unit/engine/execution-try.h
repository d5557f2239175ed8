/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An execution of the rig's plan, and what came of it. */
#pragma once

#include "../../../daemon/engine/execution/execution.h"
#include "rig.h"

typedef struct Try {
    Rig *rig;
    Journal *journal;
    Execution *execution;
    GString *progress;
    unsigned ended, unstuck;
    Fault *fault;
} Try;

Try try_new(Rig *rig);
void try_free(Try *try);
#define A_TRY(name, rig) __attribute__((cleanup(try_free))) Try name = try_new(rig)
/* One and its rig. */
#define A_TRY_OF(build)                                                                                      \
    A_RIG(build);                                                                                            \
    A_TRY(try, &rig)
extern const ExecutionHandler try_handler;

/* From here on the try must not be moved, as it is the handler's userdata. */
void try_run(Try *try, bool with_guest);
void try_undo(Try *try, bool believe_kernel);
/* The daemon dies (finish: the step under way is still taken), and the next one has only the journal. */
void try_die(Try *try, bool finish);
/* The same after some turns of the loop; false if it had ended before. */
bool try_crash_at(Try *try, unsigned turn, bool finish);

/* Runs as long as there is anything to do at once, with any outcome. */
void try_run_on(Try *try);
void try_undo_on(Try *try, bool believe_kernel);
/* Runs to a good end: after an undo the host is as it was. */
void try_run_all(Try *try);
void try_undo_all(Try *try);
void try_assert_done(const Try *try);
/* An administrator says that the device is right as it is, and all ends well. */
void try_believe(Try *try);
void try_assert_drift(const Try *try, const char *message);
