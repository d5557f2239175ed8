/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients of a guest's console and display. Each gets one end of a socket pair, and QEMU the other over QMP:
 * getfd, then add_client. No socket has a name to which others could connect, and polkit has agreed before
 * anybody gets an end. Only viewers (viewers.h) may have a socket with a name. */
#pragma once

#include "../../base/fault.h"
#include "qemu-link.h"
#include "viewers.h"

typedef struct Streams Streams;

typedef enum GuestStream {
    GUEST_STREAM_CONSOLE, /* the serial port: one reader at a time */
    GUEST_STREAM_DISPLAY, /* VNC or SPICE, from its first byte on */
} GuestStream;

/* fd: connected, the callee's to close. -1: fault says why not. */
typedef void (*GuestOpened)(int fd, const Fault *fault, void *userdata);

/* Another descriptor of the console's log; -ENOENT: none is kept; -errno. */
typedef int (*StreamsOpenLog)(void *userdata);

/* guest, its name, and link are borrowed. console_path: where QEMU listens for the console; copied. */
Streams *streams_new(Engine *engine, const char *guest, QemuLink *link, const char *console_path,
                     StreamsOpenLog open_log, void *userdata);
/* Requests under way are dropped without a call. NULL is fine; returns NULL. */
Streams *streams_free(Streams *streams);
/* Those who connect to the display by its socket. */
Viewers *streams_viewers(const Streams *streams);

/* Has QEMU serve one more client, over a socket that has no name. protocol: "console", "vnc" or "spice",
 * static. force: whoever has the console open loses it. QEMU must hear (qemu_link_hears()). `opened` is
 * called exactly once if this returns 0. FAULT_BUSY: one client at a time. */
int streams_open(Streams *streams, GuestStream stream, const char *protocol, bool force, GuestOpened opened,
                 void *userdata, Fault **ret_fault);

/* The connection is gone: requests under way fail. */
void streams_drop(Streams *streams);
/* QEMU is gone, and so are its clients. */
void streams_close(Streams *streams);
