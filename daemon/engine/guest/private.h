/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share about a guest. */
#pragma once

#include "../../core/definition/display.h"
#include "revival.h"
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
    GPtrArray *addresses; /* of char*: addresses of the devices that the guest has, or has left behind */
    bool leftovers;       /* the last run could not be undone */
    bool end_was_asked;   /* somebody here ended the last run */
    Run *run;             /* NULL: it is at rest */

    Revival *revival; /* whether it is to be started again */

    int folder_fd;        /* RUN/guests/NAME, -1: none */
    GuestLog *stderr_log; /* QEMU's, of this run or the last */

    Job *start_job;
    GPtrArray *end_jobs;         /* of Job, borrowed: all that asked for the guest's end, to be ended
                                  * together */
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
/* For every execution of the guest: reports progress to its jobs, and goes on when the kernel comes back. */
void guest_on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                       void *userdata);
void guest_on_unstuck(const char *subject, void *userdata);

/* unit.c */
/* The launcher has 60 s to connect from now on. */
void guest_await_launcher(Guest *g);

/* launcher.c */
/* The unit was asked for and not called off, and its launcher has not connected yet. */
bool guest_unit_is_to_come(const Run *run);
/* Tells a launcher why it is turned away, and drops it. */
void guest_refuse_channel(Channel *channel, const char *why, const char *remedy);
/* Tells the guest's own launcher that the start has failed, and drops it. False: it is not here. */
bool guest_refuse_launcher(Guest *g, const Fault *fault);

/* files.c */
/* After a restart of the daemon. */
void guest_claim_disks_again(Guest *g);
void guest_recall_warnings(Guest *g);

/* process.c */
int guest_open_run_folder(Guest *g);
/* Writes and reads which process QEMU is: "PID START_TIME UID GID", and its companions; 0 or -errno. */
int guest_write_process(Guest *g);
void guest_read_process(Guest *g, uint64_t *ret_start_time);
void guest_watch_process(Guest *g);
void guest_forget_process(Guest *g);

/* run-companions.c */
extern const CompanionsHandler guest_companions_handler;

/* again.c */
/* The guest comes to such an end: notes whether it is to be started again. */
void guest_note_end(Guest *g, GuestEnd end);
/* The same upon QEMU's word, its reason for a SHUTDOWN. */
void guest_note_shutdown(Guest *g, const char *reason);

/* end.c */
/* Ends a start or a run for a reason (taken over; the first is kept): everything done so far is undone. */
void guest_fail(Guest *g, Fault *fault);
/* QEMU is gone, or never came. Questions of this run are dropped, and its end waits for steps that are under
 * way. Fine while the undo is under way. */
void guest_ended(Guest *g);
/* Undoes the steps that stand in the journal, then comes to rest. believe_kernel: as for guest_restore(). */
void guest_undo(Guest *g, bool believe_kernel);

/* console-log.c */
/* Another descriptor of the console's log, or -errno. */
int guest_open_console_log(Guest *g);
/* The same at the start; notes the start in the log. */
int guest_begin_console_log(Guest *g);
/* After a restart of the daemon: keeps the log to which QEMU writes within its limit, if there is one,
 * whatever the definition says by now. */
void guest_find_console_log(Guest *g);

/* launch.c */
/* QEMU has connected, and waits for the order to run. */
void guest_greeted(Run *run);

/* pin.c */
/* The answer of the process that usher-launch left behind. */
void guest_pinned(Guest *g, char **words);

/* events.c */
extern const QemuLinkHandler guest_link_handler;

/* requests.c */
extern const InnerAgentHandler guest_agent_handler;
extern const SleeperHandler guest_sleeper_handler;
/* [Display] of its definition; NULL: that is not known. */
const DefinitionDisplay *guest_screen(const Guest *g);
/* The guest's StreamsOpenLog. */
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
/* Takes over QEMU's RunState, whatever was believed before. */
void guest_take_run_state(Guest *g, const char *status);
/* The same for parts that have heard the RunState: ControlsStatus, and LadderHandler's. */
void guest_take_status(const char *status, void *guest);
/* QEMU's events about it; false: this is another event. */
bool guest_run_state_event(Guest *g, const char *name);
/* The guest was found running after a restart of the daemon, and nobody waits for a word of QEMU. */
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
