# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl import: other tools' descriptions of guests, as a definition and three lists."""

import json
import pathlib
import tempfile
import time
import unittest

from client import FAILED, OK, USAGE, ClientTest

DOMAIN = """<domain type='kvm'>
  <name>Old Box</name>
  <memory unit='KiB'>8388608</memory>
  <vcpu>4</vcpu>
  <os firmware='efi'><type machine='pc-q35-8.1'>hvm</type></os>
  <devices>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0x0000' bus='0xfe' slot='0x1f' function='0x0'/></source>
    </hostdev>
    <smartcard mode='host'/>
  </devices>
</domain>
"""
CONF = "memory: 4096\nname: box\nscsi0: tank:vm-1-disk-0,size=4G\nhostpci0: 0000:fe:1f.0,pcie=1\n"
ARGV = "qemu-system-x86_64\n-m\n8192\n-device\nvfio-pci,host=fe:1f.0\n"


class ImportTest(ClientTest):
    """Without any usherd."""

    mocked = False

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def test_the_definition_is_on_standard_output_and_the_lists_are_not(self):
        result = self.usherctl("import", self.file("a.xml", DOMAIN))
        self.assert_run(result, OK)
        self.assertRegex(result.stdout, r"\A\[")
        self.assertIn("\n[PCI pci-fe-1f]\nAddress=0000:fe:1f.0\nFunctions=0\n", result.stdout)
        self.assertRegex(result.stderr, r"(?ms)^Said:\n  .*^Said differently:\n  .*^Left out:\n  .*<smartcard mode='host'>")

    def test_a_list_without_items_says_so(self):
        result = self.usherctl("import", self.file("a.argv", "qemu-system-x86_64\n-m\n2G\n"))
        self.assert_run(result, OK)
        self.assertRegex(result.stderr, r"(?m)^Left out: nothing$")

    def test_each_format_becomes_a_definition_that_can_be_shown(self):
        for name, text in ("a.xml", DOMAIN), ("1.conf", CONF), ("a.argv", ARGV):
            with self.subTest(name):
                definition = self.usherctl("import", self.file(name, text)).stdout
                shown = self.usherctl("show", "--command", self.file("made.guest", definition))
                self.assert_run(shown, OK)
                self.assertIn("fe:1f.0", shown.stdout)

    def test_the_same_source_gives_the_same_text(self):
        path = self.file("a.xml", DOMAIN)
        first, second = self.usherctl("import", path), self.usherctl("import", path)
        self.assertEqual((first.stdout, first.stderr), (second.stdout, second.stderr))

    def test_a_map_says_where_volumes_are(self):
        path = self.file("1.conf", CONF)
        self.assertNotIn("[Disk", self.usherctl("import", path).stdout)
        self.assertIn("Path=/dev/zvol/tank/vm-1-disk-0\n", self.usherctl("import", "--map=tank=/dev/zvol/tank", path).stdout)

    def test_json_has_the_definition_and_the_lists(self):
        path = self.file("a.xml", DOMAIN)
        told = json.loads(self.usherctl("import", "--json=short", path, "other").stdout)
        self.assertEqual(told["name"], "other")
        self.assertEqual(told["definition"], self.usherctl("import", path).stdout)
        self.assertTrue(any("<smartcard" in item for item in told["left_out"]))
        self.assertTrue(told["said"] and told["said_differently"])

    def test_what_cannot_be_read_is_told_with_its_line(self):
        self.assert_run(self.usherctl("import", self.file("b.xml", "<domain>\n<a>\n</domain>")), FAILED, stdout="")
        self.assertIn("b.xml:3: ", self.usherctl("import", self.file("b.xml", "<domain>\n<a>\n</domain>")).stderr)
        self.assert_run(self.usherctl("import", "/nowhere"), FAILED, stdout="",
                        stderr="Cannot read /nowhere: No such file or directory\n")
        self.assert_run(self.usherctl("import", "--format=vmx", self.file("a.xml", DOMAIN)), USAGE, stdout="",
                        stderr="--format=vmx is not known; it may be libvirt, proxmox or qemu\n")
        self.assertIn("1024 KiB", self.usherctl("import", self.file("big.xml", "<domain>" + " " * (1 << 20))).stderr)

    def test_it_takes_no_time(self):
        path = self.file("a.xml", DOMAIN)
        best = 1.0
        for _ in range(20):
            start = time.monotonic()
            self.assert_run(self.usherctl("import", path), OK)
            best = min(best, time.monotonic() - start)
        self.assertLess(best, 0.05)


class DefineTest(ClientTest):
    """With usherd."""

    def test_the_guest_is_defined_as_create_does_it(self):
        with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
            file.write(DOMAIN)
            file.flush()
            printed = self.usherctl("import", file.name).stdout
            result = self.usherctl("import", "--define", file.name)
        self.assert_run(result, OK, stdout="old-box is defined; see it: usherctl cat old-box\n")
        member, (name, text, options) = self.calls()[0]
        self.assertEqual((member, name, text, options), ("DefineGuest", "old-box", printed, {"new": 1}))


if __name__ == "__main__":
    unittest.main()
