/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of this floor stand on: a fake host, and an engine with a real loop and real journals upon
 * it, whose workers and launcher are stand-ins. The daemon can die and come again; the host and the files in
 * /run stay. */
#pragma once

#include <check.h>

#include "../../../daemon/core/plan/plan.h"
#include "../../../daemon/edge/store/journal.h"
#include "../../../daemon/engine/engine.h"
#include "../suite.h"
#include "fake-launcher.h"
#include "fake-probe.h"
#include "fake-sleep.h"
#include "fake-worker.h"

#define OWNER "guest/win10"
#define GUEST_UID 64001

/* Puts devices into a host; returns the definition of a guest that wants them. */
typedef const char *(*RigBuild)(FakeHost *host);

/* The case of the manual: a GPU with its audio function. */
const char *build_gpu(FakeHost *host);
/* vfio-pci is not loaded yet, and one function is awake by somebody's wish. */
const char *build_cold(FakeHost *host);
/* Two groups, one of them with strangers, overrides of all sorts, a member on vfio-pci already. */
const char *build_crowd(FakeHost *host);
/* The GPU, to be reset on the way there and back. */
const char *build_reset(FakeHost *host);
/* The GPU, one of whose BARs is resized. */
const char *build_bar(FakeHost *host);
/* A GPU, and fewer huge pages than the guest needs. */
const char *build_large(FakeHost *host);
/* A GPU, and host CPUs for the guest alone, at full speed. */
const char *build_alone(FakeHost *host);
/* A network card of which virtual functions are made, and the GPU. */
const char *build_functions(FakeHost *host);
/* A mediated device of a card that stays with the host, and the GPU. */
const char *build_mediated(FakeHost *host);
/* A mediated device to be made of such a card, and the GPU. */
const char *build_mediated_type(FakeHost *host);
#define BUILDS                                                                                               \
    ((const RigBuild[]){build_gpu, build_cold, build_crowd, build_reset, build_bar, build_large,             \
                        build_alone, build_functions, build_mediated, build_mediated_type})
#define N_BUILDS 10

typedef struct Rig {
    FakeHost *host;
    const char *definition;
    char *beginning; /* the host's snapshot before anything was done */
    char *run_path, *definitions_path, *state_path;
    int state_fd; /* the ledger is in it */
    Engine engine;
} Rig;

Rig rig_new(RigBuild build);
void rig_free(Rig *rig);
#define A_RIG(build) __attribute__((cleanup(rig_free))) Rig rig = rig_new(build)

/* The daemon dies (see fake_workers_crash()). Whoever uses the engine must be freed before it comes again. */
void rig_die(Rig *rig, bool finish);
void rig_come_again(Rig *rig);

/* A plan to be carried out in one go: the groups that it expects are those that will come. */
Plan *rig_plan(const Rig *rig);
/* GuestHandler.plan_rest */
int rig_plan_rest(const Rig *rig, const GuestDefinition *definition, const DefinitionPci *section, Plan **ret,
                  Fault **ret_fault);
/* Of owner; the caller closes it. */
Journal *rig_journal(const Rig *rig, const char *owner);

/* Turns the loop once; false if there is nothing to do. */
bool rig_turn(const Rig *rig);
/* Turns as long as there is anything to do at once. */
void rig_settle(const Rig *rig);
/* Turns until *count is wanted. */
void rig_until(const Rig *rig, const unsigned *count, unsigned wanted);

/* The host is as it was, nothing forbidden was done to it, and no journal is left. */
void rig_assert_restored(const Rig *rig);
void rig_assert_host(const Rig *rig, const char *snapshot);
/* Lines of the host's snapshot that differ are of these subjects. */
void rig_assert_only(const Rig *rig, const char *first, const char *second);
void rig_assert_driver(const Rig *rig, const char *address, const char *expected);
bool rig_has_journals(const Rig *rig);
