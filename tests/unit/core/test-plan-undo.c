/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans carried out and undone over a model of the kernel that is nothing but values. */
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/plan/plan.h"
#include "../suite.h"
#include "a-host.h"

typedef struct Function {
    PciAddress address;
    int group;
    bool lent;    /* put on vfio-pci by the plan, not from the beginning */
    char *native; /* the driver that finds the device by itself */
    char *driver, *override, *power, *d3cold;
} Function;

typedef struct Kernel {
    GPtrArray *functions; /* of Function */
    bool vfio_pci;
    GHashTable *nodes; /* "/dev/vfio/N" → owner */
} Kernel;

DEFINE_ELEMENT_FREE(Function, function_free, f)
{
    g_free(f->native);
    g_free(f->driver);
    g_free(f->override);
    g_free(f->power);
    g_free(f->d3cold);
}

static void set(char **value, const char *text)
{
    g_free(*value);
    *value = g_strdup(text);
}

static Kernel *kernel_of(const Host *host)
{
    Kernel *kernel = g_new0(Kernel, 1);
    kernel->functions = g_ptr_array_new_with_free_func(function_free);
    kernel->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    kernel->vfio_pci = host->vfio_pci;
    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *d = g_ptr_array_index(host->devices, i);
        Function *f = g_new0(Function, 1);
        f->address = d->address;
        f->group = d->group;
        f->driver = g_strdup(d->driver ? d->driver : "");
        f->native = g_strdup(strcmp(f->driver, "vfio-pci") == 0 ? "" : f->driver);
        f->override = g_strdup(d->override ? d->override : "");
        f->power = g_strdup(d->power.control);
        f->d3cold = g_strdup(d->power.d3cold_allowed);
        g_ptr_array_add(kernel->functions, f);
        if (strcmp(f->driver, "vfio-pci") == 0)
            g_hash_table_replace(kernel->nodes, g_strdup_printf("/dev/vfio/%d", f->group), g_strdup("0:0"));
    }
    return kernel;
}

static void kernel_free(Kernel *kernel)
{
    g_ptr_array_unref(kernel->functions);
    g_hash_table_unref(kernel->nodes);
    g_free(kernel);
}

static char *kernel_text(const Kernel *kernel)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < kernel->functions->len; i++) {
        const Function *f = g_ptr_array_index(kernel->functions, i);
        g_string_append_printf(text, "%s driver=%s override=%s power=%s d3cold=%s\n",
                               PCI_ADDRESS_STR(f->address), f->driver, f->override, f->power, f->d3cold);
    }
    g_autoptr(GList) nodes = g_list_sort(g_hash_table_get_keys(kernel->nodes), (GCompareFunc)strcmp);
    for (GList *n = nodes; n; n = n->next)
        g_string_append_printf(text, "%s %s\n", (char *)n->data,
                               (char *)g_hash_table_lookup(kernel->nodes, n->data));
    return g_string_free(text, FALSE);
}

static Function *function_of(Kernel *kernel, const char *address)
{
    for (unsigned i = 0; i < kernel->functions->len; i++) {
        Function *f = g_ptr_array_index(kernel->functions, i);
        if (strcmp(PCI_ADDRESS_STR(f->address), address) == 0)
            return f;
    }
    ck_abort_msg("%s is not there", address);
}

static bool group_on_vfio(const Kernel *kernel, int group)
{
    for (unsigned i = 0; i < kernel->functions->len; i++) {
        const Function *f = g_ptr_array_index(kernel->functions, i);
        if (f->group == group && strcmp(f->driver, "vfio-pci") == 0)
            return true;
    }
    return false;
}

static bool group_lent(const Kernel *kernel, int group)
{
    for (unsigned i = 0; i < kernel->functions->len; i++) {
        const Function *f = g_ptr_array_index(kernel->functions, i);
        if (f->group == group && f->lent)
            return true;
    }
    return false;
}

static void kernel_unbind(Kernel *kernel, Function *f)
{
    bool was_vfio = strcmp(f->driver, "vfio-pci") == 0;
    f->lent = false;
    set(&f->driver, "");
    if (was_vfio && f->power)
        set(&f->power, "on");
    if (was_vfio && !group_on_vfio(kernel, f->group)) {
        g_autofree char *node = g_strdup_printf("/dev/vfio/%d", f->group);
        g_hash_table_remove(kernel->nodes, node);
    }
}

static void kernel_probe(Kernel *kernel, Function *f)
{
    const char *driver = f->override[0] ? f->override : f->native;

    ck_assert_str_eq(f->driver, "");
    if (strcmp(driver, "vfio-pci") == 0) {
        ck_assert(kernel->vfio_pci);
        f->lent = true;
        if (!group_on_vfio(kernel, f->group))
            g_hash_table_replace(kernel->nodes, g_strdup_printf("/dev/vfio/%d", f->group), g_strdup("0:0"));
        if (f->power)
            set(&f->power, "auto");
    } else if (driver[0] && f->power) {
        /* As a driver does that lets its device sleep. */
        set(&f->power, "auto");
    }
    set(&f->driver, driver);
}

static char **kernel_value(Kernel *kernel, const Step *step)
{
    Function *f = function_of(kernel, step->subject);
    switch (step->kind) {
    case STEP_POWER_CONTROL:
        return &f->power;
    case STEP_D3COLD:
        return &f->d3cold;
    case STEP_DRIVER:
        return &f->driver;
    default:
        return &f->override;
    }
}

static void assert_live(const Step *step, const char *live)
{
    ck_assert_msg(step_kind_held(step->kind) || g_strcmp0(live, step->before) == 0, "%s of %s is %s, not %s",
                  step_kind_to_string(step->kind), step->subject, live, step->before);
}

/* As the executor would, with the kernel's answer checked. */
static void take(Kernel *kernel, const Step *step)
{
    if (step->kind == STEP_MODULE) {
        kernel->vfio_pci = true;
        return;
    }
    if (step->kind == STEP_NODE_OWNER) {
        assert_live(step, g_hash_table_lookup(kernel->nodes, step->subject));
        g_hash_table_replace(kernel->nodes, g_strdup(step->subject), g_strdup(step->after));
        return;
    }

    char **value = kernel_value(kernel, step);
    assert_live(step, *value);
    Function *f = function_of(kernel, step->subject);
    if (step->kind != STEP_DRIVER)
        set(value, step->after);
    else if (step->after[0] == '\0')
        kernel_unbind(kernel, f);
    else
        kernel_probe(kernel, f);
    ck_assert_msg(strcmp(*value, step->after) == 0, "%s of %s became %s, not %s",
                  step_kind_to_string(step->kind), step->subject, *value, step->after);
}

/* The kernel refuses a driver of the host's for a device whose sibling is in use, and leaves that device
 * without any: so all lent devices are back before the first gets its driver. */
static void take_back(Kernel *kernel, const Step *taken)
{
    g_autoptr(Step) step = step_undo(taken);
    bool to_host = step->kind == STEP_DRIVER && step->after[0] && strcmp(step->after, "vfio-pci") != 0;
    if (to_host)
        ck_assert_msg(!group_lent(kernel, function_of(kernel, step->subject)->group),
                      "%s goes back to %s while its group is lent", step->subject, step->after);
    take(kernel, step);
}

/* Takes the first n steps, undoes them, and compares with the beginning. */
static void assert_undone(const Host *host, const Plan *plan, unsigned n)
{
    Kernel *kernel = kernel_of(host);
    g_autofree char *before = kernel_text(kernel);

    for (unsigned i = 0; i < n; i++)
        take(kernel, g_ptr_array_index(plan->steps, i));
    for (unsigned i = n; i-- > 0;) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        if (!step_kind_kept(step->kind))
            take_back(kernel, step);
    }
    g_autofree char *after = kernel_text(kernel);
    ck_assert_str_eq(after, before);
    kernel_free(kernel);
}

static void assert_undone_from_everywhere(const Host *host, const Plan *plan)
{
    for (unsigned n = 0; n <= plan->steps->len; n++)
        assert_undone(host, plan, n);
}

START_TEST(a_gpu_comes_back_from_every_step)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    BindWish wish = {.address = address_of("0000:01:00.0")};
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    host->vfio_pci = false;
    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, &fault), 0);
    assert_undone_from_everywhere(host, plan);
}
END_TEST

START_TEST(the_whole_group_of_a_guest_comes_back_from_every_step)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 12, "e1000e")->override = g_strdup("vfio-pci");
    a_device(host, "0000:02:00.1", 12, NULL)->override = g_strdup("none");
    a_device(host, "0000:03:00.0", 9, "xhci_hcd")->override = g_strdup("xhci_hcd");
    DefinitionPci gpu = {.name = "gpu", .address = address_of("0000:01:00.0"), .whole_group = true};
    DefinitionPci usb = {.name = "usb", .address = address_of("0000:03:00.0")};
    g_autoptr(GPtrArray) sections = g_ptr_array_new();
    g_ptr_array_add(sections, &gpu);
    g_ptr_array_add(sections, &usb);
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    GuestDefinition guest = {
        .name = "win10", .memory.numa = none, .pci = sections, .networks = none, .usbs = none};

    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(plan_start(host, NULL, &guest, &plan, &fault), 0);
    assert_undone_from_everywhere(host, plan);
}
END_TEST

START_TEST(with_all_steps_taken_every_endpoint_of_the_group_is_on_vfio_pci)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 12, "e1000e");
    BindWish wish = {.address = address_of("0000:01:00.0"), .whole_group = true};
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, &fault), 0);

    Kernel *kernel = kernel_of(host);
    for (unsigned i = 0; i < plan->steps->len; i++)
        take(kernel, g_ptr_array_index(plan->steps, i));
    ck_assert_str_eq(function_of(kernel, "0000:01:00.0")->driver, "vfio-pci");
    ck_assert_str_eq(function_of(kernel, "0000:01:00.1")->driver, "vfio-pci");
    ck_assert_str_eq(function_of(kernel, "0000:02:00.0")->driver, "vfio-pci");
    ck_assert_str_eq(function_of(kernel, "0000:00:01.0")->driver, "pcieport");
    kernel_free(kernel);
}
END_TEST

static const char *pick(GRand *rand, const char *const *choices, int n)
{
    return choices[g_rand_int_range(rand, 0, n)];
}

/* A machine as nobody would build it. */
static Host *a_random_host(GRand *rand)
{
    static const char *const drivers[] = {NULL,       "radeon",  "nvme", "e1000e", "snd_hda_intel",
                                          "vfio-pci", "pci-stub"};
    static const char *const overrides[] = {NULL, NULL, NULL, "none", "vfio-pci", "radeon", "nvme"};
    static const char *const powers[] = {NULL, "on", "auto"};
    static const char *const d3colds[] = {NULL, "0", "1"};
    Host *host = a_host();
    host->vfio_pci = g_rand_boolean(rand);

    for (unsigned slot = 0; slot < 4; slot++)
        for (unsigned function = 0; function < 4; function++) {
            if (g_rand_int_range(rand, 0, 3) == 0)
                continue;
            HostDevice *d = host_add(host, (PciAddress){.bus = slot, .function = function});
            d->group = g_rand_int_range(rand, 1, 5);
            d->bridge = g_rand_int_range(rand, 0, 8) == 0;
            d->driver = g_strdup(d->bridge ? "pcieport" : pick(rand, drivers, G_N_ELEMENTS(drivers)));
            d->override = g_strdup(pick(rand, overrides, G_N_ELEMENTS(overrides)));
            d->power.control = g_strdup(pick(rand, powers, G_N_ELEMENTS(powers)));
            d->power.d3cold_allowed = g_strdup(pick(rand, d3colds, G_N_ELEMENTS(d3colds)));
        }
    host_sort(host);
    return host;
}

START_TEST(whatever_is_planned_can_be_undone_from_every_step)
{
    unsigned planned = 0, refused = 0;

    for (unsigned seed = 0; seed < 2000; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        g_autoptr(Host) host = a_random_host(rand);
        BindWish wish = {
            .address = {.bus = g_rand_int_range(rand, 0, 4), .function = g_rand_int_range(rand, 0, 4)},
            .functions = g_rand_int_range(rand, 0, 16),
            .whole_group = g_rand_int_range(rand, 0, 4) > 0,
        };
        g_autoptr(Plan) plan = NULL;
        _cleanup_fault_ Fault *fault = NULL;
        int r = plan_bind(host, NULL, &wish, &plan, &fault);
        ck_assert_int_ge(r, 0);
        if (r == 0)
            assert_undone_from_everywhere(host, plan);
        planned += r == 0;
        refused += r != 0;
    }
    /* Seeds that only ever refuse would prove nothing. */
    ck_assert_uint_gt(planned, 400);
    ck_assert_uint_gt(refused, 400);
}
END_TEST

SUITE("plan-undo", a_gpu_comes_back_from_every_step, the_whole_group_of_a_guest_comes_back_from_every_step,
      with_all_steps_taken_every_endpoint_of_the_group_is_on_vfio_pci,
      whatever_is_planned_can_be_undone_from_every_step)
