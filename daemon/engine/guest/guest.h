/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One guest's life: it prepares the devices, has QEMU started, follows QEMU over QMP, stops the guest by the
 * ladder, and gives the devices back. The guest's state changes in one place, and is announced from there.
 * Whether the guest *may* start is for the manager to decide. */
#pragma once

#include "../../core/record/guest-state.h"
#include "../../core/plan/plan.h"
#include "../../edge/helper/channel.h"
#include "../engine.h"
#include "../job.h"
#include "agent.h"
#include "control.h"
#include "streams.h"

typedef struct Guest Guest;

typedef struct GuestHandler {
    /* Something that the API shows has changed. */
    void (*changed)(Guest *guest, void *userdata);
    /* The guest has come to rest, stopped or failed; guest_has_leftovers() says whether all was undone.
     * Claims may be given up. */
    void (*rested)(Guest *guest, void *userdata);
    /* The first steps of the plan have made the devices that the rest is about (Plan.making): plans the rest
     * by plan_rest(), or with a section by plan_attach_rest(), and takes the claims. NULL if the owner has no
     * such plans. */
    int (*plan_rest)(Guest *guest, const GuestDefinition *definition, const DefinitionPci *section,
                     Plan **ret, Fault **ret_fault, void *userdata);
    /* The guest got a device while it ran, or lost one: see guest_devices(), and its journal. May be NULL. */
    void (*devices)(Guest *guest, void *userdata);
} GuestHandler;

Guest *guest_new(Engine *engine, const char *name, const GuestHandler *handler, void *userdata);
/* Frees everything and kills nothing: a later daemon finds the guest again. */
Guest *guest_free(Guest *guest);

const char *guest_name(const Guest *guest);
GuestState guest_state(const Guest *guest);
const char *guest_sub_state(
    const Guest *guest); /* the phase of the start, the rung while stopping, why it is paused, else "" */
pid_t guest_pid(const Guest *guest);           /* 0: none */
uint64_t guest_since_usec(const Guest *guest); /* realtime; 0: unknown */
const Fault *guest_fault(const Guest *guest);  /* why it failed; NULL: it did not */
char *guest_last_words(const Guest *guest);    /* the tail of QEMU's standard error; the caller frees it */
/* The definition of this run; NULL: at rest, or found running without one. */
const GuestDefinition *guest_definition(const Guest *guest);
const GPtrArray *guest_devices(const Guest *guest); /* of char*: addresses of its devices; empty at rest */
bool guest_has_leftovers(const Guest *guest);       /* its journal has steps that could not be undone */
/* The guest is at rest, and nobody is looking for an earlier run. */
bool guest_at_rest(const Guest *guest);
/* After a restart of the daemon, its QEMU is being looked for, and its state is not known yet. */
bool guest_is_sought(const Guest *guest);

/* Starts the guest, which must be at rest; takes definition and plan over. job may be NULL; it ends when the
 * guest runs, or is back at rest. by_unit: the launcher is here already, and guest_connected() follows. */
void guest_start(Guest *guest, GuestDefinition *definition, Plan *plan, Job *job, bool by_unit);

/* Its launcher has connected and was identified; channel is taken over. */
void guest_connected(Guest *guest, Channel *channel, pid_t pid, uid_t uid, gid_t gid);

/* The start is under way, and the launcher has not connected yet. */
bool guest_awaits_launcher(const Guest *guest);

/* Its launcher ended, or its unit failed, before it could connect. */
void guest_launch_failed(Guest *guest, const char *message);
/* The supervisor was to start the guest again, and has given up. */
void guest_given_up(Guest *guest, const char *message);

/* It has ended, is at rest, and its definition wants it back (OnReboot=, OnPowerOff=, OnCrash=): the manager
 * is to start it. */
bool guest_comes_again(const Guest *guest);
/* Counts that start, which begins next. *ret_may_stop: units that may be stopped for it, as for the last; the
 * caller frees them. FAULT_GUEST_FAILED: there were too many. */
int guest_count_again(Guest *guest, char ***ret_may_stop, Fault **ret_fault);
/* That start is refused, so the guest has failed. */
void guest_not_again(Guest *guest, const Fault *why);
/* Somebody wants it to stay at rest. */
void guest_stay_down(Guest *guest);
/* After a restart of the daemon, for a guest that has no journal: whether it was about to come again. */
void guest_recall_end(Guest *guest);

/* The unit's ExecStop= (restored false) or ExecStopPost= (true) waits until QEMU is gone, or until the
 * devices are back. channel is taken over, and answered at once if that is so already. */
void guest_wait(Guest *guest, Channel *channel, bool restored);

/* Stops it by the ladder, from the first rung; takes job over (may be NULL), which ends when it is at rest.
 * by_unit: the unit is being stopped already. Fine while it is stopping; FAULT_NOT_RUNNING at rest. */
int guest_stop(Guest *guest, Job *job, bool by_unit, Fault **ret_fault);
/* Takes the last rung at once. */
int guest_kill(Guest *guest, Job *job, Fault **ret_fault);

/* Asks QEMU for its run state, unless that was done within the last 5 s. Called when somebody looks at the
 * guest; the answer may change its state. */
void guest_ask(Guest *guest);

/* FAULT_NOT_RUNNING, FAULT_UNRESPONSIVE. */
int guest_control(Guest *guest, GuestControl control, GuestControlled controlled, void *userdata,
                  Fault **ret_fault);

/* Has the agent inside do something. FAULT_NOT_RUNNING, or as inner_agent_send(). */
int guest_send_inside(Guest *guest, InnerErrand errand, InnerErrandDone done, void *userdata,
                      Fault **ret_fault);
/* The state of the agent inside, as inner_agent_state(); "" without [Agent] or QEMU. */
const char *guest_inner_agent(const Guest *guest);
/* Of char*: the addresses of the guest's network cards, as its agent last told them; NULL at rest. */
const GPtrArray *guest_inner_addresses(const Guest *guest);
/* Asks the agent for the addresses again, unless that was done within the last 10 s. Called when somebody
 * looks at the guest. */
void guest_refresh_inner_addresses(Guest *guest);

/* The host falls asleep or is back. */
void guest_sync_sleep(Guest *guest);

/* An input device of the host may have come or gone: gives a running guest those that its definition
 * names. */
void guest_sync_inputs(Guest *guest);

/* The same for USB devices. */
void guest_sync_usbs(Guest *guest);
/* Also tries those again that the guest could not be given, as somebody asks for them. */
void guest_retry_usbs(Guest *guest);
/* Of char*, for a guest that runs: "headset: 046d:0a8f at port 1-2.3", "stick: is not plugged in; …". The
 * caller frees the array. */
GPtrArray *guest_usb_words(const Guest *guest);

/* Puts an image into a CD drive ([CDROM drive]; "": the only one); with fd -1, takes out the medium. fd is
 * taken over in every case. The caller has opened it for reading only, so that nobody reads through usherd
 * what he may not read himself. If the guest has locked the tray, the guest itself opens it within 5 s; force
 * opens the tray at once. */
int guest_change_medium(Guest *guest, const char *drive, int fd, bool force, GuestControlled controlled,
                        void *userdata, Fault **ret_fault);

/* Has QEMU serve one more client. FAULT_NOT_RUNNING, FAULT_UNRESPONSIVE; FAULT_REFUSED: it has no display; or
 * as streams_open(). */
int guest_open(Guest *guest, GuestStream stream, bool force, GuestOpened opened, void *userdata,
               Fault **ret_fault);
/* FAULT_NOT_RUNNING, FAULT_UNRESPONSIVE or FAULT_BUSY if no device can be plugged in or unplugged now. The
 * calls below require 0. */
int guest_check_pluggable(const Guest *guest, Fault **ret_fault);
/* The section of the guest's definition that asks for this function; NULL: none does. */
const DefinitionPci *guest_section(const Guest *guest, PciAddress address);
/* Whether a plan of plan_attach() fits: FAULT_IN_USE if the guest has the device already, FAULT_REFUSED if no
 * port is spare. */
int guest_check_attach(const Guest *guest, const Plan *plan, Fault **ret_fault);
/* Gives the guest the device. plan is taken over in every case, and job if this returns 0; the job ends when
 * the guest has the device. address: for messages. FAULT_MISSING_FILE: ROM=. */
void guest_attach(Guest *guest, Plan *plan, const char *address, Job *job);
/* FAULT_NO_SUCH_DEVICE if the guest does not have the device, FAULT_REFUSED if it cannot release one now. */
int guest_check_detach(const Guest *guest, const char *address, Fault **ret_fault);
/* Has the guest release the device, with all functions of its slot, and gives the device back to the host;
 * takes job over if this returns 0. FAULT_TIMEOUT ends the job if the guest does not release the device; the
 * guest then keeps it until it does, or ends. */
int guest_detach(Guest *guest, const char *address, Job *job);
/* The steps that guest_detach() would take; of Step, the caller frees the array. */
GPtrArray *guest_plan_detach(const Guest *guest, const char *address);

/* The plan of this run. */
DisplayType guest_display(const Guest *guest);
bool guest_tainted(const Guest *guest);
/* What this run goes without (Optional=yes), a line each; NULL: nothing. */
const char *const *guest_warnings(const Guest *guest);

/* After a restart of the daemon, for a guest that has a journal: finds its QEMU and follows it again, or
 * undoes what the run left. definition may be NULL (its file is gone). */
void guest_recover(Guest *guest, GuestDefinition *definition);

/* A write to one of the guest's devices has ended that had been given up: goes on with what is left to
 * undo. */
void guest_unstuck(Guest *guest);

/* Tries to undo leftovers again; believe_kernel: an administrator says that what is in drift is right now.
 * job is taken over, and may be NULL. */
void guest_restore(Guest *guest, Job *job, bool believe_kernel);
