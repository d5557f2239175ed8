/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's serial console on this terminal. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "../../daemon/base/cleanup.h"
#include "../bus/relay.h"
#include "../bus/stream.h"
#include "verb.h"

#define ESCAPE '\x1d' /* ^] */
#define ESCAPE_MSEC 1000

typedef struct Console {
    const char *name;
    Relay in, out;
    int signals;
    bool terminal; /* standard input is one: raw, and with a way to leave */
    bool escape;   /* one ^] was typed; the guest gets it if no other follows */
    bool left;
} Console;

/* Takes escapes out of what was typed. */
static void take_escapes(Console *console)
{
    Relay *in = &console->in;
    char typed[RELAY_SIZE];
    size_t n = in->size;

    memcpy(typed, in->bytes, n);
    in->size = 0;
    for (size_t i = 0; i < n && !console->left; i++) {
        if (typed[i] == ESCAPE) {
            console->left = console->escape;
            console->escape = !console->escape;
            continue;
        }
        if (console->escape)
            in->bytes[in->size++] = ESCAPE;
        console->escape = false;
        in->bytes[in->size++] = typed[i];
    }
}

static void flush_escape(Console *console)
{
    console->in.bytes[console->in.size++] = ESCAPE;
    console->escape = false;
}

/* Reads what was typed; leaves room for the ^] of an earlier read. */
static void type(Console *console)
{
    Relay *in = &console->in;
    ssize_t n = read(in->from, in->bytes, sizeof(in->bytes) - 1);

    if (n > 0)
        in->size = n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        in->ended = true;
    if (console->terminal)
        take_escapes(console);
}

/* Relays until one of the sides ends; what was typed before the end of a file is still written. */
static void converse(Console *console)
{
    for (;;) {
        struct pollfd fds[5];

        relay_wish(&console->in, fds);
        relay_wish(&console->out, fds + 2);
        fds[4] = (struct pollfd){.fd = console->signals, .events = POLLIN};
        int n = poll(fds, 5, console->escape ? ESCAPE_MSEC : -1);
        if (n == 0)
            flush_escape(console);
        if (n <= 0)
            continue;
        if (fds[4].revents)
            return;
        if (fds[0].revents)
            type(console);
        if (console->left || (fds[1].revents && !relay_write(&console->in)) ||
            !relay_move(&console->out, fds + 2))
            return;
    }
}

static int watch_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGQUIT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    /* The reader of our output may end first. */
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static void run(Console *console)
{
    struct termios before, raw;

    console->terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (console->terminal) {
        say("On the console of %s. To leave it: ^] ^]", console->name);
        raw = before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    converse(console);
    if (console->terminal) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
        say("\nLeft the console of %s.", console->name);
    }
    if (console->out.ended)
        say("The console was closed: the guest is gone, or somebody else took the console.");
}

int cmd_console(Client *client, char **args)
{
    Console console = {.name = args[0]};
    _cleanup_close_ int fd = -1, signals = -1;

    int status = stream_open_console(client, args[0], &fd);
    if (status != STATUS_OK)
        return status;
    /* From here on, run() gives the terminal back, however we end; only SIGKILL prevents that. */
    signals = watch_signals();
    console.signals = signals;
    console.in = (Relay){.from = STDIN_FILENO, .to = fd};
    console.out = (Relay){.from = fd, .to = STDOUT_FILENO};
    run(&console);
    return STATUS_OK;
}
