/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest needs besides devices and usherd itself can look at before anything is done: QEMU, KVM,
 * firmware, ports. Paths that a definition names are never touched here: see file-gate.h. */
#pragma once

#include "../../base/fault.h"
#include "../../core/qemu/host-tools.h"
#include "../../core/plan/plan.h"
#include "../../core/qemu/facts.h"

/* 0 or FAULT_RAISED with MissingFile or Refused. qemu_path: the program to be run. */
int preflight_check(const GuestDefinition *definition, const char *qemu_path, const HostTools *tools,
                    Fault **ret_fault);

/* Checks that no device is asked for by both [USB] and [Input]; dev_fd: /dev. 0 or FAULT_RAISED with
 * Refused. */
int preflight_check_inputs(const GuestDefinition *definition, const Host *host, int dev_fd,
                           Fault **ret_fault);

/* Checks that the host's ports to be forwarded are free; proc_fd: /proc. 0 or FAULT_RAISED with InUse. */
int preflight_check_ports(const GuestDefinition *definition, int proc_fd, Fault **ret_fault);

/* A QEMU that cannot be asked what it can do, and why. */
Fault *preflight_silent_qemu(const char *why);

/* Checks that QEMU can do what is asked of it; facts NULL: not known yet, which is no refusal. 0 or
 * FAULT_RAISED with Refused. */
int preflight_check_qemu(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts,
                         const HostTools *tools, Fault **ret_fault);
