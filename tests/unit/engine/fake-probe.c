/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>

#include "fake-probe.h"

typedef struct Question {
    QemuProbed probed; /* NULL: who asked has gone */
    void *userdata;
} Question;

struct QemuProbe {
    bool late;
    QemuFacts *known;  /* NULL: it has not been asked */
    GArray *questions; /* of Question, the oldest first */
};

QemuProbe *fake_probe_new(void)
{
    QemuProbe *probe = g_new0(QemuProbe, 1);

    probe->questions = g_array_new(FALSE, FALSE, sizeof(Question));
    return probe;
}

void fake_probe_free(QemuProbe *probe)
{
    if (probe) {
        g_array_unref(probe->questions);
        qemu_facts_free(probe->known);
    }
    g_free(probe);
}

static QemuFacts *facts_new(void)
{
    QemuFacts *facts = NULL;

    ck_assert_int_eq(qemu_facts_from_replies(
                         "/bin/true", &(QemuBinary){},
                         "{\"return\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}}",
                         "{\"return\": [{\"name\": \"vfio-pci\"}, {\"name\": \"qemu-xhci\"}, {\"name\": "
                         "\"usb-host\"}, {\"name\": \"ivshmem-plain\"}, {\"name\": \"ich9-intel-hda\"}, "
                         "{\"name\": \"tpm-crb\"}, {\"name\": \"VGA\"}, {\"name\": \"usb-tablet\"}, "
                         "{\"name\": \"hda-duplex\"}, {\"name\": \"pcie-root-port\"}, {\"name\": "
                         "\"virtio-rng-pci\"}, {\"name\": "
                         "\"virtio-serial-pci\"}, {\"name\": \"virtserialport\"}, {\"name\": \"ide-cd\"}, "
                         "{\"name\": \"pvpanic-pci\"}, {\"name\": \"virtio-9p-pci\"}, {\"name\": "
                         "\"virtio-blk-pci\"}, {\"name\": \"virtio-net-pci\"},"
                         " {\"name\": \"host-x86_64-cpu\"}, {\"name\": \"max-x86_64-cpu\"}]}",
                         "{\"return\": [{\"name\": \"host\"}, {\"name\": \"sysfsdev\"}, {\"name\": "
                         "\"addr\"}, {\"name\": \"multifunction\"}, {\"name\": \"romfile\"}]}",
                         NULL, &facts),
                     0);
    return facts;
}

static void answer(const Question *question, unsigned times, const char *message)
{
    g_autoptr(QemuFacts) facts = message ? NULL : facts_new();

    for (unsigned i = 0; question->probed && i < times; i++)
        question->probed(facts, message, question->userdata);
}

void qemu_probe_get(QemuProbe *probe, QemuProbed probed, void *userdata)
{
    Question question = {probed, userdata};

    if (probe->known)
        probed(probe->known, NULL, userdata);
    else if (probe->late)
        g_array_append_val(probe->questions, question);
    else
        answer(&question, 1, NULL);
}

void qemu_probe_forget(QemuProbe *probe, const void *userdata)
{
    for (unsigned i = 0; i < probe->questions->len; i++) {
        Question *question = &g_array_index(probe->questions, Question, i);
        if (question->userdata == userdata)
            question->probed = NULL;
    }
}

const QemuFacts *qemu_probe_known(QemuProbe *probe)
{
    return probe->known;
}

const char *qemu_probe_failure(const QemuProbe *probe)
{
    return NULL;
}

void fake_probe_learn(QemuProbe *probe)
{
    probe->known = facts_new();
}

void fake_probe_be_late(QemuProbe *probe)
{
    probe->late = true;
}

unsigned fake_probe_waiting(const QemuProbe *probe)
{
    return probe->questions->len;
}

void fake_probe_answer(QemuProbe *probe, unsigned times, const char *message)
{
    ck_assert_uint_gt(probe->questions->len, 0);
    Question question = g_array_index(probe->questions, Question, 0);
    g_array_remove_index(probe->questions, 0);
    answer(&question, times, message);
}
