/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that come and go while a guest runs, with a QEMU that refuses and a guest that keeps what it has.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "plug-try.h"

START_TEST(functions_are_plugged_in_from_the_last_to_the_first)
{
    A_RUN(build_gpu, "");
    attach(&try, GPU);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(qemu.commands->str, "query-status\ndevice_add spare-0-1\ndevice_add spare-0-0\n");
    ck_assert_str_eq(g_hash_table_lookup(qemu.devices, "spare-0-1"), AUDIO);
    ck_assert_str_eq(try.report.devices->str, "[" GPU " " AUDIO "]");
    rig_assert_driver(&rig, AUDIO, "vfio-pci");
    end_guest(&try);
}
END_TEST

START_TEST(with_iommufd_qemu_gets_descriptors_and_one_object_for_all)
{
    A_RUN(build_gpu, "");
    try.iommufd = true;
    attach(&try, GPU);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(qemu.commands->str, "query-status\nqom-list\ngetfd\nobject-add\n"
                                         "getfd\ndevice_add spare-0-1\ngetfd\ndevice_add spare-0-0\n");
    detach(&try, GPU);
    assert_ended(&try, "done", NULL);
    rig_assert_host(&rig, rig.beginning);
    claims_give_up(try.claims, OWNER);
    g_string_truncate(qemu.commands, 0);
    attach(&try, GPU);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(qemu.commands->str, "query-status\nqom-list\n"
                                         "getfd\ndevice_add spare-0-1\ngetfd\ndevice_add spare-0-0\n");
    end_guest(&try);
}
END_TEST

START_TEST(with_iommufd_what_qemu_does_not_take_is_given_back)
{
    A_RUN(build_gpu, "");
    try.iommufd = true;
    qemu.refuses = "spare-0-0";
    attach(&try, GPU);
    assert_ended(&try, "failed", "vfio: no such luck");
    rig_assert_host(&rig, rig.beginning);
    ck_assert_uint_eq(g_hash_table_size(qemu.devices), 0);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "closefd"));
    end_guest(&try);
}
END_TEST

START_TEST(what_the_guest_lets_go_of_is_given_back)
{
    A_RUN(build_gpu, "");
    for (unsigned round = 0; round < 3; round++) {
        attach(&try, GPU);
        assert_ended(&try, "done", NULL);
        detach(&try, AUDIO);
        assert_ended(&try, "done", NULL);
        rig_assert_host(&rig, rig.beginning);
    }
    ck_assert_uint_eq(guest_devices(try.guest)->len, 0);
    ck_assert_int_eq(guest_state(try.guest), GUEST_RUNNING);
    end_guest(&try);
}
END_TEST

START_TEST(a_device_of_the_definition_goes_back_to_its_own_slot)
{
    A_RUN(build_gpu, OWN);
    detach(&try, GPU);
    assert_ended(&try, "done", NULL);
    rig_assert_driver(&rig, GPU, "radeon");
    g_string_truncate(qemu.commands, 0);
    claims_give_up(try.claims, OWNER);
    attach(&try, AUDIO);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(qemu.commands->str, "query-status\ndevice_add pci-gpu-1\ndevice_add pci-gpu-0\n");
    end_guest(&try);
}
END_TEST

START_TEST(its_rom_is_handed_over_for_as_long_as_it_is_read)
{
    A_RUN(build_gpu, OWN "ROM=/proc/self/exe\n");
    detach(&try, GPU);
    g_string_truncate(qemu.commands, 0);
    claims_give_up(try.claims, OWNER);
    attach(&try, GPU);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(qemu.commands->str,
                     "query-status\nadd-fd\ndevice_add pci-gpu-1\ndevice_add pci-gpu-0\nremove-fd\n");
    end_guest(&try);
}
END_TEST

START_TEST(a_rom_that_does_not_answer_is_refused_before_anything_is_touched)
{
    A_RUN(build_gpu, OWN "ROM=/proc/self/exe\n");
    detach(&try, GPU);
    g_string_truncate(qemu.commands, 0);
    claims_give_up(try.claims, OWNER);
    fake_workers_die_below(rig.engine.workers, "/proc/self");
    attach(&try, GPU);
    rig_until(&rig, &try.ended, 1);
    assert_ended(&try, "timeout", "[PCI gpu] ROM=/proc/self/exe does not answer");
    rig_assert_driver(&rig, GPU, "radeon");
    ck_assert_str_eq(qemu.commands->str, "");

    /* The guest ends while its ROM is waited for; the answer comes after that. */
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    claims_give_up(try.claims, OWNER);
    attach(&try, GPU);
    end_guest(&try);
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
}
END_TEST

static char rom_path[128], rom_text[256];

/* A definition with a ROM that is there. */
static const char *define_rom(const Rig *rig)
{
    g_snprintf(rom_path, sizeof(rom_path), "%s/vbios", rig->run_path);
    g_snprintf(rom_text, sizeof(rom_text), OWN "ROM=%s\n", rom_path);
    ck_assert(g_file_set_contents(rom_path, "vbios", -1, NULL));
    return rom_text;
}

static void take_out(Try *try)
{
    detach(try, GPU);
    g_string_truncate(try->qemu->commands, 0);
    claims_give_up(try->claims, OWNER);
}

START_TEST(a_rom_that_has_vanished_or_is_no_file_is_refused_before_anything_is_touched)
{
    A_RUN(build_gpu, define_rom(&rig));
    take_out(&try);
    unsigned steps = fake_workers_steps(rig.engine.workers);
    ck_assert_int_eq(unlink(rom_path), 0);
    for (unsigned folder = 0; folder < 2; folder++) {
        attach(&try, GPU);
        assert_ended(&try, "refused", folder ? ": it is not a file" : ": No such file or directory");
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), steps);
        rig_assert_driver(&rig, GPU, "radeon");
        ck_assert_str_eq(qemu.commands->str, "");
        claims_give_up(try.claims, OWNER);
        if (!folder)
            ck_assert_int_eq(g_mkdir(rom_path, 0755), 0);
    }
    end_guest(&try);
}
END_TEST

START_TEST(a_rom_that_vanishes_once_it_was_opened_is_given_all_the_same)
{
    A_RUN(build_gpu, define_rom(&rig));
    take_out(&try);
    unsigned steps = fake_workers_steps(rig.engine.workers);
    ask_attach(&try, GPU, NULL);
    while (fake_workers_steps(rig.engine.workers) == steps)
        ck_assert(rig_turn(&rig));
    ck_assert_int_eq(unlink(rom_path), 0);
    fake_qemu_serve(&qemu);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(qemu.commands->str,
                     "query-status\nadd-fd\ndevice_add pci-gpu-1\ndevice_add pci-gpu-0\nremove-fd\n");
    end_guest(&try);
}
END_TEST

START_TEST(a_guest_that_does_not_let_go_keeps_its_device_until_it_does)
{
    A_RUN(build_gpu, "");
    attach(&try, GPU);
    qemu.keeps = true;
    for (unsigned round = 0; round < 2; round++) {
        detach(&try, GPU);
        ck_assert_uint_eq(try.ended, 0);
        rig_until(&rig, &try.ended, 1);
        assert_ended(&try, "timeout", "guest win10 has not released " GPU);
        rig_assert_driver(&rig, GPU, "vfio-pci");
        ck_assert_uint_eq(guest_devices(try.guest)->len, 2);
    }
    fake_qemu_eject(&qemu, "spare-0");
    rig_assert_host(&rig, rig.beginning);
    ck_assert_uint_eq(guest_devices(try.guest)->len, 0);
    end_guest(&try);
}
END_TEST

START_TEST(a_device_that_a_guest_throws_out_is_given_back)
{
    A_RUN(build_gpu, OWN);
    fake_qemu_eject(&qemu, "pci-gpu");
    rig_assert_host(&rig, rig.beginning);
    ck_assert_str_eq(try.report.devices->str, "[]");
    end_guest(&try);
}
END_TEST

START_TEST(what_qemu_does_not_take_is_given_back)
{
    static const char *const refused[] = {"spare-0-1", "spare-0-0"};

    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        A_RUN(build_gpu, "");
        qemu.refuses = refused[i];
        attach(&try, GPU);
        assert_ended(&try, "failed", "vfio: no such luck");
        rig_assert_host(&rig, rig.beginning);
        ck_assert_uint_eq(g_hash_table_size(qemu.devices), 0);
        end_guest(&try);
    }
}
END_TEST

START_TEST(a_step_that_fails_is_told_and_undone)
{
    unsigned failed = 0;

    /* A write that complains, but was done all the same, is no failure. */
    for (unsigned step = 0; step < 11; step++) {
        A_RUN(build_gpu, "");
        fake_workers_fail(rig.engine.workers, step, EIO);
        attach(&try, GPU);
        ck_assert_uint_eq(try.ended, 1);
        failed += try.job->fault != NULL;
        ck_assert(!try.job->fault || strstr(qemu.commands->str, "device_add") == NULL);
        if (try.job->fault)
            rig_assert_host(&rig, rig.beginning);
        end_guest(&try);
    }
    ck_assert_uint_ge(failed, 7);
}
END_TEST

START_TEST(a_service_that_was_stopped_comes_back_with_the_device)
{
    char *may_stop[] = {(char *)"sunshine.service", NULL};
    A_RUN(build_gpu, "");
    fake_launcher_unit(rig.engine.launcher, "sunshine.service", "active", false, false);
    fake_workers_find_holder(rig.engine.workers, holder_new(HOLDER_FILE, GPU, "/dev/dri/card1", 812,
                                                            "sunshine", "sunshine.service", NULL));
    ask_attach(&try, GPU, may_stop);
    rig_settle(&rig);
    fake_workers_find_holder(rig.engine.workers, NULL);
    fake_qemu_serve(&qemu);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, "sunshine.service"), "inactive");
    detach(&try, GPU);
    assert_ended(&try, "done", NULL);
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, "sunshine.service"), "active");
    end_guest(&try);
}
END_TEST

START_TEST(a_device_that_somebody_uses_is_not_plugged_in)
{
    A_RUN(build_gpu, "");
    fake_workers_find_holder(rig.engine.workers, holder_new(HOLDER_FILE, GPU, "/dev/dri/card1", 812,
                                                            "sunshine", "session-2.scope", NULL));
    attach(&try, GPU);
    ck_assert_str_eq(try.job->result, "refused");
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
    end_guest(&try);
}
END_TEST

static char *refusal(int r, Fault *fault)
{
    ck_assert_int_eq(r, FAULT_RAISED);
    char *line = fault_to_line(fault);
    fault_free(fault);
    return line;
}

static char *attach_refusal(Try *try, const char *address)
{
    g_autoptr(Plan) plan = a_plan(try, address);
    Fault *fault = NULL;
    int r = guest_check_attach(try->guest, plan, &fault);
    return refusal(r, fault);
}

static const char *build_two(FakeHost *host)
{
    fake_host_add_disk(host, "0000:04:00.0", NULL, 9, "nvme0n1");
    return build_gpu(host);
}

START_TEST(used_up_ports_are_told_with_their_number)
{
    A_RUN(build_two, "[Guest]\nSparePorts=1\n");
    attach(&try, GPU);
    g_autofree char *full = attach_refusal(&try, "0000:04:00.0");
    ck_assert_str_eq(full, "guest win10 has 1 spare port, and all are in use; detach a device, or give the "
                           "guest more ports for its next start: usherctl edit win10, [Guest] SparePorts=");
    g_autofree char *twice = attach_refusal(&try, GPU);
    ck_assert_str_eq(twice, "guest win10 has " GPU " already");
    end_guest(&try);
}
END_TEST

START_TEST(a_guest_without_spare_ports_takes_nothing)
{
    A_RUN(build_gpu, "[Guest]\nSparePorts=0\n");
    g_autofree char *none = attach_refusal(&try, GPU);
    ck_assert_ptr_nonnull(
        strstr(none, "guest win10 has no spare port: nothing can be plugged in while it runs"));
    end_guest(&try);
}
END_TEST

START_TEST(what_it_does_not_have_it_cannot_let_go_of)
{
    A_RUN(build_gpu, OWN);
    Fault *fault = NULL;
    int r = guest_check_detach(try.guest, "0000:04:00.0", &fault);
    g_autofree char *line = refusal(r, fault);
    ck_assert_str_eq(line, "guest win10 does not have 0000:04:00.0; it has " GPU ", " AUDIO);
    end_guest(&try);
    fault = NULL;
    r = guest_check_pluggable(try.guest, &fault);
    g_autofree char *ended = refusal(r, fault);
    ck_assert_ptr_nonnull(strstr(ended, "guest win10 is failed"));
}
END_TEST

START_TEST(what_cannot_be_given_back_stays_in_the_journal_until_the_end)
{
    A_RUN(build_gpu, "");
    attach(&try, GPU);
    fake_host_set_override(rig.host, GPU, "mischief");
    detach(&try, GPU);
    assert_ended(&try, "drift", "override of " GPU);
    /* It is nobody else's yet. */
    ck_assert_uint_eq(guest_devices(try.guest)->len, 1);
    ck_assert_str_eq(g_ptr_array_index((GPtrArray *)guest_devices(try.guest), 0), GPU);
    rig_assert_driver(&rig, AUDIO, "snd_hda_intel");
    fake_host_set_override(rig.host, GPU, "vfio-pci");
    claims_give_up(try.claims, OWNER);
    attach(&try, GPU);
    assert_ended(&try, "done", NULL);
    detach(&try, GPU);
    assert_ended(&try, "done", NULL);
    rig_assert_host(&rig, rig.beginning);
    end_guest(&try);
}
END_TEST

START_TEST(the_plan_of_a_detach_is_what_is_done)
{
    A_RUN(build_two, OWN "[PCI disk]\nAddress=0000:04:00.0\n");
    g_autoptr(GPtrArray) steps = guest_plan_detach(try.guest, "0000:04:00.0");
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < steps->len; i++) {
        g_autofree char *words = step_describe(g_ptr_array_index(steps, i));
        g_string_append_printf(text, "%s\n", words);
    }
    ck_assert_str_eq(text->str, "node-owner of /dev/vfio/9: 64001:64001 → 0:0\n"
                                "driver of 0000:04:00.0: vfio-pci → none\n"
                                "override of 0000:04:00.0: vfio-pci → none\n"
                                "driver of 0000:04:00.0: none → nvme\n"
                                "d3cold of 0000:04:00.0: 0 → 1\n"
                                "power-control of 0000:04:00.0: on → auto\n");
    end_guest(&try);
}
END_TEST

SUITE("guest-plug", functions_are_plugged_in_from_the_last_to_the_first,
      with_iommufd_qemu_gets_descriptors_and_one_object_for_all,
      with_iommufd_what_qemu_does_not_take_is_given_back, what_the_guest_lets_go_of_is_given_back,
      a_device_of_the_definition_goes_back_to_its_own_slot, its_rom_is_handed_over_for_as_long_as_it_is_read,
      a_rom_that_does_not_answer_is_refused_before_anything_is_touched,
      a_rom_that_has_vanished_or_is_no_file_is_refused_before_anything_is_touched,
      a_rom_that_vanishes_once_it_was_opened_is_given_all_the_same,
      a_guest_that_does_not_let_go_keeps_its_device_until_it_does,
      a_device_that_a_guest_throws_out_is_given_back, what_qemu_does_not_take_is_given_back,
      a_step_that_fails_is_told_and_undone, a_service_that_was_stopped_comes_back_with_the_device,
      a_device_that_somebody_uses_is_not_plugged_in, used_up_ports_are_told_with_their_number,
      a_guest_without_spare_ports_takes_nothing, what_it_does_not_have_it_cannot_let_go_of,
      what_cannot_be_given_back_stays_in_the_journal_until_the_end, the_plan_of_a_detach_is_what_is_done)
