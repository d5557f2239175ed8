/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/qemu-probe.c, linked instead of it: what it says QEMU can do is known at once,
 * as thousands of starts are tried and none of them starts a QEMU. */
#include <check.h>

#include "../../../daemon/edge/qemu-probe.h"

void qemu_probe_get(QemuProbe *probe, QemuProbed probed, void *userdata)
{
    g_autoptr(QemuFacts) facts = NULL;

    ck_assert_int_eq(qemu_facts_from_replies(
                         "/bin/true", 1, 2, 3,
                         "{\"return\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}}",
                         "{\"return\": [{\"name\": \"vfio-pci\"}, {\"name\": \"qemu-xhci\"}, {\"name\": "
                         "\"usb-host\"}, {\"name\": \"ivshmem-plain\"}, {\"name\": \"ich9-intel-hda\"}, "
                         "{\"name\": \"hda-duplex\"}, {\"name\": \"pcie-root-port\"}, {\"name\": "
                         "\"virtio-serial-pci\"}, {\"name\": \"virtserialport\"}, {\"name\": \"ide-cd\"}, "
                         "{\"name\": \"pvpanic-pci\"},"
                         " {\"name\": \"host-x86_64-cpu\"}, {\"name\": \"max-x86_64-cpu\"}]}",
                         "{\"return\": [{\"name\": \"host\"}, {\"name\": \"sysfsdev\"}, {\"name\": "
                         "\"addr\"}, {\"name\": \"multifunction\"}, {\"name\": \"romfile\"}]}",
                         &facts),
                     0);
    probed(facts, NULL, userdata);
}

const QemuFacts *qemu_probe_known(QemuProbe *probe)
{
    return NULL;
}
