/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <vcpu>, <cputune>, <cpu>, <features>, <clock>. */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/core/host/cpu-list.h"
#include "board-wish.h"
#include "cpu-wish.h"
#include "libvirt-private.h"
#include "pin-wish.h"

static unsigned number(const char *text)
{
    return text ? MIN(strtoul(text, NULL, 10), 4096) : 0;
}

void libvirt_read_vcpu(Libvirt *libvirt, Node *element)
{
    Node *topology = node_at(libvirt->root, "cpu/topology");
    const char *now = node_take(element, "@current"), *set = node_take(element, "@cpuset");
    unsigned cpus = number(element->value);

    element->taken = true;
    node_take(element, "@placement");
    if (now && number(now) < cpus)
        draft_left(libvirt->wishes->draft, element,
                   "no vCPU can be plugged in while the guest runs: it has all from the start");
    if (set && !node_at(libvirt->root, "cputune/vcpupin"))
        wish_pin(libvirt->wishes, set, cpus, element);
    if (!topology) {
        wish_topology(libvirt->wishes, cpus, 0, 0, 0, 0, element);
        return;
    }
    node_take(topology, "@clusters");
    wish_topology(libvirt->wishes, cpus, number(node_take(topology, "@sockets")),
                  number(node_take(topology, "@dies")), number(node_take(topology, "@cores")),
                  number(node_take(topology, "@threads")), topology);
}

/* The host CPUs of one vCPU; NULL: not said. */
static const char *set_of(Node *tune, unsigned vcpu)
{
    const char *set = NULL;

    for (unsigned i = 0; i < tune->children->len; i++) {
        Node *pin = tune->children->pdata[i];
        if (g_str_equal(pin->name, "vcpupin") && node_at(pin, "@vcpu") &&
            number(node_look(pin, "@vcpu")) == vcpu) {
            node_take(pin, "@vcpu");
            set = node_take(pin, "@cpuset");
        }
    }
    return set;
}

/* Those of the first vCPUs, in their order. single: each has one. */
static char *pins_of(Node *tune, unsigned *ret_n, bool *ret_single)
{
    g_autoptr(GString) all = g_string_new(NULL);
    const char *set;

    *ret_single = true;
    for (*ret_n = 0; *ret_n < 1024 && (set = set_of(tune, *ret_n)); (*ret_n)++) {
        *ret_single = *ret_single && !strpbrk(set, ",-^");
        g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", set);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

/* Every host CPU once: where vCPUs share a set. */
static char *union_of(const char *list)
{
    g_auto(GStrv) parts = g_strsplit(list, ",", -1);
    g_autoptr(GString) all = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        char **before = parts;
        while (before < part && !g_str_equal(*before, *part))
            before++;
        if (before == part)
            g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", *part);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

static void set_pin(Libvirt *libvirt, const char *key, Node *element, const char *attribute)
{
    const char *set = node_take(element, attribute);
    DraftSection *section = draft_section(libvirt->wishes->draft, "CPU");
    const char *before = draft_get(section, key);

    if (set && before && !g_str_equal(before, set)) {
        g_autofree char *both = g_strdup_printf("%s,%s", before, set);
        draft_set(section, key, element, "%s", both);
    } else if (set) {
        draft_set(section, key, element, "%s", set);
    }
}

static unsigned vcpus(Libvirt *libvirt)
{
    const Node *vcpu = node_at(libvirt->root, "vcpu");

    return vcpu ? number(vcpu->value) : 1;
}

/* Whether each vCPU's place is one of its own. */
static bool places_fit(Node *tune, const GArray *places)
{
    for (unsigned i = 0; i < places->len; i++) {
        g_autoptr(GArray) own = cpu_set_parse(set_of(tune, i) ?: "");
        if (!own || !cpu_set_has(own, g_array_index(places, unsigned, i)))
            return false;
    }
    return true;
}

/* vCPUs that have several host CPUs each. */
static void read_sets(Libvirt *libvirt, Node *tune, const char *list, unsigned n)
{
    Node *first = node_at(tune, "vcpupin");
    g_autofree char *together = union_of(list);
    g_autoptr(GArray) places = cpu_list_parse(together);
    unsigned all = vcpus(libvirt);

    if (n < all || !places || places->len < all || (places->len == all && !places_fit(tune, places))) {
        draft_left(libvirt->wishes->draft, first,
                   "vcpupin: Pin= gives each vCPU one host CPU, or all of them the same larger set, which is "
                   "not what these say (%s); add Pin= with either",
                   together);
        return;
    }
    draft_set(draft_section(libvirt->wishes->draft, "CPU"), "Pin", first, "%s", together);
    if (places->len == all && all > 1)
        draft_differs(libvirt->wishes->draft, first,
                      "vcpupin: each vCPU gets one host CPU of Pin=%s, in this order; before, each ran on "
                      "several",
                      together);
    else
        draft_differs(libvirt->wishes->draft, first, "vcpupin: each vCPU may run on any host CPU of Pin=%s",
                      together);
}

static void read_pins(Libvirt *libvirt, Node *tune)
{
    DraftSection *section = draft_section(libvirt->wishes->draft, "CPU");
    Node *first = node_at(tune, "vcpupin");
    unsigned n, all = vcpus(libvirt);
    bool single;
    g_autofree char *pins = pins_of(tune, &n, &single);

    if (n > 0 && !single)
        read_sets(libvirt, tune, pins, n);
    if (n == 0 || !single)
        return;
    draft_set(section, "Pin", first, "%s", pins);
    if (n >= all)
        return;
    if (draft_takes("CPU", "Pin", pins)) {
        draft_differs(libvirt->wishes->draft, first,
                      "vcpupin: %u of %u vCPUs have a host CPU of their own; the others run "
                      "on any",
                      n, all);
        return;
    }
    const char *shared = node_look(libvirt->root, "vcpu/@cpuset");
    draft_unset(section, "Pin");
    if (shared)
        wish_pin(libvirt->wishes, shared, all, node_at(libvirt->root, "vcpu"));
    draft_left(libvirt->wishes->draft, first,
               "vcpupin: only %u of %u vCPUs have a host CPU, and Pin= takes as many as there are vCPUs, or "
               "more; add the "
               "others: Pin=%s,…",
               n, all, pins);
}

void libvirt_read_cputune(Libvirt *libvirt, Node *tune)
{
    static const char *const weights[] = {
        "shares",          "period",         "quota",           "global_period",  "global_quota",
        "emulator_period", "emulator_quota", "iothread_period", "iothread_quota", NULL};

    tune->taken = true;
    read_pins(libvirt, tune);
    for (unsigned i = 0; i < tune->children->len; i++) {
        Node *child = tune->children->pdata[i];
        if (g_str_equal(child->name, "emulatorpin")) {
            set_pin(libvirt, "EmulatorPin", child, "@cpuset");
        } else if (g_str_equal(child->name, "iothreadpin")) {
            set_pin(libvirt, "IOThreadPin", child, "@cpuset");
            node_take(child, "@iothread");
        } else if (g_strv_contains(weights, child->name)) {
            node_take_all(child);
            draft_left(libvirt->wishes->draft, child,
                       "shares of the host's CPUs are systemd's: CPUWeight= and CPUQuota= in a drop-in of "
                       "the guest's unit");
        }
    }
}

static void read_cpu_features(Libvirt *libvirt, Node *cpu)
{
    for (unsigned i = 0; i < cpu->children->len; i++) {
        Node *feature = cpu->children->pdata[i];
        const char *policy = node_look(feature, "@policy"), *name = node_look(feature, "@name");
        if (!g_str_equal(feature->name, "feature") || !name)
            continue;
        bool off = g_strcmp0(policy, "disable") == 0 || g_strcmp0(policy, "forbid") == 0;
        node_take_all(feature);
        if (g_strcmp0(policy, "optional") == 0)
            draft_left(libvirt->wishes->draft, feature,
                       "a feature that the host may lack; add it to Features= if the host has it");
        else
            cpu_wish_feature(libvirt->wishes->cpu, name, off ? "off" : "on", feature);
    }
}

static void read_cache(Libvirt *libvirt, Node *cache)
{
    const char *mode = node_take(cache, "@mode");

    node_take(cache, "@level");
    if (g_strcmp0(mode, "passthrough") == 0) {
        cpu_wish_feature(libvirt->wishes->cpu, "host-cache-info", "on", cache);
        cpu_wish_feature(libvirt->wishes->cpu, "l3-cache", "off", cache);
    } else if (g_strcmp0(mode, "emulate") == 0) {
        cpu_wish_feature(libvirt->wishes->cpu, "l3-cache", "on", cache);
    } else {
        cpu_wish_feature(libvirt->wishes->cpu, "l3-cache", "off", cache);
    }
}

/* Features come before, as Hyper-V's stand elsewhere in the file: only the model is set here. */
void libvirt_read_cpu(Libvirt *libvirt, Node *cpu)
{
    const char *mode = node_take(cpu, "@mode"), *model = node_take(cpu, "model"),
               *migratable = node_take(cpu, "@migratable");
    Node *cache = node_at(cpu, "cache"), *bits = node_at(cpu, "maxphysaddr"), *numa = node_at(cpu, "numa");

    node_take(cpu, "@check");
    node_take(cpu, "@match");
    node_take(cpu, "model/@fallback");
    node_take(cpu, "vendor");
    if (g_strcmp0(mode, "host-passthrough") == 0 || g_strcmp0(mode, "maximum") == 0 ||
        g_strcmp0(mode, "host-model") == 0)
        draft_set(draft_section(libvirt->wishes->draft, "CPU"), "Model", cpu, "host");
    else if (model && *model)
        draft_set(draft_section(libvirt->wishes->draft, "CPU"), "Model", node_at(cpu, "model"), "%s", model);
    if (g_strcmp0(mode, "host-model") == 0)
        draft_differs(libvirt->wishes->draft, cpu,
                      "host-model is the nearest of QEMU's models; Model=host is the host's CPU itself");
    if (g_strcmp0(migratable, "off") == 0)
        cpu_wish_feature(libvirt->wishes->cpu, "migratable", "off", node_at(cpu, "@migratable"));
    if (cache)
        read_cache(libvirt, cache);
    if (bits && node_take_if(bits, "@mode", "passthrough"))
        cpu_wish_feature(libvirt->wishes->cpu, "host-phys-bits", "on", bits);
    else if (bits)
        cpu_wish_feature(libvirt->wishes->cpu, "phys-bits", node_take(bits, "@bits") ?: "40", bits);
    if (numa)
        libvirt_read_numa(libvirt, numa);
    read_cpu_features(libvirt, cpu);
}

static bool state_on(Node *feature)
{
    const char *state = node_take(feature, "@state");

    return !state || g_str_equal(state, "on");
}

static void read_hyperv(Libvirt *libvirt, Node *hyperv)
{
    CpuWish *cpu = libvirt->wishes->cpu;

    if (node_take_if(hyperv, "@mode", "passthrough"))
        cpu_wish_feature(cpu, "hv-relaxed", "on", hyperv);
    node_take(hyperv, "@mode");
    for (unsigned i = 0; i < hyperv->children->len; i++) {
        Node *feature = hyperv->children->pdata[i];
        if (*feature->name == '@')
            continue;
        g_autofree char *name = g_strdup_printf("hv-%s", feature->name);
        const char *retries = node_take(feature, "@retries"), *value = node_take(feature, "@value");
        bool on = state_on(feature);
        cpu_wish_feature(cpu, g_strdelimit(name, "_", '-'), on ? retries ?: value ?: "on" : "off", feature);
        if (!on && g_str_has_prefix(name, "hv-vendor"))
            cpu_wish_feature(cpu, name, "none", feature);
        for (unsigned j = 0; j < feature->children->len; j++) {
            Node *part = feature->children->pdata[j];
            if (*part->name == '@')
                continue;
            g_autofree char *longer =
                g_strdup_printf("%s-%s", name, g_str_equal(part->name, "extended") ? "ext" : part->name);
            cpu_wish_feature(cpu, longer, state_on(part) ? "on" : "off", part);
        }
    }
}

static void read_kvm(Libvirt *libvirt, Node *kvm)
{
    for (unsigned i = 0; i < kvm->children->len; i++) {
        Node *feature = kvm->children->pdata[i];
        bool on = state_on(feature);
        if (g_str_equal(feature->name, "hidden"))
            cpu_wish_feature(libvirt->wishes->cpu, "kvm", on ? "off" : "on", feature);
        else if (g_str_equal(feature->name, "hint-dedicated"))
            cpu_wish_feature(libvirt->wishes->cpu, "kvm-hint-dedicated", on ? "on" : "off", feature);
        else if (g_str_equal(feature->name, "poll-control"))
            cpu_wish_feature(libvirt->wishes->cpu, "kvm-poll-control", on ? "on" : "off", feature);
        else if (g_str_equal(feature->name, "pv-ipi"))
            cpu_wish_feature(libvirt->wishes->cpu, "kvm-pv-ipi", on ? "on" : "off", feature);
    }
}

void libvirt_read_features(Libvirt *libvirt, Node *features)
{
    static const struct {
        const char *name, *why;
    } same[] = {
        {"acpi", "every guest has ACPI and APICs"},
        {"apic", "every guest has ACPI and APICs"},
        {"pae", "every guest has ACPI and APICs"},
        {"vmport", "VMware's port is for guests of VMware's tools; usher turns it off"},
        {"ioapic", "KVM has the interrupt controllers, as devices of the host need it"},
        {"smm", "SecureBoot=yes brings system management mode, and nothing else needs it"},
        {"ps2", "QEMU's board as it is"},
        {"hap", "KVM uses what the host's CPU has"},
    };
    Node *hyperv = node_at(features, "hyperv"), *kvm = node_at(features, "kvm"),
         *msrs = node_at(features, "msrs");
    Node *pmu = node_at(features, "pmu"), *eoi = node_at(features, "pvspinlock");

    for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
        Node *found = node_at(features, same[i].name);
        if (found)
            draft_same(libvirt->wishes->draft, found, same[i].why);
    }
    if (hyperv)
        read_hyperv(libvirt, hyperv);
    if (kvm)
        read_kvm(libvirt, kvm);
    if (msrs) {
        node_take_all(msrs);
        draft_left(
            libvirt->wishes->draft, msrs,
            "msrs: which unknown registers are ignored is the host's choice: options kvm ignore_msrs=1 in "
            "/etc/modprobe.d");
    }
    if (pmu)
        cpu_wish_feature(libvirt->wishes->cpu, "pmu", state_on(pmu) ? "on" : "off", pmu);
    if (eoi)
        cpu_wish_feature(libvirt->wishes->cpu, "kvm-pv-unhalt", state_on(eoi) ? "on" : "off", eoi);
}

static void read_timer(Libvirt *libvirt, Node *timer)
{
    const char *name = node_take(timer, "@name"), *present = node_take(timer, "@present");
    Node *policy = node_at(timer, "@tickpolicy"), *track = node_at(timer, "@track"),
         *mode = node_at(timer, "@mode");
    bool off = g_strcmp0(present, "no") == 0;

    if (g_strcmp0(name, "hpet") == 0 && present)
        wish_hpet(libvirt->wishes, !off, timer);
    else if (g_strcmp0(name, "hypervclock") == 0)
        cpu_wish_feature(libvirt->wishes->cpu, "hv-time", off ? "off" : "on", timer);
    else if (g_strcmp0(name, "kvmclock") == 0)
        cpu_wish_feature(libvirt->wishes->cpu, "kvmclock", off ? "off" : "on", timer);
    else if (g_strcmp0(name, "tsc") == 0)
        draft_differs(
            libvirt->wishes->draft, timer,
            "tsc: a guest has the host's time stamp counter; Features=+invtsc says that it is steady");
    else if (off)
        draft_differs(libvirt->wishes->draft, timer,
                      "%s: the board always has this timer; a guest that has a better one leaves it alone",
                      name ?: "a timer");
    Node *details[] = {policy, track, mode};
    for (size_t i = 0; i < G_N_ELEMENTS(details); i++)
        if (details[i])
            draft_same(libvirt->wishes->draft, details[i],
                       "usher chooses the timers' policies that guests with devices do best with");
}

void libvirt_read_clock(Libvirt *libvirt, Node *clock)
{
    const char *offset = node_take(clock, "@offset"), *zone = node_take(clock, "@timezone");
    Node *adjustment = node_at(clock, "@adjustment"), *basis = node_at(clock, "@basis");

    if (g_strcmp0(offset, "variable") == 0) {
        wish_clock(libvirt->wishes,
                   g_strcmp0(basis ? basis->value : NULL, "localtime") == 0 ? "localtime" : "utc", clock);
        draft_differs(libvirt->wishes->draft, clock, "the guest's clock starts at the host's time each time");
    } else if (offset) {
        wish_clock(libvirt->wishes, zone ?: offset, clock);
    }
    if (adjustment)
        draft_same(libvirt->wishes->draft, adjustment,
                   "the guest's clock starts at the host's time each time");
    if (basis)
        node_take_all(basis);
    for (unsigned i = 0; i < clock->children->len; i++) {
        Node *timer = clock->children->pdata[i];
        if (g_str_equal(timer->name, "timer"))
            read_timer(libvirt, timer);
    }
}
