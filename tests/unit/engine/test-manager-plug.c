/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who owns a device while running guests get it and let go of it. */
#include <string.h>

#include "../../../daemon/engine/manager/manager.h"
#include "fake-qemu.h"

#define GPU "0000:01:00.0"

static void define(const Rig *rig, const char *name, const char *text)
{
    g_autofree char *path = g_strdup_printf("%s/%s.guest", rig->definitions_path, name);
    g_autofree char *all = g_strconcat("[CPU]\nAccelerator=tcg\n[Console]\nLog=no\n", text, NULL);

    ck_assert(g_file_set_contents(path, all, -1, NULL));
}

static Guest *guest_of(Manager *manager, const char *name)
{
    GuestView view;

    ck_assert(manager_guest(manager, name, &view));
    return (Guest *)view.guest;
}

typedef struct Try {
    Rig *rig;
    FakeQemu *qemu;
    Manager *manager;
} Try;

static void try_free(Try *try)
{
    manager_free(try->manager);
}

/* Guest win10 runs without a PCI device; guest other would have the GPU. */
static void begin(Try *try, const char *text)
{
    unsigned job;

    define(try->rig, "win10", text);
    define(try->rig, "other", try->rig->definition);
    ck_assert_int_eq(manager_new(&try->rig->engine, &try->manager), 0);
    manager_recover(try->manager);
    ck_assert_int_eq(manager_start(try->manager, "win10", NULL, &job, NULL), 0);
    fake_qemu_connect(try->qemu, guest_of(try->manager, "win10"));
    ck_assert(fake_qemu_take_over(try->qemu));
    fake_qemu_serve(try->qemu);
    ck_assert_int_eq(guest_state(guest_of(try->manager, "win10")), GUEST_RUNNING);
}

#define A_TRY_WITH(build, text)                                                                              \
    A_RIG(build);                                                                                            \
    A_QEMU(qemu, &rig);                                                                                      \
    __attribute__((cleanup(try_free))) Try try = {&rig, &qemu};                                              \
    begin(&try, text)
#define A_TRY(build) A_TRY_WITH(build, "")

static BindWish wish_for(const char *address)
{
    BindWish wish = {};

    ck_assert_int_eq(pci_address_from_string(address, &wish.address), 0);
    return wish;
}

static void attach(Try *try, const char *address)
{
    BindWish wish = wish_for(address);
    _cleanup_fault_ Fault *fault = NULL;
    unsigned job;

    int r = manager_attach(try->manager, "win10", &wish, &job, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    fake_qemu_serve(try->qemu);
}

static void assert_state(Try *try, const char *state, const char *guest)
{
    const HostDevice *device = NULL;

    ck_assert_int_eq(manager_find_device(try->manager, GPU, &device, NULL), 0);
    ck_assert_str_eq(manager_device_state(try->manager, device), state);
    ck_assert_str_eq(manager_device_guest(try->manager, device), guest);
    ck_assert_str_eq(manager_device_backend(try->manager, device), *guest ? "group" : "");
}

static void assert_refused(int r, Fault *fault, FaultKind kind, const char *words)
{
    ck_assert_int_eq(r, FAULT_RAISED);
    ck_assert_int_eq(fault->kind, kind);
    ck_assert_msg(strstr(fault->message, words), "%s", fault->message);
    fault_free(fault);
}

START_TEST(it_is_claimed_as_long_as_the_guest_has_it)
{
    A_TRY(build_gpu);
    BindWish wish = wish_for(GPU);
    Fault *fault = NULL;
    unsigned job;
    assert_state(&try, "host", "");
    attach(&try, GPU);
    assert_state(&try, "guest", "win10");
    int r = manager_start(try.manager, "other", NULL, &job, &fault);
    assert_refused(r, fault, FAULT_IN_USE, "is claimed by guest win10");

    qemu.keeps = true;
    ck_assert_int_eq(manager_detach(try.manager, "win10", wish.address, &job, NULL), 0);
    fake_qemu_serve(&qemu);
    assert_state(&try, "guest", "win10");
    fake_qemu_eject(&qemu, "spare-0");
    assert_state(&try, "host", "");
    ck_assert_int_eq(manager_start(try.manager, "other", NULL, &job, NULL), 0);
    r = manager_attach(try.manager, "win10", &wish, &job, &fault);
    assert_refused(r, fault, FAULT_IN_USE, "is claimed by guest other");
}
END_TEST

START_TEST(what_could_not_be_plugged_in_is_not_claimed_any_more)
{
    A_TRY(build_gpu);
    unsigned job;
    qemu.refuses = "spare-0-1";
    attach(&try, GPU);
    assert_state(&try, "host", "");
    ck_assert_int_eq(manager_start(try.manager, "other", NULL, &job, NULL), 0);
}
END_TEST

START_TEST(one_is_on_its_way_at_a_time)
{
    A_TRY(build_functions);
    BindWish wish = wish_for(GPU), card = wish_for("0000:02:00.0");
    Fault *fault = NULL;
    unsigned job;
    ck_assert_int_eq(manager_attach(try.manager, "win10", &wish, &job, NULL), 0);
    int r = manager_attach(try.manager, "win10", &card, &job, &fault);
    assert_refused(r, fault, FAULT_BUSY, "another device of guest win10 is being plugged in or unplugged");
    fake_qemu_serve(&qemu);
    assert_state(&try, "guest", "win10");
}
END_TEST

START_TEST(it_is_claimed_on_its_way_also_if_qemu_is_asked_anew_what_it_has)
{
    A_TRY(build_gpu);
    Fault *fault = NULL;
    unsigned job;
    fake_workers_be_late(rig.engine.workers);
    attach(&try, GPU);
    fake_qemu_break(&qemu);
    fake_qemu_serve(&qemu);
    int r = manager_start(try.manager, "other", NULL, &job, &fault);
    assert_refused(r, fault, FAULT_IN_USE, "is claimed by guest win10");
    fake_workers_answer(rig.engine.workers, false);
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(g_hash_table_lookup(qemu.devices, "spare-0-0"), GPU);
}
END_TEST

START_TEST(the_plan_of_an_attach_touches_nothing)
{
    A_TRY(build_gpu);
    BindWish wish = wish_for(GPU);
    unsigned writes = fake_host_writes(rig.host);
    GPtrArray *steps = NULL;
    Fault *fault = NULL;
    int r = manager_plan_detach(try.manager, "win10", wish.address, &steps, &fault);
    assert_refused(r, fault, FAULT_NO_SUCH_DEVICE, "guest win10 does not have " GPU);
    r = manager_plan_detach(try.manager, "other", wish.address, &steps, &fault);
    assert_refused(r, fault, FAULT_NOT_RUNNING, "guest other is stopped");
    ck_assert_uint_eq(fake_host_writes(rig.host), writes);
    attach(&try, GPU);
    ck_assert_int_eq(manager_plan_detach(try.manager, "win10", wish.address, &steps, NULL), 0);
    ck_assert_uint_eq(steps->len, 11);
    g_ptr_array_unref(steps);
}
END_TEST

START_TEST(a_reload_tries_again_what_usb_device_a_guest_was_not_given)
{
    static const char *const drivers[] = {"usbhid", NULL};
    static const FakeUsb headset = {"1-2", 7, 0x046d, 0x0a8f, NULL, drivers};
    A_TRY_WITH(build_gpu, "[USB headset]\nID=046d:0a8f\n");

    fake_host_plug_usb(rig.host, &headset);
    fake_host_claim_usb(rig.host, &headset, "usbfs");
    manager_reload(try.manager);
    fake_qemu_serve(&qemu);
    ck_assert_ptr_null(strstr(qemu.commands->str, "device_add"));
    fake_host_claim_usb(rig.host, &headset, "usbhid");
    manager_reload(try.manager);
    fake_qemu_serve(&qemu);
    ck_assert(g_str_has_suffix(qemu.commands->str, "add-fd\ndevice_add usb-headset\nremove-fd\n"));
}
END_TEST

SUITE("manager-plug", it_is_claimed_as_long_as_the_guest_has_it,
      what_could_not_be_plugged_in_is_not_claimed_any_more, one_is_on_its_way_at_a_time,
      it_is_claimed_on_its_way_also_if_qemu_is_asked_anew_what_it_has, the_plan_of_an_attach_touches_nothing,
      a_reload_tries_again_what_usb_device_a_guest_was_not_given)
