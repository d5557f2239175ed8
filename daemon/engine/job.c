/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"

#include "../base/cleanup.h"

static const char *const type_names[JOB_TYPE_MAX] = {
    [JOB_START] = "start",     [JOB_STOP] = "stop",     [JOB_KILL] = "kill",     [JOB_BIND] = "bind",
    [JOB_RESTORE] = "restore", [JOB_ATTACH] = "attach", [JOB_DETACH] = "detach",
};

const char *job_type_to_string(JobType type)
{
    return type_names[type];
}

Job *job_new(unsigned id, JobType type, const char *subject)
{
    Job *job = g_new0(Job, 1);

    job->id = id;
    job->type = type;
    job->subject = g_strdup(subject);
    job->step = g_strdup("");
    return job;
}

DEFINE_FREE(Job, job_free, job)
{
    g_free(job->subject);
    g_free(job->step);
    fault_free(job->fault);
    g_strfreev(job->warnings);
}

static void announce(Job *job)
{
    if (job->changed)
        job->changed(job, job->userdata);
}

void job_progress(Job *job, const char *step, unsigned done, unsigned total)
{
    if (!job)
        return;
    g_free(job->step);
    job->step = g_strdup(step);
    job->done = done;
    job->total = total;
    announce(job);
}

void job_warn(Job *job, char *const *warnings)
{
    if (!job)
        return;
    g_strfreev(job->warnings);
    job->warnings = g_strdupv((char **)warnings);
}

static const char *result_of(const Fault *fault)
{
    if (!fault)
        return "done";
    switch (fault->kind) {
    case FAULT_DRIFT:
        return "drift";
    case FAULT_STUCK:
        return "stuck";
    case FAULT_TIMEOUT:
    case FAULT_UNRESPONSIVE:
        return "timeout";
    case FAULT_FAILED:
    case FAULT_GUEST_FAILED:
        return "failed";
    default:
        return "refused";
    }
}

void job_end(Job *job, const Fault *fault)
{
    if (!job || job->result)
        return;
    job->fault = fault_copy(fault);
    job->result = result_of(fault);
    announce(job);
}
