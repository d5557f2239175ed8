/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void relay_wish(const Relay *relay, struct pollfd *fds)
{
    /* poll(2) passes over a negative one. */
    fds[0] = (struct pollfd){.fd = relay->size == 0 && !relay->ended ? relay->from : -1, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = relay->size > 0 ? relay->to : -1, .events = POLLOUT};
}

static void relay_read(Relay *relay)
{
    ssize_t n = read(relay->from, relay->bytes + relay->size, sizeof(relay->bytes) - relay->size);

    if (n > 0)
        relay->size += n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        relay->ended = true;
}

bool relay_write(Relay *relay)
{
    ssize_t n = write(relay->to, relay->bytes, relay->size);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    relay->size -= n;
    memmove(relay->bytes, relay->bytes + n, relay->size);
    return true;
}

bool relay_move(Relay *relay, const struct pollfd *fds)
{
    if (fds[0].revents)
        relay_read(relay);
    if (fds[1].revents && !relay_write(relay))
        return false;
    return !relay->ended || relay->size > 0;
}
