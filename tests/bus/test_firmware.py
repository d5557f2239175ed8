# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that boot with UEFI: OVMF under TCG up to its shell, spoken to over the serial console."""

import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import dbus

from bus import MockPolkit, PrivateBus
from test_daemon import GUEST, NONE, DaemonTest
from usherd import Usherd, open_files

UEFI = GUEST.replace("32M", "128M") + "[Firmware]\nType=uefi\n"
# Not EFI's own GUID, whose names are taken.
VARIABLE = "usher -guid 5d1c8a5e-1f6b-4f0e-9a35-757368657200"
SETUP_MODE = "SetupMode -guid 8be4df61-93ca-11d2-aa0d-00e098032b8c"
BOOT_SECONDS = 120
# Debian's images, of which the tests make those of other distributions.
OVMF = pathlib.Path("/usr/share/OVMF")
# Where firmware with secure boot has no shell, and other firmware of late does not boot its own, it is a package, and not signed.
SHELL = pathlib.Path("/usr/share/efi-shell-x64/shellx64.efi")
REFUSED = b"Access Denied" if SHELL.exists() else b"Security Violation"
FEATURES = {"OVMF_CODE_4M.fd": [], "OVMF_CODE_4M.secboot.fd": ["requires-smm", "secure-boot"]}


class Console:
    """What a guest says on its serial console, and what it is told. Firmware gives a byte up that the console does not take within a second, and fails
    then ("Device Error"), and a socket holds some 280 bytes that nobody has read. So what it says at length is read from the console's log."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(1)
        self.seen = b""

    def wait_for(self, words, seconds=BOOT_SECONDS):
        end = time.monotonic() + seconds
        while words not in self.seen:
            try:
                self.seen += self.socket.recv(4096)
            except TimeoutError:
                pass
            if time.monotonic() > end:
                raise TimeoutError(f"the guest did not say {words}, but {self.seen[-2000:]}")
        before, self.seen = self.seen.split(words, 1)
        return before

    def type(self, text):
        # The shell loses what comes faster than it reads.
        for byte in text.encode() + b"\r":
            self.socket.send(bytes([byte]))
            self.wait_for(bytes([byte]) if byte != 13 else b"\n", 20)


class Uefi(DaemonTest):
    def nvram(self, name="nvram.fd"):
        return self.usherd.folder / "state" / "guests" / "demo" / name

    def log(self):
        log = self.usherd.folder / "log" / "demo.console.log"
        return log.read_bytes() if log.exists() else b""

    def boot(self, text, words):
        """Starts the guest, and waits until it says that."""
        before = len(self.log())
        self.start_guest(text=text + self.shell_on_a_disk())
        self.usherd.wait_for(lambda: words in self.log()[before:], f"the guest did not say {words}", BOOT_SECONDS)

    def boot_to_shell(self, text):
        self.boot(text, b"in 5 seconds to skip")
        console = Console(self.usherd.folder / "run" / "guests" / "demo" / "console.sock")
        self.addCleanup(console.socket.close)
        # That ends the five seconds, and brings another prompt if they are over.
        console.socket.send(b"\r")
        console.wait_for(b"Shell> ", 20)
        return console

    def shell_on_a_disk(self):
        """The section of a disk to boot the shell from; nothing if firmware has and boots it anyway."""
        if not SHELL.exists():
            return ""
        disk = self.usherd.folder / "shell.img"
        for command in (["mformat", "-C", "-f", "2880", "-i", disk, "::"], ["mmd", "-i", disk, "::EFI", "::EFI/BOOT"],
                        ["mcopy", "-i", disk, SHELL, "::EFI/BOOT/BOOTX64.EFI"]):
            subprocess.run(command, check=True)
        return f"[Disk shell]\nPath={disk}\nFormat=raw\nReadOnly=yes\n"

    def stop(self):
        self.assertEqual(self.usherd.run_job(lambda: self.usherd.guest("demo").Stop(NONE)), ("done", ""))

    def set_variable(self, text):
        console = self.boot_to_shell(text)
        console.type(f"setvar {VARIABLE} -bs -nv =0x4b455054")
        self.assertNotIn(b"Unable", console.wait_for(b"Shell> ", 20))
        self.stop()

    def assert_a_variable_is_kept(self, text, name):
        self.set_variable(text)
        made = self.nvram(name).stat()
        console = self.boot_to_shell(text)
        console.type(f"setvar {VARIABLE}")
        self.assertIn(b"54 50 45 4B", console.wait_for(b"Shell> ", 20))
        self.assertEqual(self.nvram(name).stat().st_ino, made.st_ino)
        self.assertEqual(made.st_mode & 0o777, 0o600)


class TheDistributionsOwn(Uefi):
    def test_keeps_a_variable_over_a_restart_of_the_guest(self):
        self.assert_a_variable_is_kept(UEFI, "nvram.fd")

    def test_secure_boot_has_variables_of_its_own(self):
        self.start_guest(text=UEFI + "SecureBoot=yes\n")
        self.assertTrue(self.nvram("nvram-secure.fd").exists())
        self.assertFalse(self.nvram().exists())

    def test_variables_of_another_size_are_refused_and_left_alone(self):
        self.nvram().parent.mkdir(parents=True)
        self.nvram().write_bytes(b"another's")
        self.usherd.define("demo", UEFI)
        self.assert_error("Refused", r"guest demo: .*/nvram.fd was made for other firmware: it has 9 bytes, .* has \d+; move the file away",
                          self.manager.StartGuest, "demo", NONE)
        self.assertEqual(self.nvram().read_bytes(), b"another's")


class AnotherDistributions(Uefi):
    """Firmware as other distributions describe it, in the place of this one's."""

    def setUp(self):
        self.images = pathlib.Path(tempfile.mkdtemp(prefix="usher-firmware-"))
        self.addCleanup(shutil.rmtree, self.images)
        self.descriptors = self.images / "descriptors"
        self.descriptors.mkdir()
        self.bus = PrivateBus()
        self.addCleanup(self.bus.close)
        MockPolkit(self.bus).allow_all()
        self.usherd = Usherd(self.bus, inside=("unshare", "--mount", "sh", "-c",
                                               'mount --bind "$0" /usr/share/qemu/firmware && exec "$@"', str(self.descriptors)))
        self.addCleanup(self.usherd.close)
        self.manager = self.usherd.manager

    def image(self, *names, form="raw"):
        """Debian's images, one after the other, as one image in that format."""
        raw, made = self.images / "raw", self.images / f"{'+'.join(names)}.{form}"
        raw.write_bytes(b"".join((OVMF / name).read_bytes() for name in names))
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, raw, made], check=True)
        return {"filename": str(made), "format": form}

    def describe(self, name, code, features, **mapping):
        executable = code if isinstance(code, dict) else self.image(code)
        text = {"description": name, "interface-types": ["uefi"], "mapping": {"device": "flash", "executable": executable, **mapping},
                "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}], "features": ["acpi-s3", *features, "verbose-dynamic"], "tags": []}
        (self.descriptors / name).write_text(json.dumps(text))

    def describe_as_fedora(self):
        for name, code, variables, keys in (("30-edk2-ovmf-4m-qcow2-x64-sb-enrolled.json", "OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd", ["enrolled-keys"]),
                                            ("40-edk2-ovmf-4m-qcow2-x64-sb.json", "OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd", []),
                                            ("50-edk2-ovmf-4m-qcow2-x64-nosb.json", "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", [])):
            self.describe(name, self.image(code, form="qcow2"), keys + FEATURES[code], mode="split",
                          **{"nvram-template": self.image(variables, form="qcow2")})
        self.describe("45-edk2-ovmf-x64-stateless.json", "OVMF_CODE_4M.fd", [], mode="stateless")

    def describe_as_arch(self):
        for name, code in ("50-edk2-x86_64-secure-4m.json", "OVMF_CODE_4M.secboot.fd"), ("60-edk2-x86_64-4m.json", "OVMF_CODE_4M.fd"):
            self.describe(name, code, FEATURES[code], **{"nvram-template": self.image("OVMF_VARS_4M.fd")})

    def test_qcow2_images_boot_and_keep_a_variable(self):
        self.describe_as_fedora()
        self.assert_a_variable_is_kept(UEFI, "nvram.qcow2")
        self.assertEqual(self.nvram("nvram.qcow2").read_bytes()[:4], b"QFI\xfb")

    def test_enrolled_keys_keep_what_is_not_signed_from_booting(self):
        self.describe_as_fedora()
        self.boot(UEFI + "SecureBoot=yes\n", REFUSED)
        self.assertTrue(self.nvram("nvram-secure.qcow2").exists())

    def test_keys_of_ones_own_are_asked_for_where_there_are_none(self):
        self.describe_as_arch()
        self.usherd.define("demo", UEFI + "SecureBoot=yes\n")
        self.assert_error("MissingFile", r"for q35 with secure boot and enrolled keys; write Keys=none and enrol keys", self.manager.PlanStart, "demo")
        console = self.boot_to_shell(UEFI + "SecureBoot=yes\nKeys=none\n")
        console.type(f"setvar {SETUP_MODE}")
        self.assertIn(b" Bytes\r\n01 ", console.wait_for(b"Shell> ", 20))
        self.assertTrue(self.nvram("nvram-own-keys.fd").exists())

    def test_one_image_of_code_and_variables_is_each_guests_own(self):
        image = self.image("OVMF_VARS_4M.fd", "OVMF_CODE_4M.fd", form="qcow2")
        self.describe("50-combined.json", image, [], mode="combined")
        self.set_variable(UEFI)
        # As firmware writes the name of a variable.
        name = "usher\0".encode("utf-16le")
        self.assertIn(name, self.nvram("nvram.qcow2").read_bytes())
        self.assertNotIn(name, pathlib.Path(image["filename"]).read_bytes())

    def test_firmware_without_variables_keeps_nothing(self):
        self.describe("50-stateless.json", "OVMF_CODE_4M.fd", [], mode="stateless")
        self.boot(UEFI, b"UEFI Interactive Shell")
        self.assertEqual(list(self.nvram().parent.glob("nvram*")), [])

    def test_images_that_a_definition_names_come_first(self):
        self.describe_as_arch()
        code, variables = (self.image(name, form="qcow2")["filename"] for name in ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"))
        self.boot(UEFI + f"Code={code}\nVariables={variables}\n", b"UEFI Interactive Shell")
        self.assertIn(code, open_files(int(self.usherd.property("demo", "Pid"))))
        self.assertTrue(self.nvram("nvram-pinned.qcow2").exists())
        self.stop()
        pathlib.Path(code).unlink()
        self.assert_error("MissingFile", r"\[Firmware\] Code=.*: No such file or directory; put the file there", self.manager.PlanStart, "demo")

    def test_an_image_that_is_no_firmware_is_refused_before_any_step(self):
        for name, words in (("text.fd", "it has 9 bytes, and firmware a multiple of 4096"), ("text.qcow2", "it is no qcow2 image")):
            (self.images / name).write_bytes(b"no image\n")
            self.usherd.define("demo", UEFI + f"Code={self.images / name}\n")
            pattern = rf"guest demo: \[Firmware\] Code=\S+{name}: {words}"
            self.assert_error("Refused", pattern, self.manager.PlanStart, "demo")
            result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
            self.assertEqual(result, "refused")
            self.assertRegex(message, pattern)

    def test_variables_in_the_other_format_are_not_given_up(self):
        self.describe_as_fedora()
        self.nvram().parent.mkdir(parents=True)
        self.nvram().write_bytes((OVMF / "OVMF_VARS_4M.fd").read_bytes())
        self.usherd.define("demo", UEFI)
        self.assert_error("Refused", r"nvram.fd is raw, and the firmware is qcow2 now; qemu-img convert -f raw -O qcow2 (\S+nvram.fd \S+nvram.qcow2);",
                          self.manager.PlanStart, "demo")
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", self.nvram(), self.nvram("nvram.qcow2")], check=True)
        self.start_guest(text=UEFI)


if __name__ == "__main__":
    unittest.main()
