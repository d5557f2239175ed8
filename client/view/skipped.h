/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says what usherd left out of the folder of definitions. */
#pragma once

#include "../bus/client.h"

/* On standard error, a line each. An usherd that cannot tell is not reported: nothing was asked for. */
void skipped_tell(Client *client);
