/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A card of which mediated devices are made, for several guests and one after the other. */
#include <string.h>
#include <unistd.h>

#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/edge/store/step-mark.h"
#include "../../../daemon/engine/manager/manager.h"
#include "fake-qemu.h"

#define CARD "0000:02:00.0"
#define PART                                                                                                 \
    "[CPU]\nAccelerator=tcg\n[Console]\nLog=no\n[PCI vgpu]\nAddress=" CARD "\nMediatedType=nvidia-63\n"

/* Two can be made. */
static const char *build_two(FakeHost *host)
{
    const char *text = build_mediated_type(host);

    fake_host_add_mediated_type(host, CARD, "nvidia-63", "GRID M60-2Q", 2, 21);
    return text;
}

static void define(const Rig *rig, const char *name, const char *text)
{
    g_autofree char *path = g_strdup_printf("%s/%s.guest", rig->definitions_path, name);

    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static Manager *come_up(Rig *rig)
{
    Manager *manager;

    ck_assert_int_eq(manager_new(&rig->engine, &manager), 0);
    manager_recover(manager);
    return manager;
}

static Guest *guest_of(Manager *manager, const char *name)
{
    GuestView view;

    ck_assert(manager_guest(manager, name, &view));
    return (Guest *)view.guest;
}

static void start(Manager *manager, const char *name)
{
    _cleanup_fault_ Fault *fault = NULL;
    unsigned job;

    int r = manager_start(manager, name, NULL, &job, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
}

static void run(Manager *manager, const char *name, FakeQemu *qemu)
{
    start(manager, name);
    fake_qemu_connect(qemu, guest_of(manager, name));
    ck_assert(fake_qemu_take_over(qemu));
    fake_qemu_serve(qemu);
    ck_assert_int_eq(guest_state(guest_of(manager, name)), GUEST_RUNNING);
}

static void end(const Rig *rig, const char *name, FakeQemu *qemu)
{
    fake_qemu_hang_up(qemu);
    fake_launcher_exit(rig->engine.launcher, name, &(LauncherExit){.known = true});
    rig_settle(rig);
}

static void assert_refused(int r, Fault *fault, const char *words)
{
    ck_assert_int_eq(r, FAULT_RAISED);
    ck_assert_msg(strstr(fault->message, words), "%s", fault->message);
    fault_free(fault);
}

static void assert_card_refused(Manager *manager, const char *words)
{
    BindWish wish = {};
    Fault *fault = NULL;
    unsigned job;

    ck_assert_int_eq(pci_address_from_string(CARD, &wish.address), 0);
    int r = manager_bind(manager, &wish, &job, &fault);
    assert_refused(r, fault, words);
}

START_TEST(several_guests_have_parts_of_a_card_that_nobody_else_gets_meanwhile)
{
    A_RIG(build_two);
    A_QEMU(first, &rig);
    A_QEMU(second, &rig);
    BindWish wish = {};
    Fault *fault = NULL;
    unsigned job;
    define(&rig, "one", PART);
    define(&rig, "two", PART);
    define(&rig, "three", PART);
    Manager *manager = come_up(&rig);

    /* Refused even before the first one has been made. */
    start(manager, "one");
    assert_card_refused(manager, CARD " (group 20) is claimed by guest one");
    fake_qemu_connect(&first, guest_of(manager, "one"));
    ck_assert(fake_qemu_take_over(&first));
    fake_qemu_serve(&first);
    run(manager, "two", &second);
    int r = manager_start(manager, "three", NULL, &job, &fault);
    assert_refused(r, fault, "can make no more devices of this type");
    end(&rig, "one", &first);
    assert_card_refused(manager, "is claimed by guest two");
    end(&rig, "two", &second);
    rig_assert_restored(&rig);
    ck_assert_int_eq(pci_address_from_string(CARD, &wish.address), 0);
    ck_assert_int_eq(manager_bind(manager, &wish, &job, NULL), 0);
    rig_settle(&rig);
    manager_free(manager);
}
END_TEST

#define A_GUEST_WITH_A_PART                                                                                  \
    A_RIG(build_two);                                                                                        \
    A_QEMU(qemu, &rig);                                                                                      \
    define(&rig, "one", PART);                                                                               \
    Manager *manager = come_up(&rig);                                                                        \
    run(manager, "one", &qemu)

START_TEST(after_a_restart_nobody_gets_the_card_either)
{
    A_GUEST_WITH_A_PART;
    rig_die(&rig, true);
    manager_free(manager);
    close(qemu.qmp_fd);
    qemu.qmp_fd = -1;
    rig_come_again(&rig);
    fake_launcher_found(rig.engine.launcher, "one", QEMU_PID);
    manager = come_up(&rig);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest_of(manager, "one")), GUEST_RUNNING);
    assert_card_refused(manager, CARD " (group 20) is claimed by guest one");
    end(&rig, "one", &qemu);
    rig_assert_restored(&rig);
    manager_free(manager);
}
END_TEST

START_TEST(a_removal_that_hangs_since_an_earlier_usherd_is_waited_for)
{
    A_GUEST_WITH_A_PART;
    DefinitionText text = {.path = "one.guest", .text = PART, .size = strlen(PART)};
    g_autoptr(GuestDefinition) definition = NULL;
    ck_assert_int_eq(definition_parse("one", &text, 1, &definition, NULL), 0);
    g_autofree char *uuid = definition_mediated(definition, g_ptr_array_index(definition->pci, 0));

    /* The guest ends while there is no usherd, and a worker of the last one is in the kernel. */
    rig_die(&rig, false);
    manager_free(manager);
    fake_qemu_hang_up(&qemu);
    int mark_fd = step_mark_take(rig.engine.steps_fd, uuid);
    ck_assert_int_ge(mark_fd, 0);
    rig_come_again(&rig);
    manager = come_up(&rig);
    rig_settle(&rig);
    ck_assert(g_hash_table_contains(rig.engine.stuck, uuid));
    ck_assert(guest_has_leftovers(guest_of(manager, "one")));
    ck_assert_int_eq(guest_fault(guest_of(manager, "one"))->kind, FAULT_STUCK);

    close(mark_fd);
    while (guest_has_leftovers(guest_of(manager, "one")))
        ck_assert_int_gt(sd_event_run(rig.engine.event, 5 * G_USEC_PER_SEC), 0);
    ck_assert(!g_hash_table_contains(rig.engine.stuck, uuid));
    rig_settle(&rig);
    rig_assert_restored(&rig);
    manager_free(manager);
}
END_TEST

SUITE("manager-mediated", several_guests_have_parts_of_a_card_that_nobody_else_gets_meanwhile,
      after_a_restart_nobody_gets_the_card_either, a_removal_that_hangs_since_an_earlier_usherd_is_waited_for)
