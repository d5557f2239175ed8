/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/edge/hand/step-act.h"
#include "../fake-host.h"
#include "../suite.h"

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"

static FakeHost *a_host_with_a_gpu(void)
{
    FakeHost *host = fake_host_new();
    fake_host_add_bridge(host, "0000:00:01.0", NULL, 12);
    fake_host_add_gpu(host, "0000:01:00", "0000:00:01.0", 12);
    return host;
}

static StepPlace place_of(const FakeHost *host)
{
    return (StepPlace){.sys_fd = fake_host_sys_fd(host),
                       .dev_fd = fake_host_dev_fd(host),
                       .proc_fd = fake_host_proc_fd(host)};
}

typedef struct Result {
    WorkerVerdict outcome;
    char *live;
    int error;
} Result;

static Result act(const FakeHost *host, StepKind kind, const char *subject, const char *before,
                  const char *after)
{
    g_autoptr(Step) step = step_new(kind, subject, before, after);
    StepPlace place = place_of(host);
    Result result = {.error = 1};
    g_autoptr(GPtrArray) holders = NULL;
    result.outcome = step_act(&place, step, &result.live, &result.error, &holders);
    ck_assert_ptr_null(holders);
    return result;
}

static void assert_done(Result result, const char *live)
{
    ck_assert_msg(result.outcome == WORKER_DONE, "%d, %s, %s", result.outcome, result.live,
                  strerror(-result.error));
    ck_assert_pstr_eq(result.live, live);
    g_free(result.live);
}

static void assert_drift(Result result, const char *live)
{
    ck_assert_int_eq(result.outcome, WORKER_DRIFT);
    ck_assert_pstr_eq(result.live, live);
    g_free(result.live);
}

static void assert_failed(Result result, int error, const char *live)
{
    ck_assert_int_eq(result.outcome, WORKER_FAILED);
    ck_assert_int_eq(result.error, error);
    ck_assert_pstr_eq(result.live, live);
    g_free(result.live);
}

/* What step_read() says of a subject: its value, "(gone)", or "(error N)". */
static char *look(const FakeHost *host, StepKind kind, const char *subject)
{
    g_autoptr(Step) step = step_new(kind, subject, "", "");
    StepPlace place = place_of(host);
    char *live = NULL;
    int r = step_read(&place, step, &live);
    if (r < 0)
        return g_strdup_printf("(error %d)", -r);
    return live ? live : g_strdup("(gone)");
}

static void assert_live(const FakeHost *host, StepKind kind, const char *subject, const char *expected)
{
    g_autofree char *live = look(host, kind, subject);
    ck_assert_str_eq(live, expected);
}

START_TEST(values_are_read_as_steps_write_them)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_live(host, STEP_MODULE, "vfio_pci", "live");
    assert_live(host, STEP_POWER_CONTROL, AUDIO, "auto");
    assert_live(host, STEP_D3COLD, AUDIO, "1");
    assert_live(host, STEP_DRIVER, GPU, "radeon");
    assert_live(host, STEP_OVERRIDE, GPU, "");
    fake_host_set_driver(host, GPU, NULL);
    assert_live(host, STEP_DRIVER, GPU, "");
    fake_host_set_override(host, GPU, "vfio-pci");
    assert_live(host, STEP_OVERRIDE, GPU, "vfio-pci");
    /* Kernels differ in what they show for none. */
    fake_host_set_override(host, GPU, "");
    assert_live(host, STEP_OVERRIDE, GPU, "");
}
END_TEST

START_TEST(what_is_not_there_is_gone_and_no_error)
{
    g_autoptr(FakeHost) host = fake_host_new();
    assert_live(host, STEP_DRIVER, GPU, "(gone)");
    assert_live(host, STEP_OVERRIDE, GPU, "(gone)");
    assert_live(host, STEP_POWER_CONTROL, GPU, "(gone)");
    assert_live(host, STEP_D3COLD, GPU, "(gone)");
    assert_live(host, STEP_NODE_OWNER, "/dev/vfio/12", "(gone)");
}
END_TEST

START_TEST(a_subject_leads_nowhere_else)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    g_autofree char *einval = g_strdup_printf("(error %d)", EINVAL);
    static const char *const addresses[] = {"",
                                            ".",
                                            "../../../bus/pci/devices/0000:01:00.0",
                                            "0000:01:00.0/",
                                            "01:00.0",
                                            "0000:01:00.0/../0000:01:00.1"};
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
        for (StepKind kind = STEP_POWER_CONTROL; kind <= STEP_OVERRIDE; kind++)
            assert_live(host, kind, addresses[i], einval);

    static const char *const nodes[] = {"/dev/vfio/", "/dev/vfio/vfio", "/dev/vfio/1/../../kvm", "/dev/kvm",
                                        "12",         "/dev/vfio/-1",   "/dev/vfio/12 "};
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        assert_live(host, STEP_NODE_OWNER, nodes[i], einval);
    assert_live(host, STEP_MODULE, "nouveau", einval);
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(a_driver_is_unbound)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_done(act(host, STEP_DRIVER, GPU, "radeon", ""), "");
    assert_live(host, STEP_DRIVER, GPU, "");
    ck_assert_uint_eq(fake_host_writes(host), 1);
}
END_TEST

START_TEST(a_device_is_probed_to_the_driver_of_its_override)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, NULL);
    assert_done(act(host, STEP_OVERRIDE, GPU, "", "vfio-pci"), "vfio-pci");
    assert_done(act(host, STEP_DRIVER, GPU, "", "vfio-pci"), "vfio-pci");
    assert_done(act(host, STEP_DRIVER, GPU, "vfio-pci", ""), "");
    assert_done(act(host, STEP_OVERRIDE, GPU, "vfio-pci", ""), "");
    assert_done(act(host, STEP_DRIVER, GPU, "", "radeon"), "radeon");
    ck_assert_uint_eq(fake_host_writes(host), 5);
}
END_TEST

START_TEST(what_is_done_already_is_not_written_again)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_done(act(host, STEP_DRIVER, GPU, "nouveau", "radeon"), "radeon");
    assert_done(act(host, STEP_POWER_CONTROL, GPU, "auto", "on"), "on");
    assert_done(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), "live");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(what_somebody_else_changed_is_left_alone)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_drift(act(host, STEP_DRIVER, GPU, "nouveau", ""), "radeon");
    fake_host_set_override(host, GPU, "none");
    assert_drift(act(host, STEP_OVERRIDE, GPU, "", "vfio-pci"), "none");
    assert_drift(act(host, STEP_DRIVER, "0000:09:00.0", "radeon", ""), NULL);
    assert_drift(act(host, STEP_POWER_CONTROL, "0000:09:00.0", "auto", "on"), NULL);
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(a_held_value_is_written_whatever_it_is)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_done(act(host, STEP_POWER_CONTROL, AUDIO, "on", "on"), "on");
    fake_host_set_power_control(host, AUDIO, "auto");
    assert_done(act(host, STEP_POWER_CONTROL, AUDIO, "something", "on"), "on");
    assert_done(act(host, STEP_D3COLD, AUDIO, "0", "0"), "0");
    ck_assert_uint_eq(fake_host_writes(host), 3);
}
END_TEST

START_TEST(a_probe_that_binds_nothing_has_failed)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_fail_probe(host, GPU);
    assert_failed(act(host, STEP_DRIVER, GPU, "", "radeon"), -EIO, "");
    assert_done(act(host, STEP_DRIVER, GPU, "", "radeon"), "radeon");
}
END_TEST

START_TEST(a_probe_that_binds_another_driver_has_failed)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, NULL);
    assert_failed(act(host, STEP_DRIVER, GPU, "", "vfio-pci"), -EIO, "radeon");
}
END_TEST

START_TEST(a_driver_that_is_not_there_is_not_probed_for)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_unload_driver(host, "radeon");
    assert_failed(act(host, STEP_DRIVER, GPU, "", "radeon"), -ENOPKG, "");
    assert_failed(act(host, STEP_DRIVER, GPU, "", ".."), -ENOPKG, "");
    assert_failed(act(host, STEP_DRIVER, GPU, "", "../devices"), -ENOPKG, "");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(a_driver_step_goes_from_or_to_none)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_failed(act(host, STEP_DRIVER, GPU, "radeon", "vfio-pci"), -EINVAL, "radeon");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(the_error_of_a_write_is_told)
{
    static const int errors[] = {EACCES, EBUSY, EINVAL, EIO, ENODEV, ENOMEM, EPERM};
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autoptr(FakeHost) host = a_host_with_a_gpu();
        fake_host_fail_write(host, 0, errors[i]);
        assert_failed(act(host, STEP_DRIVER, GPU, "radeon", ""), -errors[i], "radeon");
    }
}
END_TEST

START_TEST(a_write_that_complained_and_worked_is_done)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_complain_at_write(host, 0, EIO);
    assert_done(act(host, STEP_DRIVER, GPU, "radeon", ""), "");
}
END_TEST

START_TEST(a_module_is_loaded_where_its_driver_is_missing)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_unload_vfio_pci(host);
    assert_live(host, STEP_MODULE, "vfio_pci", "absent");
    assert_done(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), "live");
    ck_assert_uint_eq(fake_host_writes(host), 1);
}
END_TEST

START_TEST(a_module_that_is_not_installed_is_told_so)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_unload_vfio_pci(host);
    fake_host_lose_vfio_pci(host);
    assert_failed(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), -ENOPKG, "absent");
    fake_host_fail_write(host, 0, ENOENT);
    assert_failed(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), -ENOENT, "absent");
}
END_TEST

START_TEST(a_module_is_never_unloaded)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_failed(act(host, STEP_MODULE, "vfio_pci", "live", "absent"), -EINVAL, "live");
}
END_TEST

static mode_t mode_of(const FakeHost *host, const char *node)
{
    struct stat st;
    ck_assert_int_eq(fstatat(fake_host_dev_fd(host), node, &st, 0), 0);
    return st.st_mode & 07777;
}

START_TEST(a_node_is_handed_over_and_given_back)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, "vfio-pci");
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", "64001:64002"), "64001:64002");
    assert_live(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002", "0:0"), "0:0");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
}
END_TEST

START_TEST(a_node_that_others_could_open_is_closed_to_them)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, "vfio-pci");
    ck_assert_int_eq(fchmodat(fake_host_dev_fd(host), "vfio/12", 0666, 0), 0);
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", "64001:64002"), "64001:64002");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
    ck_assert_int_eq(fchmodat(fake_host_dev_fd(host), "vfio/12", 0666, 0), 0);
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002", "0:0"), "0:0");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
}
END_TEST

START_TEST(a_node_that_has_gone_is_given_back_but_cannot_be_handed_over)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002", "0:0"), NULL);
    assert_drift(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", "64001:64002"), NULL);
}
END_TEST

START_TEST(an_owner_is_two_numbers)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, "vfio-pci");
    static const char *const owners[] = {
        STEP_VALUE_GUEST, "",          "64001",        "64001:",       ":64001",      "64001:64002:64003",
        "-1:-1",          "root:root", "4294967295:0", "0:4294967295", "64001: 64002"};
    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++)
        assert_failed(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", owners[i]), -EINVAL, "0:0");
}
END_TEST

START_TEST(a_link_in_the_place_of_a_node_is_not_followed)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    ck_assert_int_eq(symlinkat("vfio", fake_host_dev_fd(host), "vfio/13"), 0);
    assert_failed(act(host, STEP_NODE_OWNER, "/dev/vfio/13", "0:0", "64001:64002"), -ELOOP, NULL);
    struct stat st;
    ck_assert_int_eq(fstatat(fake_host_dev_fd(host), "vfio/vfio", &st, 0), 0);
    ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

START_TEST(huge_pages_are_made_on_a_node)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_node(host, 0, 7, 20);
    assert_done(act(host, STEP_HUGE_PAGES, "node0/2048kB", "7", "12"), "12");
    ck_assert_uint_eq(fake_host_huge_pages(host, 0), 12);
    assert_drift(act(host, STEP_HUGE_PAGES, "node0/2048kB", "7", "13"), "12");
    assert_drift(act(host, STEP_HUGE_PAGES, "node0/2048kB", "7", "12"), "12");
    /* As many as there is memory for. */
    assert_failed(act(host, STEP_HUGE_PAGES, "node0/2048kB", "12", "30"), -EIO, "20");
    assert_failed(act(host, STEP_HUGE_PAGES, "node1/2048kB", "0", "30"), -ENOENT, NULL);
    assert_failed(act(host, STEP_HUGE_PAGES, "node0/../x", "0", "30"), -EINVAL, NULL);
    assert_failed(act(host, STEP_HUGE_PAGES, "node0/2048kB/x", "0", "30"), -EINVAL, NULL);
}
END_TEST

START_TEST(a_governor_is_chosen_for_one_processor)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_cpus(host, 4, "schedutil");
    assert_done(act(host, STEP_GOVERNOR, "cpu2", "schedutil", "performance"), "performance");
    assert_done(act(host, STEP_GOVERNOR, "cpu2", "schedutil", "performance"), "performance");
    assert_drift(act(host, STEP_GOVERNOR, "cpu2", "powersave", "schedutil"), "performance");
    assert_failed(act(host, STEP_GOVERNOR, "cpu1", "schedutil", "turbo"), -EINVAL, "schedutil");
    assert_failed(act(host, STEP_GOVERNOR, "cpu1/../cpu2", "performance", "schedutil"), -EINVAL, NULL);
    assert_failed(act(host, STEP_GOVERNOR, "cpu01", "performance", "schedutil"), -EINVAL, NULL);
    /* What set the governor has gone, or the host CPU was switched off meanwhile. */
    assert_drift(act(host, STEP_GOVERNOR, "cpu9", "performance", "schedutil"), NULL);
    fake_host_switch_off_cpu(host, 2);
    assert_drift(act(host, STEP_GOVERNOR, "cpu2", "performance", "schedutil"), NULL);
}
END_TEST

START_TEST(virtual_functions_are_made_without_a_driver_and_unmade)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_network_card(host, "0000:02:00.0", NULL, 20, "eth0");
    fake_host_add_sriov(host, "0000:02:00.0", 4, 21, "igbvf");
    assert_done(act(host, STEP_AUTOPROBE, "0000:02:00.0", "1", "0"), "0");
    assert_done(act(host, STEP_FUNCTIONS, "0000:02:00.0", "0", "2"), "2");
    assert_live(host, STEP_DRIVER, "0000:02:00.4", "");
    assert_drift(act(host, STEP_FUNCTIONS, "0000:02:00.0", "0", "3"), "2");
    assert_done(act(host, STEP_FUNCTIONS, "0000:02:00.0", "2", "0"), "0");
    assert_live(host, STEP_DRIVER, "0000:02:00.4", "(gone)");
    assert_failed(act(host, STEP_FUNCTIONS, "0000:02:00.0", "0", "5"), -ERANGE, "0");
    assert_live(host, STEP_FUNCTIONS, "../../x", "(error 22)");
}
END_TEST

#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define OTHER "4b20d080-1b54-4048-85b3-a6a62d165c02"
#define MADE "nvidia-63@0000:01:00.0"

START_TEST(a_mediated_device_is_made_and_removed)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_add_mediated_type(host, GPU, "nvidia-63", "GRID M60-2Q", 1, 40);
    assert_live(host, STEP_MEDIATED, UUID, "(error 22)");
    assert_done(act(host, STEP_MEDIATED, UUID, "", MADE), MADE);
    /* Somebody else has made it. */
    assert_drift(act(host, STEP_MEDIATED, UUID, "", MADE), MADE);
    assert_drift(act(host, STEP_MEDIATED, UUID, "", "nvidia-64@" GPU), MADE);
    assert_failed(act(host, STEP_MEDIATED, OTHER, "", MADE), -EUSERS, "");
    assert_done(act(host, STEP_MEDIATED, UUID, MADE, ""), "");
    assert_done(act(host, STEP_MEDIATED, UUID, MADE, ""), "");
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "nvidia-65@" GPU), -ENOENT, "");
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "nvidia-63@0000:07:00.0"), -ENOENT, "");
}
END_TEST

START_TEST(a_mediated_device_is_known_wherever_it_is)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_add_mediated(host, UUID, AUDIO, "nvidia-63", 40);
    assert_drift(act(host, STEP_MEDIATED, UUID, "", MADE), "nvidia-63@" AUDIO);
    assert_drift(act(host, STEP_MEDIATED, UUID, MADE, ""), "nvidia-63@" AUDIO);
    /* On its way out it has lost its type and its bus (mdev_device_remove_common()). */
    g_autofree char *by_bus = g_strdup_printf("%s/sys/bus/mdev/devices/" UUID, fake_host_path(host)),
                    *type = g_strconcat(by_bus, "/mdev_type", NULL);
    ck_assert_int_eq(unlink(type), 0);
    ck_assert_int_eq(unlink(by_bus), 0);
    assert_drift(act(host, STEP_MEDIATED, UUID, "nvidia-63@" AUDIO, ""), "unknown@" AUDIO);
}
END_TEST

START_TEST(what_is_no_mediated_device_of_a_pci_device_is_refused)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_failed(act(host, STEP_MEDIATED, "../../x", "", MADE), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, "4B20D080-1b54-4048-85b3-a6a62d165c01", "", MADE), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "../x@" GPU), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "a/b@" GPU), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "nvidia-63@../x"), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "@" GPU), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", ""), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, MADE, MADE), -EINVAL, NULL);
}
END_TEST

START_TEST(a_reset_is_written_once_and_proven_by_an_answer)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_done(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 1);
    ck_assert_uint_eq(fake_host_resets(host, AUDIO), 0);
}
END_TEST

START_TEST(a_device_that_shall_stay_as_it_is_is_not_reset)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    assert_done(act(host, STEP_RESET, GPU, STEP_VALUE_RESET, STEP_VALUE_AS_IS), STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 0);
}
END_TEST

START_TEST(a_device_that_is_silent_after_its_reset_has_failed)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_silence(host, GPU);
    assert_failed(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), -EIO, STEP_LIVE_SILENT);
}
END_TEST

START_TEST(a_reset_that_the_kernel_refuses_has_failed_though_the_device_answers)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_fail_write(host, 0, ENOTTY);
    assert_failed(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), -ENOTTY, STEP_LIVE_ANSWERS);
}
END_TEST

START_TEST(a_group_that_somebody_has_open_is_not_reset_under_him)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_set_driver(host, AUDIO, "vfio-pci");
    fake_host_open_group(host, 12);
    assert_failed(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), -EBUSY, STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 0);
    ck_assert_str_eq(fake_host_mishaps(host), "");
}
END_TEST

/* As by vhost, which keeps the descriptor a little longer than QEMU lives. */
START_TEST(a_group_that_is_let_go_of_late_is_waited_for_and_reset)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_set_driver(host, AUDIO, "vfio-pci");
    fake_host_close_group_after(host, 12, 3);
    assert_done(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 1);
    ck_assert_str_eq(fake_host_mishaps(host), "");
}
END_TEST

START_TEST(a_device_that_was_pulled_out_is_not_reset)
{
    g_autoptr(FakeHost) host = a_host_with_a_gpu();
    fake_host_remove_device(host, GPU);
    assert_drift(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), NULL);
}
END_TEST

START_TEST(shared_memory_is_made_and_removed_and_never_taken_over)
{
    g_autoptr(FakeHost) host = fake_host_new();
    g_autofree char *folder = g_strconcat(fake_host_path(host), "/dev/shm", NULL),
                    *own = g_strconcat(folder, "/usher", NULL), *path = g_strconcat(own, "/looking-glass-win10", NULL);
    const char *subject = "/dev/shm/usher/looking-glass-win10";
    struct stat st;

    ck_assert_int_eq(mkdir(folder, 0755), 0);
    assert_done(act(host, STEP_SHARED_MEMORY, subject, "", "1048576 nobody 64002"), "1048576 nobody 64002");
    ck_assert_int_eq(fstatat(AT_FDCWD, path, &st, 0), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0660);
    ck_assert_int_eq(st.st_size, 1 << 20);
    ck_assert_uint_eq(st.st_uid, 65534);
    ck_assert_uint_eq(st.st_gid, 64002);
    ck_assert_int_eq(stat(own, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"), "1048576 nobody 64002");
    assert_done(act(host, STEP_SHARED_MEMORY, subject, "1048576 nobody 64002", ""), "");
    ck_assert_int_eq(access(path, F_OK), -1);
    assert_failed(act(host, STEP_SHARED_MEMORY, subject, "", "4096 nosuchuser 0"), -EINVAL, "");
    assert_failed(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root"), -EINVAL, "");
    assert_failed(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root " STEP_VALUE_GUEST), -EINVAL, "");
    assert_failed(act(host, STEP_SHARED_MEMORY, "/dev/shm/other", "", "4096 root 0"), -EINVAL, NULL);
    assert_failed(act(host, STEP_SHARED_MEMORY, "/dev/shm/looking-glass-win10", "", "4096 root 0"), -EINVAL, NULL);
    assert_failed(act(host, STEP_SHARED_MEMORY, "/dev/shm/usher/looking-glass-../x", "", "4096 root 0"), -EINVAL,
                  NULL);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"), "no file");
}
END_TEST

/* In /dev/shm anybody may make it first. */
START_TEST(shared_memory_is_not_made_in_a_folder_of_somebody_elses)
{
    g_autoptr(FakeHost) host = fake_host_new();
    g_autofree char *folder = g_strconcat(fake_host_path(host), "/dev/shm", NULL),
                    *own = g_strconcat(folder, "/usher", NULL);
    const char *subject = "/dev/shm/usher/looking-glass-win10";

    ck_assert_int_eq(mkdir(folder, 0755), 0);
    ck_assert_int_eq(mkdir(own, 0755), 0);
    ck_assert_int_eq(chown(own, 65534, 65534), 0);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"),
                 "below something of nobody's (remove /dev/shm/usher)");
    ck_assert_int_eq(rmdir(own), 0);
    ck_assert_int_eq(symlink("/etc", own), 0);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"),
                 "below something of root's (remove /dev/shm/usher)");
}
END_TEST

SUITE("step-act", a_mediated_device_is_made_and_removed, a_mediated_device_is_known_wherever_it_is,
      what_is_no_mediated_device_of_a_pci_device_is_refused,
      virtual_functions_are_made_without_a_driver_and_unmade, a_reset_is_written_once_and_proven_by_an_answer,
      a_device_that_shall_stay_as_it_is_is_not_reset, a_device_that_is_silent_after_its_reset_has_failed,
      a_reset_that_the_kernel_refuses_has_failed_though_the_device_answers,
      a_group_that_somebody_has_open_is_not_reset_under_him,
      a_group_that_is_let_go_of_late_is_waited_for_and_reset, a_device_that_was_pulled_out_is_not_reset,
      values_are_read_as_steps_write_them, what_is_not_there_is_gone_and_no_error,
      a_subject_leads_nowhere_else, a_driver_is_unbound, a_device_is_probed_to_the_driver_of_its_override,
      what_is_done_already_is_not_written_again, what_somebody_else_changed_is_left_alone,
      a_held_value_is_written_whatever_it_is, a_probe_that_binds_nothing_has_failed,
      a_probe_that_binds_another_driver_has_failed, a_driver_that_is_not_there_is_not_probed_for,
      a_driver_step_goes_from_or_to_none, the_error_of_a_write_is_told,
      a_write_that_complained_and_worked_is_done, a_module_is_loaded_where_its_driver_is_missing,
      a_module_that_is_not_installed_is_told_so, a_module_is_never_unloaded,
      a_node_is_handed_over_and_given_back, a_node_that_others_could_open_is_closed_to_them,
      a_node_that_has_gone_is_given_back_but_cannot_be_handed_over, an_owner_is_two_numbers,
      a_link_in_the_place_of_a_node_is_not_followed, huge_pages_are_made_on_a_node,
      a_governor_is_chosen_for_one_processor, shared_memory_is_made_and_removed_and_never_taken_over,
      shared_memory_is_not_made_in_a_folder_of_somebody_elses)
