/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients of a guest's console and display. Each gets one end of a socket pair, and QEMU the other over QMP:
 * getfd, then add_client. No socket has a name that others could connect to, and who has an end has been
 * asked for his rights. */
#pragma once

#include "../../base/fault.h"
#include "../../edge/qemu/qmp.h"

typedef struct Streams Streams;

typedef enum GuestStream {
    GUEST_STREAM_CONSOLE, /* the serial port: one reader at a time */
    GUEST_STREAM_DISPLAY, /* VNC or SPICE, from its first byte on */
} GuestStream;

/* fd: connected, the callee's to close. -1: fault says why not. */
typedef void (*GuestOpened)(int fd, const Fault *fault, void *userdata);

typedef struct StreamsHandler {
    /* Another descriptor of the console's log; -ENOENT: none is kept; -errno. */
    int (*open_log)(void *userdata);
    /* QEMU let a deadline pass. */
    void (*silent)(void *userdata);
} StreamsHandler;

/* guest: its name; it and handler are borrowed. console_path: where QEMU listens for the console; copied. */
Streams *streams_new(sd_event *event, const char *guest, const char *console_path,
                     const StreamsHandler *handler, void *userdata);
/* Whoever waits is not told. NULL is fine; returns NULL. */
Streams *streams_free(Streams *streams);

/* Has QEMU serve one more client, over a socket that has no name. protocol: "console", "vnc" or "spice",
 * static. force: whoever has the console open loses it. qmp is borrowed until `opened`, which is called
 * exactly once if this returns 0, or streams_drop(). FAULT_BUSY: one client at a time. */
int streams_open(Streams *streams, Qmp *qmp, GuestStream stream, const char *protocol, bool force,
                 GuestOpened opened, void *userdata, Fault **ret_fault);

/* The connection is gone: whoever waits for a stream is told. */
void streams_drop(Streams *streams);
/* QEMU is gone: so are its clients. */
void streams_close(Streams *streams);
