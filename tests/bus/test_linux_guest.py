# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Linux that was installed on a qcow2 disk from Debian's packages (linux-guest/install.sh), booted by UEFI under TCG, and asked
from inside, over its serial console, what it sees of all that its definition says. The guest runs on from test to test."""

import datetime
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time
import unittest
import urllib.error
import urllib.request
import zoneinfo

import test_streams
from bus import MockPolkit, PrivateBus
from test_companions import children
from test_daemon import NONE, DaemonTest
from test_streams_client import USHERCTL
from usherd import Usherd

HERE = pathlib.Path(__file__).parent
BOOT_SECONDS = 240
ANSWER_SECONDS = 60
PROMPT = b"linux-guest# "
VARIABLE = "/sys/firmware/efi/efivars/UsherTest-5d1c8a5e-1f6b-4f0e-9a35-757368657200"
UUID = "2f1c9a44-6d0b-4c57-9e6e-0b1f2f6f7a11"
DEFINITION = """[Guest]
Description=A Linux installed from scratch
UUID={uuid}
RNG=yes
[SMBIOS]
Manufacturer=Usher Works
Product=Bench, with a comma
Serial=0042
[Clock]
Base=Asia/Tokyo
[Firmware]
Type=uefi
[TPM]
Version=2.0
[CPU]
Accelerator=tcg
Cores=2
[Memory]
Size=384M
[Disk system]
Path={images}/linux.qcow2
Format=qcow2
[Disk big]
Path={images}/big.img
Format=raw
SectorSize=4096
Queues=2
[CDROM install]
Path={images}/first.iso
[Network nat]
Forward=tcp:127.0.0.1:{port}:80
[Share docs]
Path={folder}/docs
Type=9p
[Share papers]
Path={folder}/papers
Type=9p
ReadOnly=yes
[Share pool]
Path={folder}/pool
Type=virtiofs
[Display]
Type=vnc
Keyboard=virtio
Mouse=virtio-tablet
[Agent]
Enabled=yes
[Stop]
AgentSec=60s
PowerButtonSec=1
"""


class Shell:
    """The shell on the guest's console."""

    def __init__(self, stream):
        self.stream = stream
        self.stream.settimeout(1)
        self.seen = b""

    def wait_for(self, pattern, seconds):
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen, re.DOTALL)):
            if time.monotonic() > end:
                raise TimeoutError(f"the guest did not say {pattern}, but {self.seen[-3000:]}")
            try:
                part = self.stream.recv(4096)
            except TimeoutError:
                continue
            if not part:
                raise EOFError(f"the console was closed after {self.seen[-3000:]}")
            self.seen += part
        self.seen = self.seen[match.end():]
        return match

    def run(self, command):
        """Returns exit status and output. The marks are typed in pieces, as the shell echoes what is typed."""
        self.stream.sendall(f"echo '<''begin>'; {command}; echo \"<$?>\"\n".encode())
        match = self.wait_for(rb"<begin>\r\n(.*?)<(\d+)>\r\n.*?" + PROMPT, ANSWER_SECONDS)
        return int(match[2]), match[1].decode(errors="replace").replace("\r\n", "\n").strip()


class Tpm:
    """Commands of the TPM 2.0 Library Specification, part 3, as the guest writes them to /dev/tpm0. All use the owner's empty password."""

    INDEX = 0x01800001
    OWNER = 0x40000001
    PASSWORD = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)
    # TPMA_NV_OWNERWRITE, AUTHWRITE, OWNERREAD, AUTHREAD, NO_DA; SHA-256.
    PUBLIC = struct.pack(">IHIHH", INDEX, 0x000b, 0x02060006, 0, 8)

    def __init__(self, shell):
        self.shell = shell

    def order(self, code, handles, parameters):
        body = struct.pack(">I", code) + handles + self.PASSWORD + parameters
        command = struct.pack(">HI", 0x8002, len(body) + 6) + body
        status, answer = self.shell.run(f"exec 3<>/dev/tpm0; echo {command.hex()} | xxd -r -p >&3; dd bs=4096 count=1 <&3 2>/dev/null | xxd -p; exec 3>&-")
        answer = bytes.fromhex(answer.replace("\n", ""))
        if status != 0 or answer[6:10] != bytes(4):
            raise RuntimeError(f"the TPM says {answer.hex()}")
        return answer[14:]

    def write(self, eight_bytes):
        both = struct.pack(">II", self.OWNER, self.INDEX)
        self.order(0x12a, both[:4], struct.pack(">HH", 0, len(self.PUBLIC)) + self.PUBLIC)
        self.order(0x137, both, struct.pack(">H", 8) + eight_bytes + struct.pack(">H", 0))

    def read(self):
        return self.order(0x14e, struct.pack(">II", self.OWNER, self.INDEX), struct.pack(">HH", 8, 0))[2:10]


class ALinuxGuest(unittest.TestCase):
    assert_gone = DaemonTest.assert_gone
    read = test_streams.StreamTest.read
    handshake = test_streams.ADisplay.handshake
    frame = test_streams.ADisplay.frame
    shell = None

    @classmethod
    def setUpClass(cls):
        cls.bus = PrivateBus()
        cls.addClassCleanup(cls.bus.close)
        MockPolkit(cls.bus)
        cls.usherd = Usherd(cls.bus)
        cls.addClassCleanup(cls.usherd.close)
        cls.folder, cls.images = cls.usherd.folder, cls.usherd.folder / "images"
        for name in ("images", "docs", "papers", "pool"):
            (cls.folder / name).mkdir()
        subprocess.run([HERE / "linux-guest" / "install.sh", cls.images], check=True)
        (cls.images / "first.iso").write_bytes(b"the first disc".ljust(1 << 20, b"\0"))
        (cls.images / "second.iso").write_bytes(b"the second one".ljust(2 << 20, b"\0"))
        with open(cls.images / "big.img", "wb") as big:
            big.truncate(8 << 20)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            cls.port = taken.getsockname()[1]
        cls.usherd.define("linux", DEFINITION.format(uuid=UUID, images=cls.images, folder=cls.folder, port=cls.port))

    def setUp(self):
        if self.usherd.property("linux", "State") != "running":
            self.boot()

    def usherctl(self, *arguments):
        return subprocess.run([USHERCTL, *arguments], env=self.bus.environment(LC_ALL="C.UTF-8"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=True, timeout=BOOT_SECONDS).stdout

    def boot(self):
        self.usherctl("start", "linux")
        stream = socket.socket(fileno=self.usherd.guest("linux").OpenConsole(NONE).take())
        self.addClassCleanup(stream.close)
        type(self).shell = Shell(stream)
        self.shell.wait_for(PROMPT, BOOT_SECONDS)

    def does(self, command):
        status, words = self.shell.run(command)
        self.assertEqual(status, 0, f"{command}: {words}")
        return words

    def refuses(self, command, why):
        status, words = self.shell.run(command)
        self.assertNotEqual(status, 0, words)
        self.assertIn(why, words)

    def mount(self, name):
        kind, options = ("virtiofs", "") if name == "pool" else ("9p", "-o trans=virtio,version=9p2000.L")
        self.does(f"mkdir -p /mnt/{name} && mount -t {kind} {options} {name} /mnt/{name}")
        self.addCleanup(self.shell.run, f"umount /mnt/{name}")

    def wait_for_agent(self):
        self.usherd.wait_for(lambda: self.usherd.property("linux", "Agent") == "answers", "its agent does not answer", ANSWER_SECONDS)

    def fetch(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/hello", timeout=ANSWER_SECONDS) as answer:
            return answer.read()

    def reads_and_writes(self, name):
        share = self.folder / name
        (share / "from-host").write_text("for the guest")
        self.mount(name)
        self.assertEqual(self.does(f"cat /mnt/{name}/from-host"), "for the guest")
        self.does(f"mkdir /mnt/{name}/made && echo for the host >/mnt/{name}/made/from-guest && mv /mnt/{name}/made /mnt/{name}/moved")
        self.assertEqual((share / "moved" / "from-guest").read_text(), "for the host\n")
        self.does(f"rm -r /mnt/{name}/moved")
        self.assertEqual([file.name for file in share.iterdir()], ["from-host"])

    def test_boots_from_its_qcow2_disk(self):
        self.assertIn("/dev/vda2 on / type ext4", self.does("mount"))
        # The section's name is its serial number.
        self.assertEqual(self.does("cat /sys/block/vda/serial"), "system")
        self.assertRegex(self.does("uname -v"), "Debian")

    def test_has_the_identity_that_its_definition_says(self):
        identity = {name: self.does(f"cat /sys/class/dmi/id/{name}") for name in ("product_uuid", "sys_vendor", "product_name", "product_serial")}
        self.assertEqual(identity, {"product_uuid": UUID, "sys_vendor": "Usher Works", "product_name": "Bench, with a comma", "product_serial": "0042"})

    def test_has_a_clock_that_goes_by_its_zone(self):
        shown = datetime.datetime.fromisoformat(self.does("echo $(cat /sys/class/rtc/rtc0/date) $(cat /sys/class/rtc/rtc0/time)"))
        there = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Tokyo")).replace(tzinfo=None)
        self.assertLess(abs(there - shown), datetime.timedelta(minutes=5))

    def test_sees_the_sectors_and_queues_of_its_disks(self):
        seen = {disk: (self.does(f"cat /sys/block/{disk}/queue/logical_block_size"), self.does(f"ls /sys/block/{disk}/mq").split()) for disk in ("vda", "vdb")}
        self.assertEqual(seen["vda"][0], "512")
        self.assertEqual(seen["vdb"], ("4096", ["0", "1"]))

    def test_has_keyboard_and_tablet_by_virtio(self):
        devices = self.does("grep ^N: /proc/bus/input/devices")
        self.assertIn('"QEMU Virtio Keyboard"', devices)
        self.assertIn('"QEMU Virtio Tablet"', devices)

    def test_has_a_source_of_random_numbers(self):
        self.assertEqual(self.does("cat /sys/class/misc/hw_random/rng_available"), "virtio_rng.0")
        self.assertEqual(self.does("head -c 4 /dev/hwrng | wc -c"), "4")

    def test_answers_at_the_port_that_is_forwarded_to_it(self):
        self.assertEqual(self.fetch(), b"Hello from the guest.\n")

    def test_reads_and_writes_a_share_by_9p(self):
        self.reads_and_writes("docs")

    def test_does_not_write_to_a_share_that_is_read_only(self):
        (self.folder / "papers" / "contract").write_text("signed")
        self.mount("papers")
        self.assertEqual(self.does("cat /mnt/papers/contract"), "signed")
        self.refuses("echo forged >/mnt/papers/contract", "Read-only file system")
        self.refuses("touch /mnt/papers/other", "Read-only file system")
        self.refuses("rm /mnt/papers/contract", "Read-only file system")
        self.assertEqual((self.folder / "papers" / "contract").read_text(), "signed")

    def test_reads_and_writes_a_share_by_virtiofs(self):
        self.reads_and_writes("pool")

    def test_acts_on_a_virtiofs_share_as_qemus_user_whoever_asks_inside(self):
        self.mount("pool")
        self.does("mkdir -m 777 /mnt/pool/open && su user -c 'echo mine >/mnt/pool/open/made'")
        made = self.folder / "pool" / "open" / "made"
        self.assertEqual(made.read_text(), "mine\n")
        self.assertEqual(made.stat().st_uid, os.stat(f"/proc/{int(self.usherd.property('linux', 'Pid'))}").st_uid)
        self.refuses("chown user /mnt/pool/open/made", "Operation not permitted")
        self.does("rm -r /mnt/pool/open")

    def test_is_served_by_a_virtiofsd_without_a_right_and_out_of_the_folder(self):
        virtiofsd = children(int(self.usherd.property("linux", "Pid")))["virtiofsd"]
        self.assertEqual(os.readlink(f"/proc/{virtiofsd}/root"), str(self.folder / "pool"))
        status = pathlib.Path(f"/proc/{virtiofsd}/status").read_text()
        self.assertEqual(set(re.findall(r"^Cap\w+:\s*(\w+)$", status, re.M)), {"0" * 16})

    def test_has_a_tpm(self):
        self.assertEqual(self.does("cat /sys/class/tpm/tpm0/tpm_version_major"), "2")
        # The firmware has measured itself.
        self.assertNotEqual(int(self.does("cat /sys/class/tpm/tpm0/pcr-sha256/0"), 16), 0)

    def test_shows_its_screen_over_vnc(self):
        stream = socket.socket(fileno=self.usherd.guest("linux").OpenDisplay().take())
        self.addCleanup(stream.close)
        stream.settimeout(ANSWER_SECONDS)
        width, height = self.handshake(stream)
        self.assertEqual(self.does("cat /sys/class/graphics/fb0/virtual_size"), f"{width},{height}")
        # One pixel (blue, green, red), doubled until there are 256 lines and more.
        self.does(r"cd /run; printf ' @\300 ' >paint; for i in $(seq 20); do cat paint paint >more; mv more paint; done; "
                  f"head -c {width * 4 * 256} paint >/dev/fb0; rm paint; cd /")
        line, seen = slice(width * 4 * 200, width * 4 * 201), set()
        end = time.monotonic() + ANSWER_SECONDS
        while seen != {b" @\xc0"} and time.monotonic() < end:
            pixels = self.frame(stream, width, height)[line]
            seen = {pixels[i:i + 3] for i in range(0, len(pixels), 4)}
        self.assertEqual(seen, {b" @\xc0"})

    def test_tells_its_address_by_its_agent(self):
        self.wait_for_agent()
        self.usherd.wait_for(lambda: "10.0.2.15" in self.usherctl("status", "linux"), "its address is not shown", ANSWER_SECONDS)
        self.assertRegex(self.usherctl("status", "linux"), r"Agent: answers")

    def test_sees_its_cd_changed(self):
        def disc():
            # After a change the drive fails the first commands (SCSI's unit attention).
            return self.does("until head -c 14 /dev/sr0 2>/dev/null; do sleep 0.1; done; echo; cat /sys/block/sr0/size").split("\n")

        self.assertEqual(disc(), ["the first disc", "2048"])
        self.usherctl("cdrom", "linux", "--eject")
        self.refuses("head -c 14 /dev/sr0", "No medium found")
        self.usherctl("cdrom", "linux", str(self.images / "second.iso"))
        self.assertEqual(disc(), ["the second one", "4096"])
        self.usherctl("cdrom", "linux", str(self.images / "first.iso"))
        self.assertEqual(disc(), ["the first disc", "2048"])

    def test_whose_virtiofsd_dies_is_shut_down_in_order_and_has_failed(self):
        self.wait_for_agent()
        qemu = int(self.usherd.property("linux", "Pid"))
        beside = children(qemu)
        self.assertEqual(sorted(beside), ["swtpm", "virtiofsd"])
        os.kill(beside["virtiofsd"], signal.SIGKILL)
        self.usherd.wait_for(lambda: self.usherd.property("linux", "State") == "failed", "it has not failed", BOOT_SECONDS)
        self.assertRegex(self.usherd.property("linux", "Error"), "^virtiofsd pool of guest linux ended; the guest is stopped")
        self.assertRegex((self.folder / "log" / "linux.console.log").read_text(), r"linux-guest: shutdown -h -P[^#]*\Z")
        for pid in (qemu, *beside.values()):
            self.assert_gone(pid)
        self.assertEqual(list((self.folder / "run" / "journal").iterdir()), [])
        with self.assertRaises(urllib.error.URLError):
            self.fetch()

    def test_keeps_disk_tpm_and_firmwares_variables_over_a_restart(self):
        self.does("echo kept >/root/kept")
        self.does(rf"printf '\7\0\0\0kept' >{VARIABLE}")
        Tpm(self.shell).write(b"the same")
        self.wait_for_agent()
        self.usherctl("stop", "linux")
        self.assertEqual(self.usherd.property("linux", "State"), "stopped")
        self.assertIn("linux-guest: shutdown -h -P", (self.folder / "log" / "linux.console.log").read_text())
        self.boot()
        self.assertEqual(self.does("cat /root/kept"), "kept")
        self.assertEqual(self.does(f"tail -c 4 {VARIABLE}"), "kept")
        self.assertEqual(Tpm(self.shell).read(), b"the same")


if __name__ == "__main__":
    unittest.main()
