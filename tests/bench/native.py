#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures usherd without a lab, on a private bus and with a stub in QEMU's place: what is left is usherd's own. Prints a line
"measure FIGURE WHO VALUE" for each value; table.py knows the figures. Run by run.sh.

Environment: USHER_BUILD, configured with -Dqemu=…/stub-qemu; USHER_BENCH, the folder of stub-qemu and caller."""

import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import dbus

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bus"))

from bus import MockPolkit, PrivateBus  # noqa: E402
from usherd import BUILD, NAME, Usherd  # noqa: E402

BENCH = pathlib.Path(os.environ["USHER_BENCH"])
STUB = BENCH / "stub-qemu"
DAEMON = str(BUILD / "daemon" / "usherd")
CLIENT = str(BUILD / "client" / "usherctl")
ROUNDS = int(os.environ.get("USHER_BENCH_ROUNDS", "15"))
CALLS = 3000
MANY = 64
IDLE_SECONDS = 60
DEADLINE = 60
GUEST = "[Guest]\nDescription=A guest that is measured\n[CPU]\nAccelerator=tcg\nCores=1\n[Memory]\nSize=32M\n[Console]\nLog=no\n"


def measure(figure, who, value):
    print(f"measure {figure} {who} {value:.4f}", flush=True)


def msec_since(begin):
    return (time.monotonic_ns() - begin) / 1e6


class TimedUsherd(Usherd):
    """The daemon as a service manager starts it: it says READY=1 to a socket, and is started without Python's own work around it."""

    def start(self):
        self.launch()
        self.bus.wait_for_owner(NAME)
        self.reach()

    def reach(self):
        self.connection = self.bus.connect()
        self.manager = self.interface("/org/usher1", "org.usher1.Manager")

    def launch(self):
        """Returns when it is ready, and how long that took."""
        path = str(self.folder / "notify")
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            pathlib.Path(path).unlink(missing_ok=True)
            notify.bind(path)
            notify.settimeout(DEADLINE)
            environment = dict(self.environment(), NOTIFY_SOCKET=path)
            begin = time.monotonic_ns()
            self.pid = os.posix_spawn(DAEMON, [DAEMON, "--launcher=fork"], environment, file_actions=[(os.POSIX_SPAWN_DUP2, log, 2)])
            while b"READY=1" not in notify.recv(4096):
                pass
            took = msec_since(begin)
        os.close(log)
        return took

    def end(self, signo):
        os.kill(self.pid, signo)
        os.waitpid(self.pid, 0)

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def status(self, key):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def pss(self, key="Pss"):
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def switches(self):
        return self.status("voluntary_ctxt_switches") + self.status("nonvoluntary_ctxt_switches")

    def caller(self, *arguments, user="root"):
        """As another user by a copy of it, as he may not enter the folder that it lies in."""
        caller = BENCH / "caller"
        if user != "root":
            caller = pathlib.Path(shutil.copy(caller, self.folder / "caller"))
        done = subprocess.run([str(caller), *arguments], env=self.environment(), user=user, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"caller {' '.join(arguments)}: {done.stderr}\n{self.log.read_text()}")
        return [float(number) for number in done.stdout.split()]


def run_process(argv, environment):
    """From before its start to after its end."""
    null = os.open("/dev/null", os.O_WRONLY)
    begin = time.monotonic_ns()
    pid = os.posix_spawn(argv[0], argv, environment, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    status = os.waitpid(pid, 0)[1]
    took = msec_since(begin)
    os.close(null)
    if status != 0:
        raise RuntimeError(f"{argv} ended with {status}")
    return took


def bare_life(folder):
    """The floor of a start and of a kill: the stub, told to run and killed by hand."""
    path = str(folder / "bare.sock")
    pathlib.Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as qmp:
        begin = time.monotonic_ns()
        listener.bind(path)
        listener.listen(1)
        pid = os.posix_spawn(STUB, [str(STUB), "-chardev", "socket,id=qmp,fd=3,server=on"], {},
                             file_actions=[(os.POSIX_SPAWN_DUP2, listener.fileno(), 3)])
        qmp.connect(path)
        lines = qmp.makefile("rw", encoding="ascii")
        for command in ("qmp_capabilities", "query-status", "cont"):
            lines.write(f'{{"execute":"{command}","id":1}}\n')
            lines.flush()
        while "RESUME" not in lines.readline():
            pass
        started = msec_since(begin)
        begin = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return started, msec_since(begin)


def measure_calls(usherd):
    for figure, kind in (("call-ping", "ping"), ("call-list", "list"), ("call-get", "get"), ("call-property", "property")):
        for _ in range(5):
            # The bus and a peer that does nothing: what no daemon can be faster than.
            floor = usherd.caller("calls", str(CALLS), "ping", "demo")
            own = usherd.caller("calls", str(CALLS), kind, "demo")
            measure(figure, "floor", floor[0])
            measure(figure, "usher", own[0])
            measure(figure + "-p99", "floor", floor[1])
            measure(figure + "-p99", "usher", own[1])
            measure(figure + "-rate", "floor", floor[2])
            measure(figure + "-rate", "usher", own[2])


def measure_client(usherd):
    environment = usherd.environment()
    call = ["/usr/bin/busctl", "--system", "call", NAME, "/org/usher1", "org.usher1.Manager", "ListGuests"]
    for _ in range(ROUNDS):
        measure("client-list", "floor", run_process(["/bin/true"], environment))
        measure("client-list", "script", run_process(call, environment))
        measure("client-list", "usher", run_process([CLIENT, "list"], environment))


def measure_life(usherd):
    """The first start asks the stub what it can do, as the first start after an upgrade of QEMU does: it is not counted."""
    usherd.caller("job", "start", "demo")
    usherd.caller("job", "kill", "demo")
    for _ in range(ROUNDS):
        start, kill = bare_life(usherd.folder)
        measure("stub-start", "floor", start)
        measure("stub-kill", "floor", kill)
        measure("stub-start", "usher", usherd.caller("job", "start", "demo")[0])
        gone, over = usherd.caller("job", "kill", "demo")
        measure("stub-kill", "usher", gone)
        measure("stub-kill-job", "usher", over)


def measure_silence(usherd):
    """A stub that is stopped answers nothing more: how long a call that needs its answer waits, then what is still to be had at once."""
    for _ in range(3):
        usherd.caller("job", "start", "demo")
        guest = usherd.guest("demo")
        os.kill(int(usherd.property("demo", "Pid")), signal.SIGSTOP)
        for figure in ("silent-call", "silent-again"):
            begin = time.monotonic_ns()
            try:
                guest.Pause()
            except dbus.DBusException as error:
                if error.get_dbus_name() != "org.usher1.Error.Unresponsive":
                    raise
            measure(figure, "usher", msec_since(begin))
        measure("silent-list-p99", "usher", usherd.caller("calls", "500", "list", "demo")[1])
        measure("silent-kill", "usher", usherd.caller("job", "kill", "demo")[0])


# Rounds of each flood (tests/bus/flood.py); 0: as many as there are in FLOOD_SECONDS. 50,000 calls of each kind that want no answer, 10,000
# connections to helper.sock, 64 requests that polkit does not answer.
FLOODS = {"mute": 50000, "calls": 0, "connections": 0, "names": 0, "definitions": 0, "rights": 1, "helper": 10000}
FLOOD_SECONDS = 10
FLOOD_CALLS = 300


def measure_flooded(usherd, figure, quiet):
    """One series of calls that wait for their answers, and what the same takes to a peer that does nothing. False: one was refused."""
    measure(figure, "quiet", quiet)
    measure(figure, "floor", usherd.caller("calls", str(FLOOD_CALLS), "peer", "demo", user="daemon")[1])
    try:
        measure(figure, "usher", usherd.caller("calls", str(FLOOD_CALLS), "list", "demo", user="daemon")[1])
    except RuntimeError as error:
        print(f"{figure}: {str(error).splitlines()[0]}", file=sys.stderr)
        return False
    return True


def measure_flood(usherd, polkit):
    """A user does what he can, a kind after the other. Meanwhile another user's calls are timed, and a guest of root's comes and goes."""
    flood = (HERE.parent / "bus" / "flood.py").read_text(encoding="utf-8")
    for folder in (usherd.folder, usherd.folder / "run"):
        folder.chmod(0o755)
    usherd.caller("calls", "200", "list", "demo", user="daemon")
    quiet, before = usherd.caller("calls", "500", "list", "demo", user="daemon")[1], usherd.pss("Private_Dirty")
    measure("flood-quiet", "floor", usherd.caller("calls", "500", "peer", "demo", user="daemon")[1])
    measure("flood-quiet", "usher", quiet)
    for kind, rounds in FLOODS.items():
        polkit.hang(kind == "rights")
        series, refused = 0, 0
        process = subprocess.Popen(["/usr/bin/python3", "-c", flood, kind, str(rounds), str(usherd.folder / "run" / "helper.sock")], cwd="/",
                                   env=usherd.environment(), user="nobody", extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        begin = time.monotonic()
        while series == 0 or (process.poll() is None and (rounds > 1 or time.monotonic() - begin < FLOOD_SECONDS)):
            series += 1
            refused += not measure_flooded(usherd, f"flood-{kind}", quiet)
            measure("flood-start", "usher", usherd.caller("job", "start", "demo")[0])
            measure("flood-kill", "usher", usherd.caller("job", "kill", "demo")[0])
        measure("flood-refused", "usher", refused)
        process.kill()
        process.communicate()
    polkit.hang(False)
    deadline = time.monotonic() + 10
    while usherd.pss("Private_Dirty") - before > 2048 and time.monotonic() < deadline:
        usherd.manager.ListGuests()
        time.sleep(0.5)
    measure("flood-memory", "usher", (usherd.pss("Private_Dirty") - before) / 1024)


def measure_size(usherd, figure):
    measure(figure + "-rss", "usher", usherd.status("VmRSS") / 1024)
    measure(figure + "-pss", "usher", usherd.pss() / 1024)
    measure(figure + "-private", "usher", (usherd.pss("Private_Dirty") + usherd.pss("Private_Clean")) / 1024)


def measure_ready(usherd):
    environment = usherd.environment()
    for _ in range(ROUNDS):
        usherd.stop()
        measure("ready", "floor", run_process([DAEMON, "--version"], environment))
        measure("ready", "usher", usherd.launch())
    usherd.reach()


def measure_idle(idle, busy):
    """Both at once: a daemon without a guest, and one whose guest runs."""
    busy.caller("job", "start", "demo")
    time.sleep(5)
    before = [usherd.switches() for usherd in (idle, busy)]
    time.sleep(IDLE_SECONDS)
    after = [usherd.switches() for usherd in (idle, busy)]
    measure("threads", "usher", busy.status("Threads"))
    measure("wakeups", "usher", after[0] - before[0])
    measure("wakeups-guest", "usher", after[1] - before[1])
    busy.caller("job", "kill", "demo")


def adopt(usherd):
    """A new daemon, and the time from its start to its last guest found; its log says when, so that nobody's questions slow it down."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    found = 0
    words = b""
    begin = time.monotonic_ns()
    usherd.pid = os.posix_spawn(DAEMON, [DAEMON, "--launcher=fork"], usherd.environment(),
                                file_actions=[(os.POSIX_SPAWN_DUP2, writer, 2)])
    os.close(writer)
    while found < MANY:
        if not select.select([reader], [], [], DEADLINE)[0]:
            raise TimeoutError(f"{found} of {MANY} guests were found again:\n{words.decode()}")
        words += os.read(reader, 65536)
        found = words.count(b": found running as pid ")
    took = msec_since(begin)
    usherd.bus.wait_for_owner(NAME)
    usherd.reach()
    states = [str(guest[1]["State"]) for guest in usherd.manager.ListGuests()]
    if states.count("running") != MANY:
        raise RuntimeError(f"not all guests run: {states}")
    return took, reader


def measure_adoption(usherd):
    for number in range(MANY):
        (usherd.guests / f"many-{number}.guest").write_text(GUEST)
    (usherd.guests / "demo.guest").unlink()
    usherd.manager.Reload()
    for number in range(MANY):
        usherd.caller("job", "start", f"many-{number}")
    pipes = []
    for _ in range(7):
        usherd.kill()
        took, pipe = adopt(usherd)
        # Kept open: the daemon goes on writing there.
        pipes.append(pipe)
        measure("adopt", "usher", took)
    measure_size(usherd, "size-many")
    return pipes


def come_first():
    """Before whatever else this machine does: all that is measured inherits it, floor and script too. A nice value would not do, as it counts within
    a session only (sched(7), autogroup)."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        print("not root: other work on this machine disturbs the figures", file=sys.stderr)


def main():
    come_first()
    with PrivateBus() as bus, PrivateBus() as other:
        usherd, busy = TimedUsherd(bus), TimedUsherd(other)
        try:
            for one in (usherd, busy):
                one.define("demo", GUEST)
            measure_ready(usherd)
            measure_size(usherd, "size")
            measure_client(usherd)
            measure_calls(usherd)
            measure_life(usherd)
            measure_silence(usherd)
            measure_flood(usherd, MockPolkit(bus))
            measure_size(usherd, "size-used")
            if "--quick" not in sys.argv:
                measure_idle(usherd, busy)
            pipes = measure_adoption(usherd)
        finally:
            for one in (usherd, busy):
                one.close()
        for pipe in pipes:
            os.close(pipe)


if __name__ == "__main__":
    main()
