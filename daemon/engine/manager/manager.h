/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables: guests, claims, holds, jobs, and the host as last seen. Answers what may be done, has it done,
 * and finds out after a restart what was. Requests come in as values, what changes goes out through one
 * listener. */
#pragma once

#include "../../edge/store/definition-store.h"
#include "../../edge/helper/helper-socket.h"
#include "../../edge/scan/pci-names.h"
#include "check.h"
#include "../../core/definition/skipped.h"
#include "../../core/host/holder.h"
#include "../guest/guest.h"

typedef struct Manager Manager;

typedef enum ManagerChange {
    MANAGER_GUEST_ADDED,
    MANAGER_GUEST_CHANGED,
    MANAGER_GUEST_REMOVED,
    MANAGER_DEVICE_ADDED,
    MANAGER_DEVICE_CHANGED,
    MANAGER_DEVICE_REMOVED,
    MANAGER_JOB_ADDED,
    MANAGER_JOB_CHANGED,
    MANAGER_JOB_ENDED, /* gone after the call */
} ManagerChange;

/* id: a guest's name, a device's address, a job's number. */
typedef void (*ManagerListener)(ManagerChange change, const char *id, void *userdata);

int manager_new(Engine *engine, Manager **ret);
Manager *manager_free(Manager *manager);
void manager_listen(Manager *manager, ManagerListener listener, void *userdata);

/* Reads the definitions and finds what was running or bound before a restart. */
void manager_recover(Manager *manager);
/* Reads the definitions again, and tries again to give running guests the USB devices that they could not
 * have. */
void manager_reload(Manager *manager);

/* The host falls asleep, is back, or waits for another time: engine->sleep says which. */
void manager_sync_sleep(Manager *manager);

/* A helper has connected; takes the channel over. */
void manager_hello(Manager *manager, const HelperCaller *caller, Channel *channel);

/* A guest as the API shows it. Strings are borrowed until the next call into the manager. */
typedef struct GuestView {
    const Guest *guest;
    const char *description;
    const char *source;            /* "" if its file is gone */
    const Fault *definition_fault; /* NULL: valid */
    bool closed;                   /* not everybody may read the definition, nor words that quote it */
    const GPtrArray *devices;      /* of char*: has, or would ask for */
    DisplayType display;           /* likewise */
    bool tainted;
} GuestView;

char **manager_guest_names(Manager *manager); /* sorted; the caller frees them */
bool manager_guest(Manager *manager, const char *name, GuestView *ret);
/* Whether some users of the host may not read all of its files as they are now. */
bool manager_guest_closed(Manager *manager, const char *name);
/* Whether its definition has a [PCI] section for this device; a running guest's is the one that it was
 * started with. */
bool manager_guest_has_section(Manager *manager, const char *name, PciAddress address);
/* Definitions. NoSuchGuest if the name is no guest's, BadDefinition if its files cannot be read as a
 * definition. */
int manager_guest_lines(Manager *manager, const char *name, GPtrArray **ret /* of DefinitionLine */,
                        Fault **ret_fault);
/* Its texts as they stand, right or wrong, the file itself first; all are UTF-8 without NUL. */
int manager_guest_files(Manager *manager, const char *name, DefinitionFiles **ret, Fault **ret_fault);
/* What lies in the folder of definitions and was left out when it was read last, of Skipped; borrowed until
 * the next call into the manager. */
const GPtrArray *manager_skipped(Manager *manager);
/* The file itself first, then its drop-ins. */
int manager_validate(Manager *manager, const char *name, const DefinitionText *texts, size_t n_texts,
                     Fault **ret_fault);

typedef struct DefineWish {
    const char *text;
    const char *drop_in; /* "50-more.conf"; NULL: the file itself. With an empty text it is removed */
    bool only_new;       /* refused if there is such a guest */
    const char
        *replaces; /* refused if the file says something else by now ("": there is none); NULL: whatever */
} DefineWish;

/* Writes one of a guest's files if the definition is valid with it; else changes nothing. A running guest
 * keeps what it was started with. */
int manager_define(Manager *manager, const char *name, const DefineWish *wish, Fault **ret_fault);
/* Removes file and drop-ins of a guest that is at rest. */
int manager_undefine(Manager *manager, const char *name, Fault **ret_fault);

/* The host as last seen, renewed if a device has come, gone or changed its driver since. The snapshot stays
 * as it is until the loop's next turn. */
const Host *manager_host(Manager *manager);
PciNames manager_names(Manager *manager, const HostDevice *device);
/* "host", "unused", "bound", "guest", "vfio", "bridge", "drift", "stuck" or "dead". */
const char *manager_device_state(Manager *manager, const HostDevice *device);
/* What somebody else did to a device that is lent, in words; NULL: nothing. Borrowed likewise. */
const char *manager_device_drift(Manager *manager, const char *address);
/* The guest that has it, or "". */
const char *manager_device_guest(Manager *manager, const HostDevice *device);
/* How the QEMU of that guest gets it: "iommufd" or "group", as in a definition; "" if no guest has it. */
const char *manager_device_backend(Manager *manager, const HostDevice *device);
/* Looks for a device; NoSuchDevice if there is none, or if address is no PCI address. */
int manager_find_device(Manager *manager, const char *address, const HostDevice **ret, Fault **ret_fault);

/* "systemd" or "fork"; a guest's unit, which the caller frees. */
const char *manager_launcher_name(Manager *manager);
char *manager_unit(Manager *manager, const char *name);

/* Numbers of the jobs under way, ascending; of unsigned, the caller frees the array. */
GArray *manager_jobs(Manager *manager);
const Job *manager_job(Manager *manager, unsigned id); /* NULL: none */

/* Requests. 0 and a job, or a refusal with the host unchanged. may_stop: units that may be stopped if they
 * hold a device; NULL: none. */
int manager_start(Manager *manager, const char *name, char **may_stop, unsigned *ret_job, Fault **ret_fault);
int manager_stop(Manager *manager, const char *name, bool kill, unsigned *ret_job, Fault **ret_fault);
int manager_bind(Manager *manager, const BindWish *wish, unsigned *ret_job, Fault **ret_fault);
int manager_restore(Manager *manager, PciAddress address, unsigned *ret_job, Fault **ret_fault);
/* Takes a device out of the ledger of failed devices; REFUSED if it is not in there. */
int manager_clear_quarantine(Manager *manager, const char *address, Fault **ret_fault);
int manager_send_inside(Manager *manager, const char *name, InnerErrand errand, InnerErrandDone done,
                        void *userdata, Fault **ret_fault);
int manager_control(Manager *manager, const char *name, GuestControl control, GuestControlled controlled,
                    void *userdata, Fault **ret_fault);
/* As guest_change_medium(), which takes fd over too. */
int manager_change_medium(Manager *manager, const char *name, const char *drive, int fd, bool force,
                          GuestControlled controlled, void *userdata, Fault **ret_fault);

/* Plugs a device into a running guest, or out of it. wish: what is asked for if its definition has no section
 * for the device. */
int manager_attach(Manager *manager, const char *name, const BindWish *wish, unsigned *ret_job,
                   Fault **ret_fault);
int manager_detach(Manager *manager, const char *name, PciAddress address, unsigned *ret_job,
                   Fault **ret_fault);

int manager_open(Manager *manager, const char *name, GuestStream stream, bool force, GuestOpened opened,
                 void *userdata, Fault **ret_fault);

/* Whether it is known what QEMU can do. Plans and validation judge by it, and only as far as it is known. */
bool manager_knows_qemu(Manager *manager);
/* Asks QEMU; asked is called once it is known, or known that QEMU cannot be asked; perhaps from within. */
void manager_ask_qemu(Manager *manager, QemuProbed asked, void *userdata);

/* The same without doing it. claim: the caller might do it, too, so the kernel is also asked whether disks
 * are in use, which takes them for a moment (edge/hand/disk-claim.h). Plans that take devices come later, as
 * they first ask who holds those: steps (of Step) are borrowed; NULL: fault, borrowed too, says why the
 * request would be refused. Called exactly once, if the call itself returned 0. */
typedef void (*ManagerPlanned)(const GPtrArray *steps, const Fault *fault, void *userdata);
int manager_plan_start(Manager *manager, const char *name, bool claim, ManagerPlanned planned, void *userdata,
                       Fault **ret_fault);
/* Only checks that the files that it names are what they should be, as a start does; steps is empty. */
int manager_check_files(Manager *manager, const char *name, bool claim, ManagerPlanned planned,
                        void *userdata, Fault **ret_fault);
int manager_plan_bind(Manager *manager, const BindWish *wish, bool claim, ManagerPlanned planned,
                      void *userdata, Fault **ret_fault);
int manager_plan_attach(Manager *manager, const char *name, const BindWish *wish, bool claim,
                        ManagerPlanned planned, void *userdata, Fault **ret_fault);
/* Of Step, owned by the caller. */
int manager_plan_detach(Manager *manager, const char *name, PciAddress address, GPtrArray **ret,
                        Fault **ret_fault);
int manager_plan_stop(Manager *manager, const char *name, GPtrArray **ret, Fault **ret_fault);
int manager_plan_restore(Manager *manager, PciAddress address, GPtrArray **ret, Fault **ret_fault);

/* Who holds a device (of Holder, borrowed; claim: as above); NULL: fault, borrowed too, says why that is
 * unknown. Called exactly once, if the call itself returned 0. */
typedef void (*ManagerHeld)(const GPtrArray *holders, const Fault *fault, void *userdata);
int manager_holders(Manager *manager, PciAddress address, bool claim, ManagerHeld held, void *userdata,
                    Fault **ret_fault);

/* Drops the answer that was to go to userdata, of a plan or a look for holders: nobody waits for it any
 * more. */
void manager_forget(Manager *manager, const void *userdata);

/* Findings (of Finding, borrowed); called exactly once. */
typedef void (*ManagerChecked)(const GPtrArray *findings, void *userdata);
void manager_check(Manager *manager, ManagerChecked checked, void *userdata);
