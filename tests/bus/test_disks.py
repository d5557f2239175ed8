# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of guests: real usherd, real usher-bind, real QEMU under TCG; images in a folder. Block devices are the lab's."""

import json
import os
import socket
import subprocess
import unittest

import dbus

from test_daemon import GUEST, NONE, DaemonTest
from usherd import open_files


def qemu_img(*arguments):
    return subprocess.run(["qemu-img", *arguments], check=True, capture_output=True, text=True).stdout


class DiskTest(DaemonTest):
    def setUp(self):
        super().setUp()
        self.images = self.usherd.folder / "images"
        self.images.mkdir()

    def disk(self, name, more="Format=qcow2\n", section="system"):
        return f"[Disk {section}]\nPath={self.images / name}\n{more}"

    def start(self, text, name="demo"):
        self.usherd.define(name, GUEST + text)
        return self.usherd.run_job(lambda: self.manager.StartGuest(name, NONE))

    def assert_refused(self, pattern, text, name="demo"):
        """A start refuses it before anything is touched, and a dry run in the same words."""
        self.usherd.define(name, GUEST + text)
        for call in (lambda: self.manager.PlanStart(name), self.usherd.guest(name).CheckDisks):
            with self.assertRaisesRegex(dbus.DBusException, pattern):
                call()
        try:
            result, message = self.start(text, name)
        except dbus.DBusException as error:
            result, message = "refused", error.get_dbus_message()
        self.assertIn(result, ("refused", "failed"), message)
        self.assertRegex(message, pattern)
        self.assertEqual(self.usherd.property(name, "Pid"), 0)


class AnImage(DiskTest):
    def test_is_made_at_the_first_start_and_kept_at_the_second(self):
        disks = self.disk("new.qcow2", "Format=qcow2\nSize=100G\n") + self.disk("new.img", "Format=raw\nSize=1G\n", "data")
        self.assertEqual(self.start(disks), ("done", ""))
        qcow2, raw = self.images / "new.qcow2", self.images / "new.img"
        self.assertEqual([(f.stat().st_mode & 0o777, f.stat().st_uid) for f in (qcow2, raw)], [(0o600, 0)] * 2)
        self.assertEqual(raw.stat().st_size, 1 << 30)
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.assertEqual(json.loads(qemu_img("info", "--output=json", str(qcow2)))["virtual-size"], 100 << 30)
        with open(raw, "r+b") as file:
            file.write(b"mine")
        inode = raw.stat().st_ino
        self.assertEqual(self.start(disks), ("done", ""))
        self.assertEqual(raw.read_bytes()[:4], b"mine")
        self.assertEqual(raw.stat().st_ino, inode)
        self.assertEqual(sorted(os.listdir(self.images)), ["new.img", "new.qcow2"])

    def test_is_not_made_in_a_folder_that_is_not_there(self):
        self.assert_refused(r"\[Disk system\] Path=.*/no/new.img does not exist; does its folder exist\?",
                            self.disk("no/new.img", "Format=raw\nSize=1G\n"))

    def test_of_another_format_is_said_to_be_one(self):
        (self.images / "raw.img").write_bytes(bytes(1 << 20))
        self.assert_refused(r"guest demo: \[Disk system\] Path=.*raw.img is not a qcow2 image; correct the format", self.disk("raw.img"))

    def test_behind_a_link_is_not_opened(self):
        (self.images / "real.img").write_bytes(bytes(1 << 20))
        (self.images / "link.img").symlink_to("real.img")
        self.assert_refused(r"Path=.*link.img contains a symbolic link; write the path to which the link leads",
                            self.disk("link.img", "Format=raw\n"))

    def test_on_a_file_system_without_direct_io_is_not_opened_for_cache_none(self):
        text = "[Disk system]\nPath=/proc/version\nFormat=raw\nReadOnly=yes\n"
        self.assert_refused(r"guest demo: \[Disk system\] Path=/proc/version lies on a file system that has no direct I/O, .*; choose Cache=writeback",
                            text + "Cache=none\n")

    def test_that_no_file_system_of_the_host_could_hold_is_refused(self):
        self.assert_refused(r"\[Disk system\] Size= is 15\.\d TiB, and the file system of .*/images has .*iB \(.*iB free\); lower Size=",
                            self.disk("new.img", "Format=raw\nSize=16000G\n"))

    def test_is_not_made_by_a_dry_run(self):
        self.usherd.define("demo", GUEST + self.disk("new.img", "Format=raw\nSize=1G\n"))
        self.assertEqual(list(self.manager.PlanStart("demo")), [])
        self.usherd.guest("demo").CheckDisks()
        self.assertEqual(os.listdir(self.images), [])

    def test_of_a_guest_that_runs_is_its_own(self):
        self.assertEqual(self.start(self.disk("new.img", "Format=raw\nSize=1G\n"))[0], "done")
        self.usherd.guest("demo").CheckDisks()


class WhatMayBeMissing(DiskTest):
    def setUp(self):
        super().setUp()
        none = self.images / "none"
        self.text = f"[CDROM install]\nPath={none}/a.iso\n[Share docs]\nType=9p\nPath={none}/docs\nOptional=yes\n" + \
            f"[Disk data]\nPath={none}/a.img\nFormat=raw\nOptional=yes\n"
        self.words = [f"[Disk data] Path={none}/a.img is not there; the guest is without the disk",
                      f"[CDROM install] Path={none}/a.iso is not there; the drive is empty",
                      f"[Share docs] Path={none}/docs is not there; the guest is without the folder"]

    def test_is_told_by_a_dry_run(self):
        self.usherd.define("demo", GUEST + self.text)
        self.assertEqual([tuple(row) for row in self.manager.PlanStart("demo")],
                         [("warning", words.split("] ")[0][1:], "", words) for words in self.words])
        self.usherd.guest("demo").CheckDisks()

    def test_keeps_no_guest_down(self):
        self.assertEqual(self.start(self.text), ("done", ""))
        self.assertEqual([str(words) for words in self.usherd.property("demo", "Warnings")], self.words)
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.assertEqual(list(self.usherd.property("demo", "Warnings")), [])

    def test_is_refused_where_the_guest_needs_it(self):
        self.assert_refused(r"\[CDROM install\] Path=.*a.iso: No such file", self.text.replace("a.iso", "a.iso\nOptional=no"))


class AChain(DiskTest):
    def setUp(self):
        super().setUp()
        self.base, self.overlay = self.images / "base.img", self.images / "overlay.qcow2"
        self.base.write_bytes(bytes(1 << 20))
        qemu_img("create", "-q", "-f", "qcow2", "-b", str(self.base), "-F", "raw", str(self.overlay))

    def test_that_is_not_written_down_is_refused(self):
        self.assert_refused(rf"Path={self.overlay} has the backing file {self.base}, which Backing= does not name; .*Backing=raw:{self.base}",
                            self.disk("overlay.qcow2"))

    def test_that_is_written_down_is_used(self):
        result, message = self.start(self.disk("overlay.qcow2", f"Format=qcow2\nBacking=raw:{self.base}\n"))
        self.assertEqual(result, "done", message)

    def test_is_opened_past_the_page_cache_as_a_whole(self):
        for cache, direct in (("none", os.O_DIRECT), ("writeback", 0)):
            result, message = self.start(self.disk("overlay.qcow2", f"Format=qcow2\nBacking=raw:{self.base}\nCache={cache}\n"))
            self.assertEqual(result, "done", message)
            flags = open_files(int(self.usherd.property("demo", "Pid")))
            self.assertEqual([flags[str(image)] & os.O_DIRECT for image in (self.overlay, self.base)], [direct] * 2, cache)
            self.usherd.run_job(self.usherd.guest("demo").Kill)

    def test_is_made_upon_what_is_written_down(self):
        result, message = self.start(self.disk("new.qcow2", f"Format=qcow2\nSize=2M\nBacking=qcow2:{self.overlay}\nBacking=raw:{self.base}\n"))
        self.assertEqual(result, "done", message)
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        chain = json.loads(qemu_img("info", "--output=json", "--backing-chain", str(self.images / "new.qcow2")))
        self.assertEqual([image["filename"] for image in chain], [str(self.images / "new.qcow2"), str(self.overlay), str(self.base)])

    def test_of_a_base_that_a_guest_writes_to_is_refused(self):
        self.assertEqual(self.start(self.disk("base.img", "Format=raw\n"), "writer")[0], "done")
        self.assert_refused(r"\[Disk system\] Backing=.*base.img is in use by guest writer; stop that guest first: usherctl stop writer",
                            self.disk("overlay.qcow2", f"Format=qcow2\nBacking=raw:{self.base}\n"))


class AnImageInUse(DiskTest):
    def setUp(self):
        super().setUp()
        (self.images / "a.img").write_bytes(bytes(1 << 20))
        os.link(self.images / "a.img", self.images / "b.img")

    def test_by_a_guest_is_refused_by_any_name_and_free_afterwards(self):
        self.assertEqual(self.start(self.disk("a.img", "Format=raw\n"), "first")[0], "done")
        self.assert_refused(r"guest second: \[Disk system\] Path=.*/b.img is in use by guest first; stop that guest first: usherctl stop first",
                            self.disk("b.img", "Format=raw\n"), "second")
        self.usherd.run_job(self.usherd.guest("first").Kill)
        self.assertEqual(self.start(self.disk("b.img", "Format=raw\n"), "second")[0], "done")

    def test_is_still_known_to_the_next_daemon(self):
        self.assertEqual(self.start(self.disk("a.img", "Format=raw\n"), "first")[0], "done")
        self.usherd.kill()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.usherd.wait_for_state("first", "running")
        self.assert_refused(r"Path=.*/b.img is in use by guest first", self.disk("b.img", "Format=raw\n"), "second")

    def test_may_be_read_by_several(self):
        for name in ("first", "second"):
            self.assertEqual(self.start(self.disk("a.img", "Format=raw\nReadOnly=yes\n"), name), ("done", ""))

    def test_by_a_qemu_of_somebody_else_is_refused_with_its_name(self):
        ours, theirs = socket.socketpair()
        other = subprocess.Popen(["qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-nodefaults", "-S", "-chardev",
                                  f"socket,id=qmp,fd={theirs.fileno()}", "-qmp", "chardev:qmp",
                                  "-drive", f"file={self.images / 'a.img'},format=raw,if=virtio"], pass_fds=[theirs.fileno()])
        for cleanup in (ours.close, theirs.close, other.wait, other.kill):
            self.addCleanup(cleanup)
        # QEMU greets at once, and answers when its disks are open.
        ours.sendall(b'{"execute": "qmp_capabilities"} {"execute": "query-status"}')
        with ours.makefile() as answers:
            while "prelaunch" not in answers.readline():
                pass
        self.assert_refused(rf"Path=.*/a.img is in use: qemu-system-x86 \(pid {other.pid}.*\) has it open", self.disk("a.img", "Format=raw\n"))


class ACdDrive(DiskTest):
    def setUp(self):
        super().setUp()
        for name in ("first.iso", "second.iso"):
            (self.images / name).write_bytes(name.encode().ljust(2048 * 20))
        self.assertEqual(self.start(f"[CDROM install]\nPath={self.images / 'first.iso'}\n[CDROM empty]\nBus=virtio-scsi\n"), ("done", ""))
        self.guest = self.usherd.guest("demo")

    def open_images(self):
        """The images that QEMU has open, according to the kernel."""
        links = open_files(int(self.usherd.property("demo", "Pid")))
        return sorted(os.path.basename(link) for link in links if link.endswith(".iso"))

    def change(self, drive, name, flags=os.O_RDONLY):
        fd = os.open(self.images / name, flags)
        try:
            self.guest.ChangeMedium(drive, dbus.types.UnixFd(fd), NONE)
        finally:
            os.close(fd)

    def wait_for_images(self, *names):
        self.usherd.wait_for(lambda: self.open_images() == sorted(names), f"QEMU has {self.open_images()} open, not {names}")

    def test_is_changed_and_emptied_while_the_guest_runs(self):
        self.assertEqual(self.open_images(), ["first.iso"])
        self.change("install", "second.iso")
        self.wait_for_images("second.iso")
        self.change("empty", "first.iso")
        self.wait_for_images("first.iso", "second.iso")
        for drive in ("install", "empty", "empty"):
            self.guest.EjectMedium(drive, NONE)
        self.wait_for_images()
        self.change("install", "first.iso")
        self.change("install", "first.iso")
        self.wait_for_images("first.iso")

    def test_is_emptied_after_a_restart_of_the_daemon(self):
        self.usherd.kill()
        self.usherd.start()
        self.usherd.wait_for_state("demo", "running")
        self.usherd.guest("demo").EjectMedium("install", NONE)
        self.wait_for_images()

    def test_takes_only_what_is_open_for_reading(self):
        self.assert_error("BadOption", "the image is not a regular file, or is open for writing; pass a regular file that is open for reading only",
                          self.change, "install", "second.iso", os.O_RDWR)
        self.assert_error("NoSuchDevice", "guest demo has several CD drives, and none was named.*its drives are install, empty", self.change, "", "second.iso")
        self.assert_error("BadOption", "option quickly is not known", self.guest.EjectMedium, "install",
                          dbus.Dictionary({"quickly": True}, signature="sv"))
        self.assertEqual(self.open_images(), ["first.iso"])


if __name__ == "__main__":
    unittest.main()
