/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usher cannot say, with the reason and what to do: wishes of all formats by their names. */
#pragma once

#include "node.h"

/* NULL: it is not known why. */
const char *known_loss(const Node *node);
