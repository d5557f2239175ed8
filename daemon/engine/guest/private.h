/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guest.c, guest-launch.c, guest-qmp.c and guest-stop.c share of a guest. */
#pragma once

#include "../../core/definition/definition.h"
#include "../../core/qemu/argv.h"
#include "../../core/record/run-state.h"
#include "../../core/qemu/agent-message.h"
#include "../../edge/qemu/guest-agent.h"
#include "../../edge/qemu/guest-log.h"
#include "../../edge/store/journal.h"
#include "../../edge/qemu/qmp.h"
#include "../gate/file-gate.h"
#include "../opener.h"
#include "../execution/execution.h"
#include "companions.h"
#include "guest.h"
#include "../gate/holder-gate.h"

/* Its unit, in this run. */
typedef enum GuestUnit {
    GUEST_UNIT_UNASKED,
    GUEST_UNIT_ASKED, /* the answer is owed: a launcher that is here may yet be one of an earlier run */
    GUEST_UNIT_ACCEPTED,
} GuestUnit;

typedef struct GuestInput GuestInput;
typedef struct GuestUsb GuestUsb;
typedef struct MediumChange MediumChange;
typedef struct GuestControlling GuestControlling;
typedef struct GuestOpening GuestOpening;
typedef void (*GuestConsoleRenewed)(Guest *g, int error);

typedef struct GuestSlotSearch GuestSlotSearch;
typedef struct GuestPlugging GuestPlugging;

#define SLOT_FUNCTIONS 8
/* A root port that devices of the host can be behind. */
typedef struct GuestSlot {
    char *name;                      /* "pci-gpu", "spare-0" */
    char *functions[SLOT_FUNCTIONS]; /* addresses of what QEMU has there; NULL: nothing */
    bool leaving;                    /* the guest was asked to let go of it, and has not yet */
} GuestSlot;

struct Guest {
    Engine *engine;
    char *name;
    const GuestHandler *handler;
    void *userdata;

    GuestState state;
    uint64_t since; /* realtime usec */
    Fault *fault;
    GPtrArray *addresses; /* of char* */

    GuestDefinition *definition;
    Plan *plan;
    Journal *journal; /* open from the first step to the last undo */
    HolderGate *gate; /* before the first step */
    Execution *execution;
    bool by_unit;    /* its launcher came first */
    bool bound;      /* the plan was carried out */
    bool recovering; /* its process is being looked for */
    bool leftovers;

    FileGate *disks; /* what is opened before the first step, until QEMU has it */
    int sound_fd;    /* the name of the sound server's socket, until QEMU has it; -1: none */

    GuestUnit unit;
    bool facts_asked;     /* what QEMU can do: the answer is owed */
    QemuCommand *command; /* being prepared, with the descriptors for it */
    GArray *fds;          /* of int, owned */
    Opener *opener; /* at work on what the guest names; NULL: nothing is asked */
    Channel *launch; /* the launcher, until QEMU takes its place, or its processors are pinned */
    GPtrArray *place; /* of char*: the words that say which thread goes where */
    pid_t pid;
    uid_t uid;
    gid_t gid;
    bool watched;
    Companions *companions;

    int run_fd; /* RUN/guests/NAME, -1: none */
    GuestLog *console_log;
    GuestLog *words; /* QEMU's standard error */

    Qmp *qmp;
    bool shutdown_seen;         /* QEMU announced its end */
    MediumChange *medium;       /* under way */
    GPtrArray *controls;        /* of GuestControlling, owned: those under way */
    unsigned qmp_attempts;      /* since the connection was lost */
    sd_event_source *qmp_retry; /* the next attempt, or how long a hello is waited for */
    bool asked;                 /* how it is: the answer is owed */
    uint64_t asked_at;          /* monotonic */
    bool silent;                /* it let a deadline pass; its answer is owed without one */

    GuestAgent *agent;  /* a connection, as soon as somebody asks */
    bool agent_open;    /* something inside has opened its port */
    bool agent_answers; /* and answered when it was asked last */
    bool frozen;        /* its file systems stand still */
    bool addresses_asked;
    uint64_t addresses_at;      /* monotonic */
    GPtrArray *inner_addresses; /* of char*: those of its network cards */

    RunState run;         /* as QEMU said last */
    bool panicked;        /* since its system began: it hears nothing any more */
    char *trouble;        /* why it has to end, in words; NULL: it has not */

    SleepLock *sleep_lock, *shutdown_lock;
    sd_event_source *sleep_turn;
    bool sleep_asked;      /* the host falls asleep, and QEMU was told to pause */
    bool sleep_minded;     /* the host falls asleep, and what was to be done for that is done */
    bool paused_for_sleep; /* by us: it goes on when the host is back */
    GuestOpening *opening; /* a client on its way to QEMU; NULL: none */
    GuestConsoleRenewed console_renewed; /* guest-console.c is at it */
    int console_set;       /* QEMU's number of the console's log, for that; -1: none */
    int console_end;       /* QEMU's end of the console that was opened last, to take it away by; -1: none */

    GPtrArray *inputs;          /* of GuestInput, owned; NULL: not looked for yet */
    unsigned input_index;       /* the one that something is being done for */
    Execution *input_execution; /* it is being handed over */
    bool inputs_busy, inputs_again;

    GPtrArray *usbs;         /* of GuestUsb, owned; NULL: not looked for yet */
    unsigned usb_index;      /* the one that something is being done for */
    Host *usb_host;          /* as it was when the look began */
    WorkerRequest *usb_request;
    Worker *usb_worker;
    int usb_fd;              /* its open node, until QEMU has it; -1: none */
    int usb_set;             /* QEMU's number of that */
    Execution *usb_execution; /* its drivers leave */
    bool usbs_busy, usbs_again;

    bool adopted;  /* found running after a restart of the daemon */
    bool end_owed; /* guest_ended(), once no step is under way */

    GPtrArray *slots; /* of GuestSlot, owned; NULL: QEMU has to be asked */
    GuestSlotSearch *slot_search;
    GuestPlugging *plugging; /* a device on its way there or back */
    GHashTable *left;        /* set of char*: subjects that could not be given back while it runs */
    bool tidy_owed;          /* guest_tidy(), once nothing is on its way */

    GuestRung rung;
    bool awake;        /* it has been woken for its end, or was awake when it was asked */
    uint64_t press_by; /* monotonic: then its power button is pressed, whether it hears it or not */
    bool button_was_deaf; /* when it was looked at last */
    sd_event_source *button_look; /* does it hear it by now? */
    bool stop_asked;
    sd_event_source *deadline; /* of the state or the rung */

    Job *start_job;
    GPtrArray *end_jobs;         /* of Job, borrowed: all that asked for its end, to be ended together */
    GPtrArray *end_waiters;      /* of Channel, owned */
    GPtrArray *restored_waiters; /* of Channel, owned */
};

/* guest.c */
/* Of every execution of a guest's: what its jobs hear, and what goes on when the kernel comes back. */
void guest_on_progress(Execution *execution, const char *words, unsigned done, unsigned total, void *userdata);
void guest_on_unstuck(const char *subject, void *userdata);
void guest_set_state(Guest *g, GuestEvent event);
void guest_announce(Guest *g);
void guest_set_deadline(Guest *g, uint64_t usec, sd_event_time_handler_t handler);
char *guest_run_path(const Guest *g, const char *file);
/* Another run begins, or one that was begun by an earlier daemon is taken up. */
void guest_forget_run(Guest *g);

/* From now on the launcher has 60 s to come. */
void guest_await_launcher(Guest *g);

/* Nobody holds the devices, and the disks are open: takes the steps, has the launcher started. */
void guest_begin(Guest *g);

/* guest-look.c: asks who holds the devices; goes on with guest_open_disks() or fails the guest */
void guest_look(Guest *g);

/* guest-disks.c */
/* Opens the disks and goes on with guest_open_kvmfr(), or fails the guest. */
void guest_open_disks(Guest *g);
void guest_close_disks(Guest *g);
/* A descriptor of an open disk for QEMU, or -errno. */
int guest_dup_disk(const Guest *g, const char *path, bool read_only, bool *ret_block);
/* After a restart of the daemon. */
void guest_claim_disks_again(Guest *g);

/* guest-kvmfr.c: asks for the size of Looking Glass's memory and goes on with guest_open_sound(), or fails the guest */
void guest_open_kvmfr(Guest *g);

/* guest-sound.c: opens the sound server's socket and goes on with guest_begin(), or fails the guest */
void guest_open_sound(Guest *g);

/* guest-launch.c: from bound devices and a waiting launcher to a QEMU process */
int guest_open_run_folder(Guest *g);
void guest_try_launch(Guest *g);
/* Remembers and recalls which process it is: "PID START_TIME UID GID". */
void guest_read_process(Guest *g, uint64_t *ret_start_time);
void guest_watch_process(Guest *g);
void guest_forget_process(Guest *g);

/* The command and its descriptors are complete: has the companions started, then gives them to the launcher. */
void guest_start_companions(Guest *g);
extern const CompanionsHandler guest_companions_handler;

/* guest-end.c */
/* Ends a start or a run for a reason (taken over, the first is kept): whatever was done is undone. */
void guest_fail(Guest *g, Fault *fault);
/* QEMU is gone, or never came. What this run has asked of anybody is forgotten, and its end waits for steps
 * that are under way; fine while the undo is. */
void guest_ended(Guest *g);

/* guest-files.c */
/* Opens what the command names (taken over) and hands over; or fails the guest. */
void guest_open_files(Guest *g, QemuCommand *command);
void guest_close_files(Guest *g);
/* Another descriptor of the console's log, or -errno. */
int guest_open_console_log(Guest *g);
/* After a restart of the daemon: keeps the log that QEMU writes to within its limit, if there is one, whatever the
 * definition says of it by now. */
void guest_find_console_log(Guest *g);

/* guest-pin.c: puts QEMU's threads where the definition says, then lets it run; or fails the guest */
void guest_pin(Guest *g);
/* The answer of what usher-launch left behind. */
void guest_pinned(Guest *g, char **words);

/* guest-qmp.c */
/* It runs or is paused, and QEMU can be told things. */
bool guest_qmp_usable(const Guest *g);
/* All is ready: lets the guest run. */
void guest_run(Guest *g);
void guest_connect_qmp(Guest *g);
/* The same after a restart of the daemon: who says nothing for 5 s is taken as unresponsive, so that it can
 * be ended. */
void guest_find_qmp(Guest *g);
void guest_adopt_unheard(Guest *g);
void guest_drop_qmp(Guest *g);
/* A deadline passed without a word from QEMU. */
void guest_go_silent(Guest *g);
int guest_raise_unresponsive(const Guest *g, Fault **ret_fault);

/* guest-inside.c */
/* Something inside has opened the agent's port, or closed it. */
void guest_agent_port(Guest *g, bool open);
void guest_find_agent(Guest *g);
void guest_forget_agent(Guest *g);
/* Of one whose port is open. False: it has too much to do. */
bool guest_agent_shutdown(Guest *g);

/* guest-trouble.c */
/* QEMU's GUEST_PANICKED and WATCHDOG. */
void guest_panicked(Guest *g);
void guest_watchdog_expired(Guest *g);

/* guest-run.c */
/* Goes by QEMU's RunState, whatever was believed before. */
void guest_take_run(Guest *g, const char *status);
/* Its events of that; false: it is another. */
bool guest_run_event(Guest *g, const char *name);

/* guest-sleep.c */
/* guest_mind_sleep() from the loop: a state changes in the middle of things. */
void guest_mind_sleep_soon(Guest *g);
/* It goes on, or starts anew. */
void guest_forget_sleep(Guest *g);
/* Found paused after a restart of the daemon: was that for the host's sleep? */
void guest_recall_sleep(Guest *g);

/* guest-input.c */
void guest_forget_inputs(Guest *g);

/* guest-usb.c */
void guest_forget_usbs(Guest *g);
/* After a restart of the daemon. */
void guest_recall_usbs(Guest *g);
/* The guest has ended: nothing more is given to it. False: a step is under way, and guest_ended() comes after it
 * (end_owed). */
bool guest_end_usbs(Guest *g);

/* guest-slots.c */
/* Those of the command line. */
void guest_note_slots(Guest *g);
void guest_forget_slots(Guest *g);
/* Asks QEMU for them where they are not known, and if it answers: then guest_slots_found(). */
void guest_find_slots(Guest *g);
/* Shows what is in them as the guest's devices. */
void guest_show_slots(Guest *g);
GuestSlot *guest_slot_of(const Guest *g, const char *address); /* NULL: the guest does not have it */
/* An empty one: of the device's own section, or spare; NULL: there is none. */
GuestSlot *guest_slot_for(const Guest *g, const PlanDevice *device);
unsigned guest_spare_slots(const Guest *g);
bool guest_slot_empty(const GuestSlot *slot);
/* QEMU has rid itself of a device: the slot that it was in, or NULL. */
GuestSlot *guest_slot_deleted(Guest *g, const char *id);

/* guest-plug.c */
void guest_slots_found(Guest *g);
/* QEMU's DEVICE_DELETED. */
void guest_device_deleted(Guest *g, struct json_object *data);
/* Gives back what the journal tells of and QEMU does not have, when nothing else is on its way. */
void guest_tidy(Guest *g);
/* The guest ends: false if a step is under way, and guest_ended() is called again after it. */
bool guest_end_plugging(Guest *g);
void guest_forget_plugging(Guest *g);
/* The connection to QEMU is gone: what it does meanwhile nobody hears. */
void guest_lose_plugging(Guest *g);
/* QEMU may take longer than it should to answer. */
bool guest_plugging_in(const Guest *g);

/* guest-medium.c */
/* QEMU says that a drive was opened or closed. */
void guest_tray_moved(Guest *g, struct json_object *data);
/* The connection to QEMU is gone: whoever waits for a change is told. */
void guest_drop_medium(Guest *g);

/* guest-control.c */
/* The connection to QEMU is gone: whoever waits for a pause, a resume or a reset is told. */
void guest_drop_controls(Guest *g);

/* guest-console.c */
/* Has QEMU let go of whoever has the console; renewed is called once if this returns 0, unless QEMU goes before. */
int guest_renew_console(Guest *g, GuestConsoleRenewed renewed);

/* guest-open.c */
/* QEMU is gone: so are its clients. */
void guest_close_streams(Guest *g);

/* guest-stop.c */
/* It stops, and what QEMU says of it has changed: goes on to the next rung where this one is not heard. */
void guest_mind_ladder(Guest *g);
/* How long the whole ladder may take. */
uint64_t guest_stop_usec(const Guest *g);
void guest_take_rung(Guest *g, GuestRung rung);
