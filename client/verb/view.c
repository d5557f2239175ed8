/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows a guest's screen in a viewer. Viewers take no descriptors: they get a socket in a private folder, and
 * each connection to that is passed on to one with the guest. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../daemon/base/cleanup.h"
#include "../../daemon/base/remedy.h"
#include "../bus/relay.h"
#include "../bus/stream.h"
#include "../view/state.h"
#include "verb.h"

/* SPICE has fewer than ten channels. */
#define CONNECTIONS_MAX 32

extern char **environ;

typedef struct Connection {
    int viewer, guest;
    Relay in, out;
} Connection;

typedef struct View {
    Client *client;
    const char *name;
    char *folder, *path;
    int listener, first; /* first: opened before the viewer starts, for its first connection */
    int viewer, signals;
    pid_t pid;
    GPtrArray *connections; /* of Connection, owned */
} View;

DEFINE_ELEMENT_FREE(Connection, connection_free, connection)
{
    close_fd(connection->viewer);
    close_fd(connection->guest);
}

/* Viewers that connect to a socket by its path. For VNC, remote-viewer does not (11.0 wants a host and a
 * port), nor do most others. A port of 0 has Looking Glass take the host for a path (spice:port in its
 * manual). */
static const struct Viewer {
    const char *display, *program, *arguments[4];
    bool wished; /* by --with= alone: it shows something only where the guest has its counterpart */
} viewers[] = {
    {"vnc", "gvncviewer", {"%s"}},
    {"vnc", "xtigervncviewer", {"%s"}},
    {"spice", "remote-viewer", {"spice+unix://%s"}},
    {"spice", "spicy", {"--uri=spice+unix://%s"}},
    {"spice", "looking-glass-client", {"-p", "0", "-c", "%s"}, true},
};

/* Any other program. */
static const struct Viewer others[] = {{"vnc", NULL, {"%s"}}, {"spice", NULL, {"spice+unix://%s"}}};

/* Without -f, Looking Glass takes a device of its module, or a file of another name. */
static void add_shared_memory(GStrvBuilder *argv, const char *guest)
{
    g_autofree char *path = g_strconcat("/dev/shm/usher/looking-glass-", guest, NULL);

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        g_strv_builder_add_many(argv, "-f", path, NULL);
}

static char **command_of(const struct Viewer *viewer, const char *program, const View *view)
{
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();

    g_strv_builder_add(argv, program);
    for (size_t i = 0; i < G_N_ELEMENTS(viewer->arguments) && viewer->arguments[i]; i++) {
        g_auto(GStrv) parts = g_strsplit(viewer->arguments[i], "%s", 2);
        g_autofree char *argument = g_strjoinv(view->path, parts);
        g_strv_builder_add(argv, argument);
    }
    if (viewer->wished)
        add_shared_memory(argv, view->name);
    return g_strv_builder_end(argv);
}

/* The command line of a viewer that is installed, or NULL, having said so. */
static char **find_viewer(const View *view, const char *display)
{
    for (size_t i = 0; i < G_N_ELEMENTS(viewers); i++) {
        g_autofree char *program = g_find_program_in_path(viewers[i].program);
        if (program && !viewers[i].wished && g_str_equal(viewers[i].display, display))
            return command_of(&viewers[i], program, view);
    }
    remedy_speak_here(BOOT_SETUP_OTHER, NETWORK_SETUP_OTHER);
    g_autofree char *install =
        remedy_install(g_str_equal(display, "vnc") ? PACKAGE_VNC_VIEWER : PACKAGE_SPICE_VIEWER);
    say("There is no viewer for %s that connects to a socket; %s", display, install);
    return NULL;
}

/* The one of --with=; NULL, having said why: it is none for this display. */
static const struct Viewer *wished_viewer(const char *with, const char *display)
{
    g_autofree char *name = g_path_get_basename(with);

    for (size_t i = 0; i < G_N_ELEMENTS(viewers); i++) {
        if (!g_str_equal(viewers[i].program, name))
            continue;
        if (g_str_equal(viewers[i].display, display))
            return &viewers[i];
        say("%s needs [Display] Type=%s, and this guest has %s", name, viewers[i].display, display);
        return NULL;
    }
    return &others[g_str_equal(display, "spice")];
}

/* The command line of --with=, or NULL, having said why. */
static char **find_wished(const View *view, const char *display)
{
    const char *with = view->client->with;
    const struct Viewer *viewer = wished_viewer(with, display);
    g_autofree char *program = viewer ? g_find_program_in_path(with) : NULL;

    if (program)
        return command_of(viewer, program, view);
    if (viewer)
        say("There is no program %s; install it, or give its path: --with=/PATH/PROGRAM", with);
    return NULL;
}

static int find_display(Client *client, const char *name, char **ret)
{
    g_autoptr(GPtrArray) guests = NULL;
    const GuestProps *guest;
    int status = bus_list(client, "ListGuests", &GUEST_PROPS, &guests);

    if (status != STATUS_OK)
        return status;
    if (!(guest = guests_find(guests, name)))
        return guests_report_missing(guests, name);
    *ret = g_strdup(guest->display);
    return STATUS_OK;
}

static int listen_at(View *view)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    /* The folder is for its owner alone (mkdtemp(3)). */
    view->folder = g_build_filename(g_get_user_runtime_dir(), "usherctl-XXXXXX", NULL);
    if (!g_mkdtemp(view->folder)) {
        g_free(view->folder);
        view->folder = g_dir_make_tmp("usherctl-XXXXXX", NULL);
    }
    if (!view->folder)
        return -errno;
    view->path = g_build_filename(view->folder, "display", NULL);
    if (strlen(view->path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, view->path);
    view->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (view->listener < 0 || bind(view->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(view->listener, CONNECTIONS_MAX) < 0)
        return -errno;
    return 0;
}

/* The viewer gets the signals as they were before we blocked ours. */
static int start_viewer(View *view, char **argv)
{
    posix_spawnattr_t attributes;
    sigset_t signals, none;

    sigemptyset(&none);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    view->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    int r = posix_spawn(&view->pid, argv[0], NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    if (r != 0) {
        view->pid = 0;
        return -r;
    }
    view->viewer = pidfd_open(view->pid, 0);
    return view->viewer < 0 ? -errno : 0;
}

static void take_connection(View *view)
{
    int viewer = accept4(view->listener, NULL, NULL, SOCK_CLOEXEC), guest = steal_fd(&view->first);

    if (viewer < 0 || view->connections->len >= CONNECTIONS_MAX ||
        (guest < 0 && stream_open_display(view->client, view->name, &guest) != STATUS_OK)) {
        close_fd(viewer);
        close_fd(guest);
        return;
    }
    Connection *connection = g_new0(Connection, 1);
    connection->viewer = viewer;
    connection->guest = guest;
    connection->in = (Relay){.from = viewer, .to = guest};
    connection->out = (Relay){.from = guest, .to = viewer};
    g_ptr_array_add(view->connections, connection);
}

/* Serves until the viewer is closed, or a signal ends us. */
static void serve(View *view)
{
    struct pollfd fds[3 + 4 * CONNECTIONS_MAX];

    for (;;) {
        unsigned n = view->connections->len;

        fds[0] = (struct pollfd){.fd = view->viewer, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = view->signals, .events = POLLIN};
        fds[2] = (struct pollfd){.fd = view->listener, .events = POLLIN};
        for (unsigned i = 0; i < n; i++) {
            const Connection *connection = g_ptr_array_index(view->connections, i);
            relay_wish(&connection->in, fds + 3 + 4 * i);
            relay_wish(&connection->out, fds + 5 + 4 * i);
        }
        if (poll(fds, 3 + 4 * n, -1) < 0)
            continue;
        if (fds[0].revents || fds[1].revents)
            return;
        for (unsigned i = n; i-- > 0;) {
            Connection *connection = g_ptr_array_index(view->connections, i);
            if (!relay_move(&connection->in, fds + 3 + 4 * i) ||
                !relay_move(&connection->out, fds + 5 + 4 * i))
                g_ptr_array_remove_index(view->connections, i);
        }
        if (fds[2].revents)
            take_connection(view);
    }
}

static int end_viewer(View *view)
{
    int status = 0;

    if (view->pid > 0) {
        /* Sent through the pidfd to a viewer that has ended, this does nothing. */
        pidfd_send_signal(view->viewer, SIGTERM, NULL, 0);
        waitpid(view->pid, &status, 0);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? STATUS_FAILED : STATUS_OK;
}

static void view_clear(View *view)
{
    g_ptr_array_unref(view->connections);
    close_fd(view->listener);
    close_fd(view->first);
    close_fd(view->viewer);
    close_fd(view->signals);
    if (view->path)
        unlink(view->path);
    if (view->folder)
        rmdir(view->folder);
    g_free(view->path);
    g_free(view->folder);
}

static int show(View *view, const char *display)
{
    int r = listen_at(view);
    if (r < 0) {
        say("Cannot make a socket for the viewer: %s", g_strerror(-r));
        return STATUS_FAILED;
    }
    g_auto(GStrv) argv = view->client->with ? find_wished(view, display) : find_viewer(view, display);
    if (!argv)
        return STATUS_FAILED;
    r = start_viewer(view, argv);
    if (r < 0) {
        say("Cannot run %s: %s", argv[0], g_strerror(-r));
        return STATUS_FAILED;
    }
    serve(view);
    return end_viewer(view);
}

int cmd_view(Client *client, char **args)
{
    View view = {.client = client, .name = args[0], .listener = -1, .first = -1, .viewer = -1, .signals = -1};
    g_autofree char *display = NULL;

    int status = stream_open_display(client, args[0], &view.first);
    if (status == STATUS_OK)
        status = find_display(client, args[0], &display);
    view.connections = g_ptr_array_new_with_free_func(connection_free);
    if (status == STATUS_OK)
        status = show(&view, display);
    view_clear(&view);
    return status;
}
