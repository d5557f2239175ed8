#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user who means harm does to usherd: run as that user, it goes on until it is killed, or for COUNT rounds.

usage: flood.py calls|mute|questions|starts|rights|names|definitions|connections|paths|deaf|signals|systemd|helper [COUNT] [HELPER-SOCKET]"""

import itertools
import os
import socket
import sys
import time

import dbus
import dbus.bus
import dbus.lowlevel

NAME, ROOT = "org.usher1", "/org/usher1"
MANAGER = "org.usher1.Manager"
ADDRESS = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket")


def connect():
    connection = dbus.bus.BusConnection(ADDRESS)
    connection.set_exit_on_disconnect(False)
    return connection


def call(member, signature="", *arguments, path=ROOT, interface=MANAGER, mute=False, interactive=False):
    message = dbus.lowlevel.MethodCallMessage(NAME, path, interface, member)
    message.append(signature=signature, *arguments)
    if mute:
        message.set_no_reply(True)
    if interactive:
        message.set_allow_interactive_authorization(True)
    return message


def ask_and_read(connection, messages):
    """Sends all messages at once, as many as the bus lets one connection wait for; then reads their answers."""
    pending = [connection.send_message_with_reply(message, lambda reply: None, 30) for message in messages]
    for one in pending:
        one.block()


def every_kind(mute):
    none = dbus.Dictionary({}, signature="sv")
    guest = {"path": ROOT + "/guest/demo", "interface": "org.usher1.Guest"}
    return [call("CheckHost", mute=mute), call("ListGuests", mute=mute), call("ListDevices", mute=mute), call("PlanStart", "s", "demo", mute=mute),
            call("PlanStop", "s", "demo", mute=mute), call("PlanBind", "sa{sv}", "0000:00:00.0", none, mute=mute),
            call("ListHolders", "s", "0000:00:00.0", mute=mute), call("CheckDisks", mute=mute, **guest), call("GetFiles", mute=mute, **guest),
            call("ValidateDefinition", "sa(ss)", "demo", [("a", "[CPU]\nCores=2\n" * 1000)], mute=mute), call("GetDefinition", mute=mute, **guest),
            call("GetManagedObjects", interface="org.freedesktop.DBus.ObjectManager", mute=mute), call("StartGuest", "sa{sv}", "demo", none, mute=mute)]


def odd_paths():
    """Other spellings of objects that may exist, and paths of none."""
    paths = [f"/job/6_{number}" for number in range(100)] + [f"/device/_300_3a05_2e0{number}" for number in range(100)]
    paths += ["/guest/_64emo", "/guest/" + "_" * 60000, "/guest" + "/a" * 30000]
    return [call("GetAll", "s", "org.usher1.Guest", path=ROOT + path, interface="org.freedesktop.DBus.Properties") for path in paths]


def signal_to_usherd(path, interface, member, signature, *arguments):
    signal = dbus.lowlevel.SignalMessage(path, interface, member)
    signal.set_destination(NAME)
    signal.append(signature=signature, *arguments)
    return signal


def forged_signals(connection):
    """As if they were the bus's, systemd's and logind's own: anybody may send a signal to one connection, and a match rule
    of the receiver's does not keep it off."""
    everybody = [f":1.{number}" for number in range(200)]
    bus = "org.freedesktop.DBus"
    unit = "/org/freedesktop/systemd1/unit/usher_2dguest_40demo_2eservice"
    signals = [signal_to_usherd("/org/freedesktop/DBus", bus, "NameOwnerChanged", "sss", name, name, "")
               for name in everybody if name != connection.get_unique_name()]
    signals += [signal_to_usherd(unit, bus + ".Properties", "PropertiesChanged", "sa{sv}as", "org.freedesktop.systemd1.Unit", {"ActiveState": state}, [])
                for state in ("activating", "failed")]
    return signals + [signal_to_usherd("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", "b", True)]


def to_systemd(member):
    message = dbus.lowlevel.MethodCallMessage("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", member)
    message.set_no_reply(True)
    return message


def silent_agent():
    """Makes this process its user's polkit agent, which never asks for a password."""
    with open("/proc/self/stat", encoding="ascii") as stat:
        start = int(stat.read().rsplit(")", 1)[1].split()[19])
    authority = "org.freedesktop.PolicyKit1"
    message = dbus.lowlevel.MethodCallMessage(authority, "/org/freedesktop/PolicyKit1/Authority", authority + ".Authority", "RegisterAuthenticationAgent")
    subject = ("unix-process", {"pid": dbus.UInt32(os.getpid(), variant_level=1), "start-time": dbus.UInt64(start, variant_level=1)})
    message.append(subject, "C", "/agent", signature="(sa{sv})ss")
    message.set_no_reply(True)
    return message


def rounds(argument):
    return range(argument) if argument else itertools.count()


def flood(what, count, helper):
    if what == "helper":
        crowd(count, helper)
        return
    connections = [connect() for _ in range(200 if what == "connections" else 1)]
    for _ in rounds(count):
        for connection in connections:
            if what == "mute":
                for message in every_kind(True):
                    connection.send_message(message)
                connection.flush()
            elif what == "names":
                # C escapes make it four times as many bytes.
                ask_and_read(connection, [call("GetGuest", "s", "é" * (4608 * 1024)), call("PlanStart", "s", "é" * 4000)])
            elif what == "definitions":
                ask_and_read(connection, [call("ValidateDefinition", "sa(ss)", "demo", [("a", text)])
                                          for text in ["[CPU]\nCores=2\n" * 17000] * 10 + ["[Network a]\n" + "Forward=tcp:127.0.0.1:1:1\n" * 60000]])
            elif what == "paths":
                ask_and_read(connection, odd_paths())
            elif what == "deaf":
                # Slowly, as usherd refuses calls of the user who has had most of its time.
                for _ in range(10):
                    connection.send_message(call("GetFiles", path=ROOT + "/guest/demo", interface="org.usher1.Guest"))
                    connection.flush()
                    time.sleep(0.002)
            elif what == "signals":
                for signal in forged_signals(connection):
                    connection.send_message(signal)
                connection.flush()
            elif what == "systemd":
                for _ in range(6000):
                    connection.send_message(to_systemd("ListUnits"))
                connection.flush()
            elif what == "questions":
                for message in [call("CheckHost")] * 50 + [call("PlanStart", "s", "demo")] * 50:
                    connection.send_message_with_reply(message, lambda reply: None, 300)
                connection.flush()
            elif what == "starts":
                for _ in range(200):
                    connection.send_message(call("StartGuest", "sa{sv}", "demo", dbus.Dictionary({}, signature="sv"), mute=True))
                connection.flush()
            elif what == "rights":
                connection.send_message(silent_agent())
                for _ in range(64):
                    connection.send_message_with_reply(call("StartGuest", "sa{sv}", "demo", dbus.Dictionary({}, signature="sv"), interactive=True),
                                                       lambda reply: None, 300)
                connection.flush()
            else:
                ask_and_read(connection, every_kind(False) * (1 if what == "connections" else 8))
    print("done", flush=True)
    if what in ("rights", "questions", "deaf"):
        sys.stdin.read()


def crowd(count, helper):
    """Connections that say nothing, half of something, or garbage; as many as may be open at once."""
    kept = []
    for number in rounds(count):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            one.connect(helper)
            if number % 3:
                one.send((b"hello\0gu", b"\xff" * 3000)[number % 2])
        except OSError:
            pass
        kept.append(one)
        if len(kept) > 500:
            kept.pop(0).close()
    print("done", flush=True)


if __name__ == "__main__":
    flood(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0, sys.argv[3] if len(sys.argv) > 3 else "/run/usher/helper.sock")
