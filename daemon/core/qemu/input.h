/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input devices of the host as QEMU's objects. They are never on its command line, as they come and go: each
 * is added over QMP when it is there. What they say reaches the guest by the PS/2 keyboard and mouse that q35
 * always has. */
#pragma once

#include <json-c/json.h>

#include "../definition/handle.h"

/* "input-keyboard": the object's name. The caller frees it. */
char *qemu_input_id(const DefinitionInput *input);

/* Arguments of object-add, for the device whose node it is ("/dev/input/event5"). Whoever switches one device
 * switches all (grab_all); only keyboards can. */
struct json_object *qemu_input_object(const DefinitionInput *input, const char *node);
