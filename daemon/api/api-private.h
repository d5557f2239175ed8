/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the D-Bus service share. */
#pragma once

#include "../edge/host-services/polkit.h"
#include "api.h"
#include "callers.h"
#include "unread.h"

#define API_ROOT "/org/usher1"

typedef enum ApiKind {
    API_GUEST,  /* id: the name */
    API_DEVICE, /* id: the address */
    API_JOB,    /* id: the number */
    API_KIND_MAX,
} ApiKind;

struct Api {
    sd_bus *bus;
    Manager *manager;
    GHashTable *objects[API_KIND_MAX]; /* id → ApiObject, owned: what sd-bus was given as userdata */
    GPtrArray *slots;                  /* of sd_bus_slot, owned */
    GPtrArray *pending;                /* of Pending (authorize.c), owned */
    Callers *callers;
    Unread *unread;
    GPtrArray *checking; /* of ApiEnquiry, borrowed: wait for a check of the host */
    sd_event_source *check_timer;
    gint64 checked; /* when a check began last, monotonic */
    bool check_runs;
    bool closing;
    void (*named)(int error, void *userdata);
    void *named_userdata;
};

/* One object on the bus. */
typedef struct ApiObject {
    Api *api;
    char *id;
} ApiObject;

/* What is done once it may be, as polkit agrees or QEMU has answered: reads the message from its beginning
 * and replies. id: the object's, or NULL for the manager. */
typedef int (*ApiAction)(Api *api, sd_bus_message *message, const char *id);

/* append.c */
/* As sd_bus_message_append(3), for basic values and structures of them, but text need not be valid UTF-8:
 * invalid bytes become U+FFFD. All text that is not a constant goes this way. 0 or -errno. */
int api_append(sd_bus_message *message, const char *types, ...);
/* An array of text, likewise. */
int api_append_words(sd_bus_message *message, const char *const *words);

/* objects.c */
extern const char *const api_interfaces[API_KIND_MAX]; /* "org.usher1.Guest", … */
/* The object's path; the caller frees it. */
char *api_path(ApiKind kind, const char *id);
int api_register_objects(Api *api);
/* Appends a(oa{sv}) entries' (oa{sv}) for one object: its path and every property. */
int api_append_object(sd_bus_message *reply, Api *api, ApiKind kind, const char *id);

extern const sd_bus_vtable api_manager_vtable[];
extern const sd_bus_vtable api_guest_vtable[];
extern const sd_bus_vtable api_device_vtable[];
extern const sd_bus_vtable api_job_vtable[];

/* gate.c: sees each call first */
int api_gate_new(Api *api);

/* definition-calls.c: methods of the manager, and then of the guest */
int api_validate_definition(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_list_skipped(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_define_guest(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_undefine_guest(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_get_definition(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_get_files(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_get_details(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_check_disks(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* reply.c: how handlers end */
/* Replies with an error if r says so (FAULT_RAISED with a fault, or a negative errno), fault is taken over.
 * Returns what a handler returns. */
int api_reply_error(sd_bus_message *message, int r, Fault *fault);
/* A fault as everybody may see it, if it may quote a definition that not everybody may read; the caller
 * frees it. */
char *api_closed_words(const Fault *fault, const char *guest);
int api_reply_job(sd_bus_message *message, int r, unsigned job, Fault *fault);
/* LimitsExceeded: "you have MOST WHAT already". */
int api_reply_limit(sd_bus_message *message, unsigned most, const char *what);
/* A handler of a call that is answered later, with a reference to the message: refused at once if r says so,
 * which gives the reference up. Returns what a handler returns. */
int api_reply_later(sd_bus_message *message, int r, Fault *fault);

/* enquiries.c: calls that are answered later and cost something */
typedef struct ApiEnquiry ApiEnquiry;
/* 0; or what the handler returns then: the user has as many as he may have, or nobody waits for the answer.
 */
int api_enquiry_new(Api *api, sd_bus_message *message, ApiEnquiry **ret);
/* Acts once it is known what QEMU can do, or that it cannot be asked, so that what is refused does not depend
 * on whether somebody has asked before. Who wants no answer is not waited with. */
int api_know_qemu(Api *api, sd_bus_message *message, const char *id, ApiAction act);
/* Ends it; the message is the caller's to answer and to give up. */
sd_bus_message *api_enquiry_end(ApiEnquiry *enquiry);
/* Nobody waits for the answer any more. */
void api_enquiry_drop(ApiEnquiry *enquiry);
/* Later, from the manager's callbacks: userdata is the enquiry, which ends. */
void api_reply_planned(const GPtrArray *steps, const Fault *fault, void *enquiry);
void api_reply_held(const GPtrArray *holders, const Fault *fault, void *enquiry);
/* As api_reply_later(): the enquiry ends. */
int api_enquiry_later(ApiEnquiry *enquiry, int r, Fault *fault);
int api_check(sd_bus_message *message, void *userdata, sd_bus_error *error);
/* Steps as a(ssss); the array is taken over. */
int api_reply_steps(sd_bus_message *message, int r, GPtrArray *steps, Fault *fault);
/* BAD_OPTION: "option KEY WRONG", with as much of the key as may be shown. */
int api_raise_option(Fault **ret_fault, const char *key, const char *wrong, const char *remedy);
/* Reads a{sv} that must be empty; or "functions", "group" and "stop_holders" into wish; or the last alone. 0,
 * -errno, or FAULT_RAISED with BadOption. The caller frees the units (NULL: none were named). */
int api_read_no_options(sd_bus_message *message, Fault **ret_fault);
int api_read_start_options(sd_bus_message *message, char ***ret_may_stop, Fault **ret_fault);
int api_read_bind_options(sd_bus_message *message, BindWish *wish, Fault **ret_fault);
/* The same for "force" alone. */
int api_read_force_option(sd_bus_message *message, bool *ret, Fault **ret_fault);

/* authorize.c */
/* Asks polkit for action. The password dialog shows subject (a guest or device, may be NULL). Nothing else
 * of the message has been read by then (CVE-2025-12748 was parsing before asking). */
int api_authorize(Api *api, sd_bus_message *message, const char *polkit_action, const char *subject,
                  const char *id, ApiAction act);
/* The same for a method whose first argument is the subject. */
int api_authorize_subject(Api *api, sd_bus_message *message, const char *polkit_action, ApiAction act);
/* The same once more for a request that names units to be stopped, which is a right of its own. */
int api_authorize_stopping(Api *api, sd_bus_message *message, const char *subject, const char *id,
                           ApiAction act);
/* A question, which anybody may ask; may: he might do what it is about as well, without being asked for a
 * password. Only then may a disk be taken for it, even for a moment. The message is at its beginning. */
typedef int (*ApiRightKnown)(Api *api, sd_bus_message *message, const char *id, bool may);
int api_know_right(Api *api, sd_bus_message *message, const char *polkit_action, const char *id,
                   ApiRightKnown ask);
/* Asks for the right to read a guest's definition where not everybody has it, and else for none: for all that
 * shows, or quotes, what is in it. */
int api_authorize_reading(Api *api, sd_bus_message *message, const char *guest, const char *id,
                          ApiAction act);
/* stream-calls.c: what OpenConsole and OpenDisplay do then */
int api_open_console(Api *api, sd_bus_message *message, const char *name);
int api_open_display(Api *api, sd_bus_message *message, const char *name);
/* plug-calls.c: what Attach and Detach do then; and their plans */
int api_attach(Api *api, sd_bus_message *message, const char *name);
int api_detach(Api *api, sd_bus_message *message, const char *name);
int api_plan_attach(sd_bus_message *message, void *userdata, sd_bus_error *error);
int api_plan_detach(sd_bus_message *message, void *userdata, sd_bus_error *error);
void api_pending_free(void *pending);
/* The caller has left the bus. */
void api_pending_drop(Api *api, void *pending);
