/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share of a guest. */
#pragma once

#include "run.h"

struct Guest {
    Engine *engine;
    char *name;
    const GuestHandler *handler;
    void *userdata;
    void (*unstuck)(Guest *g); /* guest_unstuck(), which the parts do not know */

    GuestState state;
    uint64_t since; /* realtime usec */
    Fault *fault;
    GPtrArray *addresses; /* of char*: of devices that it has, or that it has left behind */
    bool leftovers;       /* its last run could not be undone */
    bool end_was_asked;   /* of its last run, by somebody here */
    Run *run;             /* NULL: it is at rest */

    int folder_fd;        /* RUN/guests/NAME, -1: none */
    GuestLog *stderr_log; /* QEMU's, of this run or the last */

    Job *start_job;
    GPtrArray *end_jobs;         /* of Job, borrowed: all that asked for its end, to be ended together */
    GPtrArray *end_waiters;      /* of Channel, owned */
    GPtrArray *restored_waiters; /* of Channel, owned */
};

/* state.c */
void guest_set_state(Guest *g, GuestEvent event);
void guest_announce(Guest *g);
/* What is asked of the guest needs its QEMU, and that is not there, or not known yet. FAULT_RAISED. */
int guest_raise_not_running(const Guest *g, Fault **ret_fault);
void guest_set_deadline(Guest *g, uint64_t usec, sd_event_time_handler_t handler);
char *guest_run_path(const Guest *g, const char *file);
/* Of every execution of a guest's: what its jobs hear, and what goes on when the kernel comes back. */
void guest_on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                       void *userdata);
void guest_on_unstuck(const char *subject, void *userdata);

/* unit.c */
/* From now on the launcher has 60 s to come. */
void guest_await_launcher(Guest *g);

/* launcher.c */
/* The unit was asked for, nobody has called it off, and its launcher has not come yet. */
bool guest_unit_is_to_come(const Run *run);
/* Tells a launcher why it is of no use, and lets go of it. */
void guest_refuse_channel(Channel *channel, const char *why, const char *remedy);
/* Tells the guest's own that nothing comes of the start, and lets go of it. False: it is not here. */
bool guest_refuse_launcher(Guest *g, const Fault *fault);

/* files.c */
/* After a restart of the daemon. */
void guest_claim_disks_again(Guest *g);

/* process.c */
int guest_open_run_folder(Guest *g);
/* Remembers and recalls which process it is: "PID START_TIME UID GID", and its companions; 0 or -errno. */
int guest_write_process(Guest *g);
void guest_read_process(Guest *g, uint64_t *ret_start_time);
void guest_watch_process(Guest *g);
void guest_forget_process(Guest *g);

/* run-companions.c */
extern const CompanionsHandler guest_companions_handler;

/* end.c */
/* Ends a start or a run for a reason (taken over, the first is kept): whatever was done is undone. */
void guest_fail(Guest *g, Fault *fault);
/* QEMU is gone, or never came. What this run has asked of anybody is forgotten, and its end waits for steps
 * that are under way; fine while the undo is. */
void guest_ended(Guest *g);
/* Undoes what its journal leaves standing, then comes to rest. believe_kernel: as guest_restore() has it. */
void guest_undo(Guest *g, bool believe_kernel);

/* console-log.c */
/* Another descriptor of the console's log, or -errno. */
int guest_open_console_log(Guest *g);
/* The same at the start, which is noted in it. */
int guest_begin_console_log(Guest *g);
/* After a restart of the daemon: keeps the log that QEMU writes to within its limit, if there is one,
 * whatever the definition says of it by now. */
void guest_find_console_log(Guest *g);

/* launch.c */
/* QEMU is there, and waits for the order to run. */
void guest_greeted(Run *run);

/* pin.c */
/* The answer of what usher-launch left behind. */
void guest_pinned(Guest *g, char **words);

/* events.c */
extern const QemuLinkHandler guest_link_handler;

/* requests.c */
extern const InnerAgentHandler guest_agent_handler;
extern const SleeperHandler guest_sleeper_handler;
/* StreamsOpenLog of a guest. */
int guest_open_log_for_streams(void *guest);
/* A program inside has opened the agent's port, or closed it. */
void guest_agent_port(Guest *g, bool open);
/* After a restart of the daemon. */
void guest_find_agent(Guest *g);

/* trouble.c */
/* QEMU's GUEST_PANICKED and WATCHDOG. */
void guest_panicked(Guest *g);
void guest_watchdog_expired(Guest *g);

/* run-state.c */
/* Goes by QEMU's RunState, whatever was believed before. */
void guest_take_run_state(Guest *g, const char *status);
/* The same for parts that have heard it: ControlsStatus, and LadderHandler's. */
void guest_take_status(const char *status, void *guest);
/* Its events of that; false: it is another. */
bool guest_run_state_event(Guest *g, const char *name);
/* It was found running after a restart of the daemon. */
void guest_adopt(Guest *g);
/* The same, and nobody waits for a word of QEMU's. */
void guest_adopt_unheard(Guest *g);

/* hot-plug.c */
/* After a restart of the daemon. */
void guest_recall_usbs(Guest *g);
extern const PlugsHandler guest_plugs_handler;

/* stop.c */
/* How long the whole ladder may take. */
uint64_t guest_stop_usec(const Guest *g);
extern const LadderHandler guest_ladder_handler;
