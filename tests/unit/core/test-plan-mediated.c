/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices, lent by their group's node while what they were made of stays with the host. */
#include <stdarg.h>
#include <string.h>

#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-plan.h"

#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define VGPU "[PCI vgpu]\nMediatedDevice=" UUID "\n"
#define PARENT "0000:02:00.0"

static HostMediated *a_mediated(Host *host)
{
    HostMediated *mediated = host_add_mediated(host, UUID);

    mediated->type = g_strdup("nvidia-63");
    mediated->api = g_strdup("vfio-pci");
    mediated->of_function = true;
    mediated->parent = address_of(PARENT);
    mediated->group = 40;
    return mediated;
}

/* And the Radeon of group 12. */
static Host *a_host_with_a_vgpu(void)
{
    Host *host = a_host_with_a_gpu();

    a_device(host, PARENT, 20, "nvidia");
    a_mediated(host);
    return host;
}

START_TEST(it_is_lent_by_its_groups_node_and_nothing_changes_hands)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    host->vfio_pci = false;
    g_autoptr(Plan) plan = a_plan(host, VGPU);
    ck_assert_uint_eq(plan->steps->len, 1);
    g_autofree char *step = step_describe(g_ptr_array_index(plan->steps, 0));
    ck_assert_str_eq(step, "node-owner of /dev/vfio/40: 0:0 → guest");
    ck_assert_uint_eq(plan->groups->len, 1);
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 40);
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_str_eq(device->name, "vgpu");
    ck_assert_uint_eq(device->functions->len, 0);
    /* Who has it open is looked for. */
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);
    ck_assert_uint_eq(leaving->len, 1);
    ck_assert_str_eq(g_ptr_array_index(leaving, 0), UUID);
}
END_TEST

START_TEST(it_stands_among_other_devices_in_the_order_of_the_definition)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    g_autoptr(Plan) plan = a_plan(host, VGPU "[PCI gpu]\nAddress=01:00.0\n");
    ck_assert_uint_eq(plan->devices->len, 2);
    ck_assert_str_eq(((PlanDevice *)g_ptr_array_index(plan->devices, 0))->name, "vgpu");
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 12);
    ck_assert_int_eq(g_array_index(plan->groups, int, 1), 40);
}
END_TEST

START_TEST(one_that_is_not_there_is_refused_with_what_makes_it)
{
    g_autoptr(Host) host = a_host();
    assert_plan_refused(
        host, NULL, VGPU, false, FAULT_NO_SUCH_DEVICE,
        "there is no mediated device " UUID
        "; add Address= and MediatedType= to have it made; or make it yourself: mdevctl start -u " UUID
        ", or echo " UUID " > /sys/bus/pci/devices/ADDRESS/mdev_supported_types/TYPE/create");
}
END_TEST

START_TEST(one_that_a_guest_has_is_refused_with_that_guest)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 40, "guest/linux"));
    assert_plan_refused(host, claims, VGPU, false, FAULT_IN_USE,
                        "mediated device " UUID " (group 40) is claimed by guest linux; "
                        "stop it first: usherctl stop linux");
    claims_give_up(claims, "guest/linux");
    assert_plan_refused(host, claims, VGPU "[PCI twin]\nMediatedDevice=" UUID "\n", false,
                        FAULT_BAD_DEFINITION, "[PCI vgpu] and [PCI twin] both ask for mediated device " UUID);
}
END_TEST

START_TEST(one_that_cannot_be_lent_is_refused_with_the_reason)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    HostMediated *mediated = g_ptr_array_index(host->mediated, 0);
    HostDevice *parent = device_of(host, PARENT);

    parent->stuck = true;
    assert_plan_refused(host, NULL, VGPU, false, FAULT_STUCK,
                        PARENT ", the parent of mediated device " UUID ", is stuck");
    parent->stuck = false;
    parent->dead = true;
    assert_plan_refused(host, NULL, VGPU, false, FAULT_REFUSED, PARENT " is dead");
    mediated->group = HOST_NO_GROUP;
    assert_plan_refused(host, NULL, VGPU, false, FAULT_REFUSED, "is in no group: it has no VFIO driver");
    g_free(mediated->api);
    mediated->api = g_strdup("vfio-ap");
    assert_plan_refused(host, NULL, VGPU, false, FAULT_REFUSED, "is not a PCI device, but one for vfio-ap");
}
END_TEST

START_TEST(what_it_was_made_of_stays_with_the_host)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    assert_plan_refused(host, NULL, "[PCI gpu]\nAddress=" PARENT "\n", false, FAULT_REFUSED,
                        PARENT " has the mediated device " UUID
                               " (nvidia-63), which would disappear with its driver; "
                               "lend the mediated device (MediatedDevice=), or remove it first: echo 1 > "
                               "/sys/bus/mdev/devices/" UUID "/remove");
}
END_TEST

/* --- Made for the guest --- */

#define MADE "[PCI vgpu]\nAddress=02:00.0\nMediatedType=nvidia-63\n"

static HostMediatedType *a_type(Host *host, const char *name, const char *words, int available)
{
    HostMediatedType *type = host_add_mediated_type(host, address_of(PARENT), name);

    type->words = g_strdup(words);
    type->api = g_strdup("vfio-pci");
    type->available = available;
    return type;
}

/* And the Radeon of group 12. */
static Host *a_host_that_makes(int available)
{
    Host *host = a_host_with_a_gpu();

    a_device(host, PARENT, 20, "nvidia");
    a_type(host, "nvidia-63", "GRID M60-2Q", available);
    a_type(host, "nvidia-64", "nvidia-64", -1);
    return host;
}

static char *uuid_of(const char *text, unsigned section)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    return definition_mediated(definition, g_ptr_array_index(definition->pci, section));
}

static void assert_words(const Plan *plan, const char *format, ...)
{
    g_autofree char *words = steps_in_words(plan);
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *expected = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    ck_assert_str_eq(words, expected);
}

START_TEST(one_is_made_first_and_lent_when_its_group_is_known)
{
    g_autoptr(Host) host = a_host_that_makes(1);
    g_autofree char *uuid = uuid_of(MADE, 0);
    g_autoptr(Plan) plan = planned(host, NULL, MADE, false);
    ck_assert_uint_eq(plan->making, 1);
    assert_words(plan,
                 "mediated-device of %s: none → nvidia-63@0000:02:00.0\n"
                 "node-owner of group of %s: 0:0 → guest\n",
                 uuid, uuid);
    /* Neither its own group, which nobody knows yet, nor the card's, which serves others, too. */
    ck_assert_uint_eq(plan->groups->len, 0);
    ck_assert_uint_eq(plan->leaning->len, 1);
    ck_assert_int_eq(g_array_index(plan->leaning, int, 0), 20);
    g_autoptr(Claims) claims = claims_new();
    claims_lean(claims, plan->leaning, plan->owner);
    g_autoptr(Plan) again = planned(host, claims, MADE, false);
    ck_assert_uint_eq(again->making, 1);

    HostMediated *mediated = host_add_mediated(host, uuid);
    mediated->type = g_strdup("nvidia-63");
    mediated->of_function = true;
    mediated->parent = address_of(PARENT);
    mediated->group = 40;
    g_autoptr(Plan) rest = planned(host, NULL, MADE, true);
    ck_assert_uint_eq(rest->making, 0);
    assert_words(rest, "node-owner of /dev/vfio/40: 0:0 → guest\n");
    ck_assert_int_eq(g_array_index(rest->groups, int, 0), 40);
    const PlanDevice *device = g_ptr_array_index(rest->devices, 0);
    ck_assert_str_eq(device->mediated, uuid);
    ck_assert_uint_eq(device->functions->len, 0);
}
END_TEST

START_TEST(one_is_made_beside_virtual_functions_and_other_devices)
{
    g_autoptr(Host) host = a_host_that_makes(-1);
    HostDevice *card = a_device(host, "0000:03:00.0", 30, "igb");
    card->sriov.total = card->sriov.offset = card->sriov.stride = 1;
    const char *text = MADE "[PCI gpu]\nAddress=01:00.0\n[PCI nic]\nAddress=03:00.0\nVirtualFunctions=1\n"
                            "[PCI second]\nAddress=02:00.0\nMediatedType=nvidia-63\n";
    g_autofree char *first = uuid_of(text, 0), *second = uuid_of(text, 3),
                    *node = g_strconcat("group of ", second, NULL);
    g_autoptr(Plan) plan = planned(host, NULL, text, false);
    ck_assert_uint_eq(plan->making, 3);
    ck_assert_int_eq(((Step *)g_ptr_array_index(plan->steps, 0))->kind, STEP_FUNCTIONS);
    ck_assert_str_eq(((Step *)g_ptr_array_index(plan->steps, 1))->subject, first);
    ck_assert_str_eq(((Step *)g_ptr_array_index(plan->steps, 2))->subject, second);
    g_autoptr(GString) nodes = g_string_new(NULL);
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        if (step->kind == STEP_NODE_OWNER)
            g_string_append_printf(nodes, "%s\n", step->subject);
    }
    ck_assert_ptr_nonnull(strstr(nodes->str, node));
    ck_assert_ptr_nonnull(strstr(nodes->str, "group of 0000:03:00.1\n"));
    ck_assert_ptr_nonnull(strstr(nodes->str, "/dev/vfio/12\n"));
    ck_assert_uint_eq(plan->devices->len, 4);
}
END_TEST

START_TEST(a_type_that_is_not_there_is_refused_with_those_that_are)
{
    g_autoptr(Host) host = a_host_that_makes(2);
    g_autoptr(Host) none = a_host_with_a_gpu();
    assert_plan_refused(
        host, NULL, "[PCI vgpu]\nAddress=02:00.0\nMediatedType=nvidia-99\n", false, FAULT_REFUSED,
        "[PCI vgpu] MediatedType=nvidia-99: 0000:02:00.0 (nvidia) has no such type; its types are: "
        "nvidia-63 (GRID M60-2Q; 2 available), nvidia-64 (unknown how many)");
    assert_plan_refused(none, NULL, "[PCI vgpu]\nAddress=01:00.0\nMediatedType=nvidia-63\n", false,
                        FAULT_REFUSED,
                        "[PCI vgpu] MediatedType=nvidia-63: the driver of 0000:01:00.0 makes no mediated "
                        "devices: radeon; give the device to a driver that makes mediated devices");
    assert_plan_refused(host, NULL, "[PCI vgpu]\nAddress=09:00.0\nMediatedType=nvidia-63\n", false,
                        FAULT_NO_SUCH_DEVICE, "there is no device 0000:09:00.0");
    HostMediatedType *type = g_ptr_array_index(host->mediated_types, 0);
    g_free(type->api);
    type->api = g_strdup("vfio-ccw");
    assert_plan_refused(
        host, NULL, MADE, false, FAULT_REFUSED,
        "[PCI vgpu] MediatedType=nvidia-63: the type makes no PCI device, but one for vfio-ccw");
}
END_TEST

START_TEST(one_that_cannot_be_made_any_more_is_refused_with_those_that_were)
{
    g_autoptr(Host) host = a_host_that_makes(0);
    g_autoptr(Claims) claims = claims_new();
    const char *said = "[PCI vgpu] MediatedType=nvidia-63: 0000:02:00.0 can make no more devices of this "
                       "type; these exist: ";
    g_autofree char *none = g_strconcat(said, "none; stop a guest that has one", NULL),
                    *one = g_strconcat(said, UUID " (nvidia-63, guest linux); stop a guest", NULL);
    assert_plan_refused(host, NULL, MADE, false, FAULT_REFUSED, none);
    a_mediated(host);
    ck_assert(claims_take(claims, 40, "guest/linux"));
    assert_plan_refused(host, claims, MADE, false, FAULT_REFUSED, one);

    /* Two sections, and one is available. */
    g_autoptr(Host) scarce = a_host_that_makes(1);
    assert_plan_refused(
        scarce, NULL, MADE "[PCI second]\nAddress=02:00.0\nMediatedType=nvidia-63\n", false, FAULT_REFUSED,
        "[PCI second] MediatedType=nvidia-63: 0000:02:00.0 can make no more devices of this type");
}
END_TEST

START_TEST(one_that_is_there_already_is_left_alone)
{
    g_autoptr(Host) host = a_host_that_makes(1);
    a_mediated(host);
    assert_plan_refused(host, NULL, MADE "MediatedDevice=" UUID "\n", false, FAULT_REFUSED,
                        "the mediated device " UUID
                        " exists already, so the start cannot make it: nvidia-63 of " PARENT
                        "; lend that device as it is, by MediatedDevice= without Address= and MediatedType=; "
                        "or remove it, if nobody needs it: echo 1 > /sys/bus/mdev/devices/" UUID "/remove");
    g_autoptr(Host) free = a_host_that_makes(2);
    g_autoptr(Plan) plan = planned(free, NULL, MADE "MediatedDevice=" UUID "\n", false);
    ck_assert_str_eq(((Step *)g_ptr_array_index(plan->steps, 0))->subject, UUID);
    assert_plan_refused(free, NULL,
                        MADE "MediatedDevice=" UUID "\n[PCI twin]\nAddress=02:00.0\nMediatedType=nvidia-64\n"
                             "MediatedDevice=" UUID "\n",
                        false, FAULT_BAD_DEFINITION,
                        "[PCI vgpu] and [PCI twin] both ask for mediated device " UUID);
}
END_TEST

START_TEST(one_that_became_another_is_drift)
{
    g_autoptr(Host) host = a_host_that_makes(1);
    g_autoptr(GuestDefinition) definition = a_definition(MADE "MediatedDevice=" UUID "\n");
    _cleanup_fault_ Fault *gone = NULL, *other = NULL;
    Plan *plan;
    ck_assert_int_eq(plan_rest(host, NULL, definition, &plan, &gone), FAULT_RAISED);
    ck_assert_str_eq(gone->message, "the mediated device " UUID ", which this start made, is gone now");
    HostMediated *mediated = a_mediated(host);
    mediated->parent = address_of("0000:01:00.0");
    ck_assert_int_eq(plan_rest(host, NULL, definition, &plan, &other), FAULT_RAISED);
    ck_assert_int_eq(other->kind, FAULT_DRIFT);
    ck_assert_str_eq(other->message,
                     "the mediated device " UUID ", which this start made, is another one now");
}
END_TEST

START_TEST(what_it_is_made_of_stays_with_the_host_and_has_to_be_fit)
{
    g_autoptr(Host) host = a_host_that_makes(1);
    g_autoptr(Claims) claims = claims_new();
    g_autofree char *uuid = uuid_of(MADE, 0),
                    *goes = g_strdup_printf(
                        PARENT
                        " has the mediated device %s (nvidia-63), which would disappear with its driver",
                        uuid);
    assert_plan_refused(host, NULL, MADE "[PCI card]\nAddress=02:00.0\n", false, FAULT_REFUSED, goes);
    assert_plan_refused(host, NULL, MADE "Fingerprint=10de:13f2 10de:115e 030000 0000:00:03.0/00.0\n", false,
                        FAULT_REFUSED, "[PCI vgpu] Fingerprint=");
    ck_assert(claims_take(claims, 20, "guest/linux"));
    assert_plan_refused(host, claims, MADE, false, FAULT_IN_USE,
                        PARENT " (group 20) is claimed by guest/linux");
    /* It is being made of for another. */
    g_autoptr(Claims) leaning = claims_new();
    g_autoptr(GArray) card = g_array_new(FALSE, FALSE, sizeof(int));
    int group = 20;
    g_array_append_val(card, group);
    claims_lean(leaning, card, "guest/linux");
    assert_plan_refused(host, leaning, "[PCI card]\nAddress=02:00.0\n", false, FAULT_IN_USE,
                        PARENT " (group 20) is claimed by guest linux");
    device_of(host, PARENT)->dead = true;
    assert_plan_refused(host, NULL, MADE, false, FAULT_REFUSED, PARENT);
    device_of(host, PARENT)->stuck = true;
    assert_plan_refused(host, NULL, MADE, false, FAULT_STUCK, PARENT " is stuck");
}
END_TEST

SUITE("plan-mediated", one_is_made_first_and_lent_when_its_group_is_known,
      one_is_made_beside_virtual_functions_and_other_devices,
      a_type_that_is_not_there_is_refused_with_those_that_are,
      one_that_cannot_be_made_any_more_is_refused_with_those_that_were,
      one_that_is_there_already_is_left_alone, one_that_became_another_is_drift,
      what_it_is_made_of_stays_with_the_host_and_has_to_be_fit,
      it_is_lent_by_its_groups_node_and_nothing_changes_hands,
      it_stands_among_other_devices_in_the_order_of_the_definition,
      one_that_is_not_there_is_refused_with_what_makes_it, one_that_a_guest_has_is_refused_with_that_guest,
      one_that_cannot_be_lent_is_refused_with_the_reason, what_it_was_made_of_stays_with_the_host)
