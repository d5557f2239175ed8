# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mock of usherd for the client's tests.

The daemon is a mock here because the client must be seen with states that are hard to have: a stuck device, a failed
guest with last words, a job that never ends, a daemon that dies in the middle. That a mock agrees with the contract proves nothing
about the daemon, so it takes every signature from dbus/org.usher1.xml and refuses calls that do not fit it; the
daemon's own tests hold the daemon against the same file.

    mock_usherd.py XML LOG      each call is written to LOG as a line of JSON: [member, arguments]
"""

import json
import os
import sys
import xml.etree.ElementTree as ElementTree

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.usher1"
ROOT = "/org/usher1"
MANAGER = "org.usher1.Manager"
GUEST = "org.usher1.Guest"
DEVICE = "org.usher1.Device"
JOB = "org.usher1.Job"
PROPERTIES = "org.freedesktop.DBus.Properties"
MOCK = "org.usher1.Mock"

GPU_STEPS = [("module", "vfio_pci", "absent", "live"),
             ("driver", "0000:01:00.0", "amdgpu", ""),
             ("override", "0000:01:00.0", "", "vfio-pci"),
             ("driver", "0000:01:00.0", "", "vfio-pci")]


def guest(name, **properties):
    return {"Name": name, "Description": name, "State": "stopped", "SubState": "", "Unit": f"usher-guest@{name}.service",
            "Pid": 0, "Devices": [], "Usb": [], "Display": "none", "Tainted": False, "Agent": "", "Addresses": [], "Warnings": [], "Drift": [], "Error": "", "Since": 0,
            "Source": f"/etc/usher/guests/{name}.guest", "DefinitionError": "", **properties}


def device(address, **properties):
    return {"Address": address, "Class": "", "Vendor": "", "Model": "", "ClassId": "0000", "Id": "0000:0000",
            "SubsystemId": "0000:0000", "Driver": "", "DriverOverride": "", "Group": -1, "Guest": "", "Backend": "", "State": "unused",
            "NeededFor": "", "Quarantine": "", "Siblings": [], "Upstream": "", "BootVga": False, "ResetMethods": [], "ResetSet": [],
            "Fingerprint": "", "PowerState": "D0",
            "NumaNode": -1, **properties}


GUESTS = [
    guest("broken", State="failed", Since=1700000000000000, Error="QEMU ended with status 1 while it started"),
    guest("linux", Description="日本語 desktop"),
    guest("typo", DefinitionError="typo.guest:3: [CPU] Coers= is not known; did you mean Cores=?"),
    guest("win10", Description="Windows with the Radeon", State="running", Pid=4711, Since=1700000000000000,
          Devices=["0000:01:00.0", "0000:01:00.1"], Warnings=["[CDROM install] Path=/srv/a.iso is not there; the drive is empty"]),
]

# Not in the order of addresses: the client sorts.
DEVICES = [
    device("10000:e1:00.0", ClassId="0108", Id="8086:f1a5"),
    device("0000:02:00.0", Class="Non-Volatile memory controller", Vendor="Samsung", Model="980 PRO", ClassId="0108",
           Driver="nvme", Group=3, State="host", NeededFor="the disk mounted at /"),
    device("0000:00:00.0", Class="Host bridge", Vendor="Intel", Model="440FX", ClassId="0600", Group=0, State="bridge"),
    device("0000:01:00.0", Class="VGA compatible controller", Vendor="AMD", Model="Radeon RX 6800", ClassId="0300",
           Id="1002:73bf", Driver="vfio-pci", Group=2, Guest="win10", Backend="iommufd", State="guest", Siblings=["0000:01:00.1"],
           ResetMethods=["flr", "bus"], ResetSet=["0000:01:00.0"],
           Fingerprint="1002:73bf 1da2:e437 030000 0000:00:01.0/00.0/00.0/00.0"),
    device("0000:01:00.1", Class="Audio device", Vendor="AMD", Model="Navi 21 HDMI", ClassId="0403", Id="1002:ab28",
           Driver="vfio-pci", Group=2, Guest="win10", Backend="iommufd", State="guest", Siblings=["0000:01:00.0"]),
    device("0000:03:00.0", Class="Ethernet controller", Vendor="Intel", Model="82574L", ClassId="0200", Group=4,
           State="stuck", Quarantine="since 2026-01-01 10:00:00: reset failed"),
]

FINDINGS = [("iommu", "ok", "The IOMMU is on", ""),
            ("kvm", "note", "KVM is nested", ""),
            ("memlock", "warning", "16 GB of memory can be locked", "raise LimitMEMLOCK="),
            ("vfio", "error", "There is no vfio-pci", "install a kernel with CONFIG_VFIO_PCI")]

HOLDERS = [("file", "0000:01:00.0", "/dev/dri/card1", 812, "kwin_wayland", "user@1000.service", "2", False),
           ("host", "0000:01:00.0", "the disk mounted at /", 0, "", "", "", True)]

DEFINITION = [("Guest", "Description", "Windows with the Radeon", "/etc/usher/guests/win10.guest", 2),
              ("CPU", "Cores", "3", "/etc/usher/guests/win10.guest", 4),
              ("CPU", "Threads", "2", "/etc/usher/guests/win10.guest.d/10-more.conf", 2)]


FILES = [("/etc/usher/guests/win10.guest", "[Guest]\nDescription=Windows with the Radeon\n\n[CPU]\nCores=3\n"),
         ("/etc/usher/guests/win10.guest.d/10-more.conf", "# Twice as many\n[CPU]\nThreads=2")]


class Refusal(Exception):
    """A documented error, or any other by its full name."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name if "." in name else f"org.usher1.Error.{name}"


class Contract:
    """What the XML says of each interface."""

    def __init__(self, path):
        self.methods, self.properties, self.signals = {}, {}, {}
        for interface in ElementTree.parse(path).getroot():
            name = interface.get("name")
            for member in interface:
                key = (name, member.get("name"))
                if member.tag == "property":
                    self.properties[key] = member.get("type")
                elif member.tag == "signal":
                    self.signals[key] = "".join(arg.get("type") for arg in member)
                else:
                    self.methods[key] = tuple(
                        "".join(arg.get("type") for arg in member if arg.get("direction") == direction)
                        for direction in ("in", "out"))

    def vardict(self, interface, values):
        """An a{sv} whose values have the types of the contract; a property that it does not know is a KeyError."""
        make = {"s": dbus.String, "u": dbus.UInt32, "i": dbus.Int32, "t": dbus.UInt64, "b": dbus.Boolean,
                "as": lambda texts: dbus.Array(texts, signature="s")}
        return dbus.Dictionary({name: make[self.properties[interface, name]](value) for name, value in values.items()},
                               signature="sv")


def path_of(kind, name):
    escaped = "".join(c if c.isascii() and c.isalnum() and not (i == 0 and c.isdigit()) else f"_{ord(c):02x}"
                      for i, c in enumerate(name))
    return f"{ROOT}/{kind}/{escaped}"


class Mock:
    def __init__(self, connection, contract, log):
        self.connection, self.contract, self.log = connection, contract, log
        self.jobs = {}
        self.next_job = 1
        connection._register_object_path(ROOT, self.on_message, fallback=True)

    def on_message(self, connection, message):
        if message.get_type() != 1:  # a method call
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        try:
            reply = self.answer(message)
        except Refusal as refusal:
            reply = dbus.lowlevel.ErrorMessage(message, refusal.name, str(refusal))
        connection.send_message(reply)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def answer(self, message):
        interface, member, args = message.get_interface(), message.get_member(), message.get_args_list()
        self.log.write(json.dumps([member, args], default=lambda fd: "descriptor") + "\n")
        self.log.flush()
        reply = dbus.lowlevel.MethodReturnMessage(message)
        if interface == PROPERTIES:
            values = {"Version": "9.9", "Launcher": "fork"}
            reply.append(self.contract.vardict(args[0], values), signature="a{sv}")
            return reply
        if interface == MOCK:
            getattr(self, f"play_{member}")(*args)
            return reply
        takes, gives = self.contract.methods[interface, member]
        if message.get_signature() != takes:
            raise Refusal("BadOption", f"{member} takes {takes}, not {message.get_signature()}")
        result = getattr(self, member)(*([message.get_path()] if interface != MANAGER else []), *args)
        if gives:
            reply.append(result, signature=gives)
        return reply

    def emit(self, path, interface, member, *args):
        signal = dbus.lowlevel.SignalMessage(path, interface, member)
        signal.append(*args, signature=self.contract.signals[interface, member])
        self.connection.send_message(signal)

    def emit_changed(self, path, interface, **values):
        signal = dbus.lowlevel.SignalMessage(path, PROPERTIES, "PropertiesChanged")
        signal.append(interface, self.contract.vardict(interface, values), [], signature="sa{sv}as")
        self.connection.send_message(signal)

    # Jobs

    def begin(self, subject):
        number, self.next_job = self.next_job, self.next_job + 1
        path = f"{ROOT}/job/{number}"
        self.jobs[number] = subject
        self.emit(ROOT, MANAGER, "JobNew", number, path, subject)
        return number, path

    def end(self, number, result, message="", error=""):
        path = f"{ROOT}/job/{number}"
        self.emit_changed(path, JOB, State="ended", Result=result, Message=message, Error=error)
        self.emit(ROOT, MANAGER, "JobRemoved", number, path, self.jobs.pop(number), result)

    def take_steps(self, number):
        for taken, (kind, subject, before, after) in enumerate(GPU_STEPS):
            text = f"{kind} of {subject}: {before or 'none'} → {after or 'none'}"
            self.emit_changed(f"{ROOT}/job/{number}", JOB, Step=text, StepsDone=taken, StepsTotal=len(GPU_STEPS))

    def later(self, function, *args, **keywords):
        """After the reply."""
        GLib.idle_add(lambda: function(*args, **keywords) and False)

    # Manager

    def known_guest(self, name):
        found = [each for each in GUESTS if each["Name"] == name]
        if not found:
            raise Refusal("NoSuchGuest", f"there is no guest {name}; see usherctl list")
        return found[0]

    def ListGuests(self):
        return [(path_of("guest", each["Name"]), self.contract.vardict(GUEST, each)) for each in GUESTS]

    def ListSkipped(self):
        return []

    def ListDevices(self):
        return [(path_of("device", each["Address"]), self.contract.vardict(DEVICE, each)) for each in DEVICES]

    def ListJobs(self):
        return [(f"{ROOT}/job/{number}", self.contract.vardict(JOB, {
            "Id": number, "Type": "start", "Subject": subject, "State": "running", "Step": "waiting for the mock",
            "StepsDone": 1, "StepsTotal": 4, "Result": "", "Message": "", "Error": ""}))
            for number, subject in self.jobs.items()]

    def GetGuest(self, name):
        self.known_guest(name)
        return path_of("guest", name)

    def StartGuest(self, name, options):
        if name == "forbidden":
            raise Refusal("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Interactive authorization")
        if name == "mute":
            raise Refusal("org.freedesktop.DBus.Error.NoReply", "Did not receive a reply")
        if name == "older":
            raise Refusal("org.freedesktop.DBus.Error.UnknownMethod", "Unknown method StartGuest")
        if name == "poisoned":
            raise Refusal("Failed", "QEMU said \x1b[2J")
        if name == "win10":
            raise Refusal("AlreadyRunning", "win10 runs already")
        if name not in ("hasty", "slow", "doomed"):
            self.known_guest(name)
        number, path = self.begin(name)
        if name == "hasty":
            self.end(number, "failed", "hasty was over before it began", "org.usher1.Error.Failed")
        elif name == "doomed":
            self.later(os._exit, 1)
        elif name == "broken":
            self.later(self.end, number, "failed", "QEMU of broken ended with status 1; see usherctl status broken",
                       "org.usher1.Error.GuestFailed")
        elif name == "typo":
            self.later(self.end, number, "stuck")
        else:
            self.later(self.take_steps, number)
            if name != "slow":
                self.later(self.end, number, "done")
        return path

    def StopGuest(self, name, options):
        if self.known_guest(name)["State"] != "running":
            raise Refusal("NotRunning", f"{name} does not run")
        number, path = self.begin(name)
        self.later(self.end, number, "done")
        return path

    def BindDevice(self, address, options):
        if address.endswith("02:00.0"):
            raise Refusal("InUse", "0000:02:00.0 (Samsung 980 PRO) holds the disk mounted at /; unmount it first")
        if not any(each["Address"].endswith(address) for each in DEVICES):
            raise Refusal("NoSuchDevice", f"there is no device {address}; see usherctl devices")
        number, path = self.begin(address)
        self.later(self.end, number, "done")
        return path

    def RestoreDevice(self, address, options):
        number, path = self.begin(address)
        self.later(self.end, number, "drift", "driver of 0000:03:00.0 is e1000e, neither before nor after",
                   "org.usher1.Error.Drift")
        return path

    def PlanStart(self, name):
        self.known_guest(name)
        return [] if name == "win10" else GPU_STEPS

    def PlanStop(self, name):
        return [(kind, subject, after, before) for kind, subject, before, after in reversed(GPU_STEPS)]

    def PlanBind(self, address, options):
        return GPU_STEPS[1:]

    def PlanRestore(self, address):
        return GPU_STEPS[1:2]

    def ListHolders(self, address):
        if address.endswith("7f:00.0"):
            raise Refusal("NoSuchDevice", f"there is no device {address}; see usherctl devices")
        return HOLDERS if address.endswith("01:00.0") else []

    def CheckHost(self):
        return FINDINGS

    def ValidateDefinition(self, name, files):
        for path, text in files:
            for number, line in enumerate(text.split("\n"), 1):
                if "Coers" in line:
                    raise Refusal("BadDefinition", f"{path}:{number}: [CPU] Coers= is not known; did you mean Cores=?")

    def DefineGuest(self, name, text, options):
        if "Coers" in text:
            raise Refusal("BadDefinition", f"/etc/usher/guests/{name}.guest:2: [CPU] Coers= is not known; did you mean Cores=?")
        if options.get("new") and name in (each["Name"] for each in GUESTS):
            raise Refusal("Refused", f"there is a guest {name} already; choose another name")
        return path_of("guest", name)

    def UndefineGuest(self, name, options):
        if self.known_guest(name)["State"] == "running":
            raise Refusal("Refused", f"guest {name} is running; end it first: usherctl stop {name}")

    def ClearQuarantine(self, address):
        if not address.endswith("03:00.0"):
            raise Refusal("Refused", f"{address} is not in quarantine")

    def Reload(self):
        pass

    # Guest

    def GetDefinition(self, path):
        if path == path_of("guest", "typo"):
            raise Refusal("BadDefinition", "/etc/usher/guests/typo.guest:3: [CPU] Coers= is not known; did you mean Cores=?")
        return DEFINITION

    def CheckDisks(self, path):
        pass

    def GetDetails(self, path):
        if path == path_of("guest", "linux"):
            raise Refusal("NotAuthorized", "polkit wants a password")
        return {"LastWords": "qemu: first line\nqemu: \x1b[31mred line\n"} if path == path_of("guest", "broken") else {}

    def GetFiles(self, path):
        return FILES

    def Kill(self, path):
        number, job = self.begin("win10")
        self.later(self.end, number, "done")
        return job

    def only_win10(self, path):
        if path != path_of("guest", "win10"):
            raise Refusal("NotRunning", "it does not run; start it first")

    Reset = Pause = Resume = Reboot = only_win10

    def Attach(self, path, address, options):
        self.only_win10(path)
        number, job = self.begin("win10")
        self.later(self.end, number, "done")
        return job

    def Detach(self, path, address, options):
        self.only_win10(path)
        number, job = self.begin("win10")
        self.later(self.end, number, "timeout", f"guest win10 has not released {address} within 30 s, and keeps it", "org.usher1.Error.Timeout")
        return job

    def PlanAttach(self, path, address, options):
        return GPU_STEPS[1:]

    def PlanDetach(self, path, address):
        return GPU_STEPS[1:2]

    def ChangeMedium(self, path, drive, image, options):
        self.only_win10(path)

    def EjectMedium(self, path, drive, options):
        self.only_win10(path)

    # What tests ask for

    def play_Story(self):
        """A guest starts, and a device is unplugged."""
        number, path = self.begin("linux")
        self.emit_changed(path_of("guest", "linux"), GUEST, State="preparing")
        self.emit_changed(path, JOB, Step="driver of 0000:01:00.0: amdgpu → none")
        self.emit_changed(path_of("device", "0000:01:00.0"), DEVICE, Driver="", State="unused", Group=2)
        self.emit_changed(path_of("guest", "linux"), GUEST, State="running", SubState="", Pid=12)
        self.end(number, "done")
        gone = dbus.lowlevel.SignalMessage(ROOT, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved")
        gone.append(path_of("device", "0000:03:00.0"), [DEVICE], signature="oas")
        self.connection.send_message(gone)

    def play_EndJobs(self):
        for number in list(self.jobs):
            self.end(number, "done")


def main():
    loop = dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    connection = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"], mainloop=loop)
    with open(sys.argv[2], "a", encoding="utf-8") as log:
        mock = Mock(connection, Contract(sys.argv[1]), log)
        name = dbus.service.BusName(NAME, connection)
        GLib.MainLoop().run()
        del mock, name


if __name__ == "__main__":
    main()
