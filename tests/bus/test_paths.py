# SPDX-License-Identifier: LGPL-2.1-or-later
"""What definitions name: usherd itself touches none of it, and waits for none of it. Real usherd, usher-bind and kernel; the dead
file server is FUSE's."""

import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import dbus

from bus import MockPolkit, PrivateBus
from dead_mount import DeadMount
from test_daemon import GUEST, NONE, DaemonTest
from usherd import BUILD, Usherd

# Places of the system's own, which are on the disk that it started from, and of what has no disk. The linker and the C library look for their own
# files; firmware and virtiofsd are described in two folders each (docs/interop in QEMU). Remedies are for the distribution that the
# host has and the loader that starts it, and the modules of its kernel name the drivers of VFIO (NixOS: below /run/booted-system).
SYSTEM = ("/sys", "/proc", "/dev", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/qemu/firmware", "/etc/qemu/vhost-user", "/etc/localtime",
          "/run/udev", "/run/systemd", "/etc/machine-id", "/bin", "/sbin", "/etc/udev", "/etc/os-release", "/run/ostree-booted", "/etc/default/grub",
          "/etc/default/limine", "/etc/sdboot-manage.conf", "/etc/kernel/proxmox-boot-uuids", "/etc/kernel/cmdline", "/etc/mkinitcpio.d", "/etc/network/interfaces", "/run/NetworkManager",
          "/run/booted-system", "/run/usher/modules")
# A call with a name: "openat(3</sys>, \"bus/pci\", …)", "stat(\"/a\", …)"; of two names (link, rename) both.
NAMED = re.compile(r'(?:(AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"')


class ADeadFileServer(DaemonTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-dead-"))
        self.addCleanup(self.folder.rmdir)
        mount = DeadMount(self.folder)
        self.addCleanup(mount.close)

    def ask(self, call, *arguments):
        """The call's outcome, and how long others waited for an answer meanwhile."""
        came, waits = [], []
        call(*arguments, reply_handler=lambda *_: came.append(None), error_handler=came.append)

        def others_are_answered():
            before = time.monotonic()
            self.manager.ListGuests()
            waits.append(time.monotonic() - before)
            return bool(came)

        self.usherd.wait_for(others_are_answered, "nobody answered")
        return came[0], max(waits)

    def has_a_helper_that_hangs(self):
        children = subprocess.run(["ps", "--ppid", str(self.usherd.process.pid), "-o", "stat=,comm="], capture_output=True, text=True, check=False).stdout
        return bool(re.search("^D.* usher-bind$", children, re.MULTILINE))

    def test_is_named_to_who_asked_and_nobody_else_waits(self):
        dead = f"[Kernel]\nImage={self.folder}/vmlinuz\n"
        pattern = rf"guest demo: \[Kernel\] Image={self.folder}/vmlinuz does not answer \(a dead NFS or FUSE mount\?\); see whether"
        self.usherd.define("demo", GUEST + dead)
        error, longest = self.ask(self.manager.PlanStart, "demo")
        self.assertEqual(error.get_dbus_name(), "org.usher1.Error.Timeout")
        self.assertRegex(error.get_dbus_message(), pattern)
        self.assertLess(longest, 5)

        # The server has not answered yet: the next question, and a start, fail at once, before anything is touched.
        before = time.monotonic()
        self.assert_error("Timeout", pattern, self.manager.PlanStart, "demo")
        result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        self.assertEqual(result, "timeout")
        self.assertRegex(message, pattern)
        self.assertLess(time.monotonic() - before, 5)

        # Others start as ever.
        self.start_guest("other")

        self.usherd.define("demo", GUEST + f"[Share docs]\nPath={self.folder}\n[Disk a]\nPath={self.folder}/a.img\nFormat=raw\nSize=1M\n")
        error, longest = self.ask(self.usherd.guest("demo").CheckDisks)
        self.assertRegex(error.get_dbus_message(), r"\[Disk a\] Path=.*/a.img does not answer")
        self.assertLess(longest, 5)

    def test_keeps_nobody_from_stopping_usherd_which_tells_who_asked(self):
        self.usherd.define("demo", GUEST + f"[Kernel]\nImage={self.folder}/vmlinuz\n")
        came = []
        for _ in range(3):
            self.manager.PlanStart("demo", reply_handler=came.append, error_handler=lambda error: came.append(error.get_dbus_message()))
        self.usherd.wait_for(self.has_a_helper_that_hangs, "usher-bind does not ask the dead server")
        self.usherd.stop()
        self.usherd.wait_for(lambda: len(came) == 3, "somebody waits on")
        self.assertEqual(set(came), {"usherd is being stopped; ask again"})
        self.usherd.start()


class TheDaemonItself(unittest.TestCase):
    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.close)
        self.polkit = MockPolkit(self.bus)
        self.polkit.allow_all()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-named-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.trace = pathlib.Path(tempfile.mkstemp(prefix="usher-trace-")[1])
        self.addCleanup(self.trace.unlink)
        # usherd's children are not traced: usher-bind is there to touch things.
        self.usherd = Usherd(self.bus, inside=("strace", "-D", "-y", "-e", "trace=%file,inotify_add_watch", "-o", str(self.trace)))
        self.manager = self.usherd.manager

    def definition(self):
        named = self.folder / "named"
        named.mkdir()
        for name in ("vmlinuz", "initrd", "code.fd", "variables.fd", "rom", "cd.iso", "docs/file"):
            (named / name).parent.mkdir(exist_ok=True)
            (named / name).write_bytes(bytes(4096 if name.endswith(".fd") else 512))
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(named / "native"))
        (named / "native").chmod(0o777)
        return GUEST + f"""[Firmware]
Type=uefi
Code={named}/code.fd
Variables={named}/variables.fd
[Kernel]
Image={named}/vmlinuz
Initrd={named}/initrd
[Disk a]
Path={named}/a.img
Format=raw
Size=1M
[CDROM c]
Path={named}/cd.iso
[Share docs]
Path={named}/docs
[Sound]
Type=pipewire
Socket={named}/native
"""

    def touched(self):
        """Ends usherd; returns all paths that it named to the kernel."""
        self.usherd.close()
        paths = set()
        for line in self.trace.read_text(errors="replace").splitlines():
            call = line.split(" = ")[0]
            if call.startswith("execve("):
                continue
            # A link's target is an answer.
            for at, folder, name in NAMED.findall(call)[: 1 if call.startswith("readlink") else 2]:
                if not name:
                    continue  # the descriptor itself
                paths.add(str(pathlib.PurePosixPath(name if at in ("", "AT_FDCWD") else folder) / name))
        return paths

    def test_touches_only_places_of_its_own_and_of_the_system(self):
        text = self.definition()
        own = tuple(str(self.usherd.folder / name) for name in ("etc", "run", "state", "log")) + (str(BUILD / "daemon"),)
        self.manager.ValidateDefinition("demo", [("demo.guest", text)])
        self.usherd.define("demo", text)
        # Also looks at the room for images to be made, and at missing files.
        self.manager.PlanStart("demo")
        self.usherd.guest("demo").CheckDisks()
        result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        # Everything was opened and handed over: QEMU itself finds that this is no kernel.
        self.assertRegex(message, "QEMU of guest demo ended", result)
        self.assertTrue((self.folder / "named" / "a.img").exists())
        (self.folder / "named" / "initrd").unlink()
        for call in (lambda: self.manager.PlanStart("demo"), self.usherd.guest("demo").CheckDisks):
            with self.assertRaisesRegex(dbus.DBusException, r"\[Kernel\] Initrd=.*/initrd: No such file"):
                call()
        touched = self.touched()
        self.assertIn(str(self.usherd.folder / "etc" / "guests"), touched, "the trace is empty")
        self.assertTrue(any(path.startswith("/sys/") for path in touched), "the trace lacks what is below a folder")
        # usherd makes the folders above its own if they are missing.
        above = {str(parent) for place in own for parent in pathlib.PurePath(place).parents}
        strange = sorted(path for path in touched - above if not any(path == place or path.startswith(place + "/") for place in SYSTEM + own))
        self.assertEqual(strange, [])


if __name__ == "__main__":
    unittest.main()
