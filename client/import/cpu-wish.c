/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-wish.h"

#include <string.h>

#include "../../daemon/base/cleanup.h"

typedef struct Feature {
    char *name, *value;
    char *from; /* its title */
} Feature;

struct CpuWish {
    char *model;
    const Node *from;
    GPtrArray *features; /* of Feature, each name once */
};

/* What HyperV=yes brings: daemon/core/qemu/cpu.c. */
static const char *const enlightenments[] = {
    "hv-relaxed", "hv-vapic",       "hv-spinlocks", "hv-vpindex",  "hv-runtime", "hv-time", "hv-synic",
    "hv-stimer",  "hv-frequencies", "hv-reset",     "hv-tlbflush", "hv-ipi",     NULL};

DEFINE_ELEMENT_FREE(Feature, feature_free, feature)
{
    g_free(feature->name);
    g_free(feature->value);
    g_free(feature->from);
}

CpuWish *cpu_wish_new(void)
{
    CpuWish *cpu = g_new0(CpuWish, 1);

    cpu->features = g_ptr_array_new_with_free_func(feature_free);
    return cpu;
}

DEFINE_FREE(CpuWish, cpu_wish_free, cpu)
{
    g_ptr_array_unref(cpu->features);
    g_free(cpu->model);
}

bool cpu_wish_begin(CpuWish *cpu, const char *model, const Node *from)
{
    bool any = cpu->model || cpu->features->len > 0;

    g_ptr_array_set_size(cpu->features, 0);
    g_free(cpu->model);
    cpu->model = g_strdup(model);
    cpu->from = from;
    return any;
}

void cpu_wish_feature(CpuWish *cpu, const char *word, const char *value, const Node *from)
{
    g_autofree char *name = g_strdup(word);

    /* QEMU takes hv_relaxed for hv-relaxed, and so for all others. */
    if (g_str_has_prefix(name, "hv_") || g_str_has_prefix(name, "kvm_"))
        g_strdelimit(name, "_", '-');
    for (unsigned i = cpu->features->len; i-- > 0;)
        if (g_str_equal(((Feature *)cpu->features->pdata[i])->name, name))
            g_ptr_array_remove_index(cpu->features, i);
    Feature *feature = g_new0(Feature, 1);
    feature->name = g_steal_pointer(&name);
    feature->value = g_strdup(value);
    feature->from = node_title(from);
    g_ptr_array_add(cpu->features, feature);
}

static bool is(const Feature *feature, const char *name, const char *value)
{
    return g_str_equal(feature->name, name) && g_str_equal(feature->value, value);
}

/* Whether [CPU] Features= takes it so; the settling would take out the whole line for one that it does not.
 */
static bool add_feature(Draft *draft, GString *features, const Feature *feature)
{
    g_autofree char *word = NULL;

    if (g_str_equal(feature->value, "on"))
        word = g_strdup_printf("+%s", feature->name);
    else if (g_str_equal(feature->value, "off"))
        word = g_strdup_printf("-%s", feature->name);
    else
        word = g_strdup_printf("%s=%s", feature->name, feature->value);
    if (!draft_takes("CPU", "Features", word))
        return false;
    g_string_append_printf(features, "%s%s", features->len > 0 ? "," : "", word);
    return true;
}

/* Hyper-V's own. Whether it needs no word among the features. */
static bool write_enlightenment(Draft *draft, const Feature *feature)
{
    DraftSection *section = draft_section(draft, "CPU");
    bool on = !g_str_equal(feature->value, "off");

    if (g_strv_contains(enlightenments, feature->name) && on) {
        Node from = {.shown = feature->from};
        draft_set(section, "HyperV", &from, "yes");
        if (g_str_equal(feature->name, "hv-spinlocks") && !g_str_equal(feature->value, "8191") &&
            !g_str_equal(feature->value, "0x1fff") && !g_str_equal(feature->value, "on"))
            draft_differs(draft, &from, "HyperV=yes has the guest try 8191 times, as Microsoft advises");
        return true;
    }
    return false;
}

static bool write_vendor(const CpuWish *cpu, Draft *draft, const Feature *feature)
{
    Node from = {.shown = feature->from};
    bool hidden = g_strcmp0(draft_get(draft_section(draft, "CPU"), "HideHypervisor"), "yes") == 0;

    if (!g_str_equal(feature->name, "hv-vendor-id"))
        return false;
    for (unsigned i = 0; i < cpu->features->len; i++)
        hidden = hidden || is(cpu->features->pdata[i], "kvm", "off");
    if (is(feature, "hv-vendor-id", "off") || is(feature, "hv-vendor-id", "none"))
        return true;
    if (hidden)
        draft_differs(draft, &from,
                      "the vendor id is a text of usher's own, with HideHypervisor=yes; drivers only look "
                      "whether the text is Microsoft's");
    else
        draft_left(draft, &from,
                   "the guest sees another vendor only where KVM is hidden, too: HideHypervisor=yes, which "
                   "costs the guest KVM's clock; add it if a driver refuses to run");
    return true;
}

static bool write_own(const CpuWish *cpu, Draft *draft, const Feature *feature)
{
    Node from = {.shown = feature->from};

    if (is(feature, "kvm", "off") || is(feature, "kvm", "on")) {
        draft_set(draft_section(draft, "CPU"), "HideHypervisor", &from, "%s",
                  is(feature, "kvm", "off") ? "yes" : "no");
        return true;
    }
    return write_vendor(cpu, draft, feature) ||
           (g_str_has_prefix(feature->name, "hv-") && write_enlightenment(draft, feature));
}

static void write_features(CpuWish *cpu, Draft *draft)
{
    g_autoptr(GString) features = g_string_new(NULL), sources = g_string_new(NULL);

    for (unsigned i = 0; i < cpu->features->len; i++) {
        const Feature *feature = cpu->features->pdata[i];
        if (write_own(cpu, draft, feature))
            continue;
        if (add_feature(draft, features, feature)) {
            if (!strstr(sources->str, feature->from))
                g_string_append_printf(sources, "%s%s", sources->len > 0 ? ", " : "", feature->from);
            continue;
        }
        Node from = {.shown = feature->from};
        draft_left(draft, &from, "[CPU] Features= does not take %s=%s", feature->name, feature->value);
    }
    if (features->len > 0) {
        Node from = {.shown = sources->str};
        draft_set(draft_section(draft, "CPU"), "Features", &from, "%s", features->str);
    }
}

void cpu_wish_write(CpuWish *cpu, Draft *draft)
{
    DraftSection *section = draft_section(draft, "CPU");

    if (cpu->model)
        draft_set(section, "Model", cpu->from, "%s", cpu->model);
    write_features(cpu, draft);
    if (g_strcmp0(draft_get(section, "HyperV"), "yes") == 0)
        draft_differs(draft, NULL,
                      "HyperV=yes: the guest gets all enlightenments that usher knows, not only those that "
                      "were named; Windows uses what it needs");
}
