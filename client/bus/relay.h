/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes on their way from one descriptor to another; the descriptors are the owner's. Nothing is read
 * while something waits to be written, so that a slow reader delays only its own side. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define RELAY_SIZE 4096

typedef struct Relay {
    int from, to;
    bool ended;  /* nothing more comes */
    size_t size; /* waiting in bytes */
    char bytes[RELAY_SIZE];
} Relay;

/* What to wait for, for poll(2): two of them. */
void relay_wish(const Relay *relay, struct pollfd *fds);

/* Moves what can be moved, given poll's answer. False: it is over, as all that came was written, or nobody
 * takes it. */
bool relay_move(Relay *relay, const struct pollfd *fds);

/* Its second half, for an owner who reads for himself. */
bool relay_write(Relay *relay);
