/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* polkit's agent for the terminal, for sessions without a desktop that would ask. */
#pragma once

/* Starts pkttyagent(1) and waits until it has registered, unless we are root or there is no terminal to
 * ask on. A failure is no error: the daemon's refusal will say what is missing. */
void agent_open(void);

/* Ends it; fine if it was never started. */
void agent_close(void);
