/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* taskset, numactl and what else stands before QEMU in a script. */
#include <stdlib.h>
#include <string.h>

#include "pin-wish.h"
#include "qemu-private.h"

static const char *word_of(const Node *runner, unsigned n)
{
    return n < runner->children->len ? ((const Node *)runner->children->pdata[n])->value : NULL;
}

static unsigned vcpus_of(const Qemu *qemu)
{
    DraftSection *cpu = draft_section(qemu->wishes->draft, "CPU");
    const char *const keys[] = {"Sockets", "Dies", "Cores", "Threads"};
    unsigned all = 1;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        all *= MAX(1, strtoul(draft_get(cpu, keys[i]) ?: "1", NULL, 10));
    return all;
}

/* "taskset -c 2-7": all of QEMU. */
static void read_taskset(Qemu *qemu, Node *runner)
{
    const char *option = word_of(runner, 0), *set = word_of(runner, 1);
    DraftSection *cpu = draft_section(qemu->wishes->draft, "CPU");
    bool list = option && (g_str_equal(option, "-c") || g_str_equal(option, "-ac") ||
                           g_str_equal(option, "-ca") || g_str_equal(option, "--cpu-list"));

    if (!list || !set || word_of(runner, 2)) {
        draft_left(qemu->wishes->draft, runner, "a mask of host CPUs; add [CPU] Pin= with their numbers");
        return;
    }
    wish_pin(qemu->wishes, set, vcpus_of(qemu), runner);
    if (draft_get(cpu, "Pin"))
        draft_set(cpu, "EmulatorPin", runner, "%s", set);
}

/* "--membind=0", "-m 0". */
static void read_numactl(Qemu *qemu, Node *runner)
{
    static const char *const binds[] = {"-m", "--membind", "-N", "--cpunodebind", NULL};

    for (unsigned i = 0; i < runner->children->len; i++) {
        g_auto(GStrv) parts = g_strsplit(word_of(runner, i), "=", 2);
        bool bind = parts[0] && g_strv_contains(binds, parts[0]);
        const char *value = !bind ? NULL : parts[1] ?: word_of(runner, i + 1);
        bool memory = bind && (strstr(parts[0], "-m") == parts[0] || strstr(parts[0], "--m") == parts[0]);
        i += bind && !parts[1];
        if (memory && value)
            draft_set(draft_section(qemu->wishes->draft, "Memory"), "Node", runner, "%s", value);
        else
            draft_left(qemu->wishes->draft, runner,
                       "no key does this; [CPU] Pin= names host CPUs (numactl -H lists those of a node), and "
                       "[Memory] Node= where the memory is");
    }
}

void qemu_read_runner(Qemu *qemu, Node *runner)
{
    node_take_all(runner);
    if (g_str_equal(runner->name, "taskset"))
        read_taskset(qemu, runner);
    else if (g_str_equal(runner->name, "numactl"))
        read_numactl(qemu, runner);
    else if (g_str_equal(runner->name, "chrt"))
        draft_left(qemu->wishes->draft, runner,
                   "no vCPU or thread has a real-time scheduler; Pin= and Isolate= keep host CPUs free for "
                   "the guest");
    else
        draft_left(qemu->wishes->draft, runner,
                   "the rank and the limits of QEMU are systemd's: Nice=, IOWeight=, LimitMEMLOCK= and the "
                   "like in a drop-in of the guest's unit (systemctl edit usher-guest@NAME)");
}
