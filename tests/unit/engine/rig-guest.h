/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest with what the rig's host lends, for tests of what else it may have. */
#pragma once

#include "fake-qemu.h"

/* The rig's sections and more of them. */
GuestDefinition *rig_definition(const Rig *rig, const char *more);
/* What it tells of itself nobody hears. */
Guest *rig_start(const Rig *rig, const char *more);
/* One that runs. */
Guest *rig_run(const Rig *rig, FakeQemu *qemu, const char *more);
