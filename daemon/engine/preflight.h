/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a definition names besides devices, looked at before anything is done: QEMU, KVM, kernel images,
 * disks. */
#pragma once

#include "../base/fault.h"
#include "../core/definition.h"

/* 0 or FAULT_RAISED with MissingFile or Refused. qemu_path: the program to be run. */
int preflight_check(const GuestDefinition *definition, const char *qemu_path, Fault **ret_fault);
