/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job: a request under way, from the reply that names it to its result. What the API shows of it; who
 * carries it out sets it. */
#pragma once

#include "../base/fault.h"

typedef enum JobType {
    JOB_START,
    JOB_STOP,
    JOB_KILL,
    JOB_BIND,
    JOB_RESTORE,
    JOB_ATTACH,
    JOB_DETACH,
    JOB_TYPE_MAX,
} JobType;

const char *job_type_to_string(JobType type);

typedef struct Job Job;
struct Job {
    unsigned id;
    JobType type;
    char *subject; /* a guest's name or a device's address */
    char *step;    /* what is being done, for a person */
    unsigned done, total;
    const char
        *result;     /* NULL while it runs; then "done", "refused", "drift", "stuck", "timeout" or "failed" */
    Fault *fault;    /* why it did not end in "done" */
    char **warnings; /* what is to be known of it besides; NULL: nothing */
    void (*changed)(
        Job *job,
        void *userdata); /* after each change of the above; may free the job once there is a result */
    void *userdata;
};

/* id from 1. The caller frees it, or changed() does. */
Job *job_new(unsigned id, JobType type, const char *subject);
Job *job_free(Job *job);

/* Progress; NULL job is fine here and below. */
void job_progress(Job *job, const char *step, unsigned done, unsigned total);

/* Also tells these, with the next change. */
void job_warn(Job *job, char *const *warnings);

/* Ends it; fault is borrowed, NULL for "done". The caller must not use the job afterwards. */
void job_end(Job *job, const Fault *fault);
