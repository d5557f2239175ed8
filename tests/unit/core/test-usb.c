/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the host's USB devices a section means, and whether the guest may have it. */
#include "../../../daemon/core/host/usb.h"
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-plan.h"
#include "../../../daemon/core/plan/usb-wish.h"

static HostUsb *plug(Host *host, const char *port, unsigned number, unsigned vendor, unsigned product,
                     const char *serial)
{
    HostUsb *usb = host_add_usb(host, port);

    usb->bus = 1;
    usb->number = number;
    usb->vendor = vendor;
    usb->product = product;
    usb->serial = g_strdup(serial);
    usb->drivers = g_strdup("1.0:usbhid");
    return usb;
}

/* Two sticks that are alike but for their numbers, and a headset. */
static Host *a_desk(void)
{
    Host *host = host_new();

    plug(host, "1-1", 2, 0x046d, 0x0a8f, NULL);
    plug(host, "1-2.1", 3, 0x0781, 0x5567, "A");
    plug(host, "1-2.2", 4, 0x0781, 0x5567, "B");
    return host;
}

static const HostUsb *find(const Host *host, const char *text)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    const HostUsb *usb = NULL;

    ck_assert_int_eq(usb_find(host, "win10", g_ptr_array_index(definition->usbs, 0), &usb, NULL), 0);
    return usb;
}

static void assert_plan(const Host *host, const char *text)
{
    g_autoptr(Plan) plan = a_plan(host, text);

    ck_assert_uint_eq(plan->steps->len, 0);
}

/* [USB x] with these keys is refused. */
static void assert_usb_refused(const Host *host, const char *keys, FaultKind kind, const char *message,
                               const char *remedy)
{
    g_autofree char *text = g_strdup_printf("[USB x]\n%s\n", keys),
                    *whole = g_strdup_printf("guest win10: [USB x] %s", message);

    assert_no_plan(host, text, kind, whole, remedy);
}

START_TEST(ports_are_those_of_sysfs_without_root_hubs_and_interfaces)
{
    static const char *const good[] = {"1-2", "1-2.3", "12-1.4.2"}, *const bad[] = {
                                                                        "",     "1",       "1-",
                                                                        "usb1", "1-0:1.0", "1-2.",
                                                                        "-2",   "1-2-3",   "1-2.x"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        ck_assert_msg(usb_port_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!usb_port_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(places_are_udevs_names_of_devices_behind_pci_controllers)
{
    static const char *const good[] = {"pci-0000:00:14.0-usb-0:2", "pci-0000:03:00.3-usb-0:2.3.1"};
    static const char *const bad[] = {"pci-0000:00:14.0-usb-0:2:1.0", "pci-0000:00:14.0-usb-1:2",
                                      "pci-00:14.0-usb-0:2",          "platform-xhci-usb-0:1",
                                      "pci-0000:00:14.0-usb-0:",      "pci-0000:00:14.0-usb-0:2."};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        ck_assert_msg(usb_place_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!usb_place_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_place_is_that_of_the_last_controller_on_the_way)
{
    g_autofree char *place =
        usb_place("3-2.1", "../../../devices/pci0000:00/0000:00:01.2/0000:03:00.3/usb3/3-2/3-2.1");

    ck_assert_str_eq(place, "pci-0000:03:00.3-usb-0:2.1");
    ck_assert_ptr_null(usb_place("1-1", "../../../devices/platform/vhci_hcd.0/usb1/1-1"));
}
END_TEST

/* As the numbers of buses change from one boot to the next. */
START_TEST(a_port_by_its_place_is_found_on_whichever_bus)
{
    for (unsigned bus = 1; bus < 3; bus++) {
        g_autoptr(Host) host = host_new();
        g_autofree char *port = g_strdup_printf("%u-4", bus);
        plug(host, "9-4", 7, 1, 1, NULL)->place = g_strdup("pci-0000:05:00.0-usb-0:4");
        HostUsb *usb = plug(host, port, 8, 2, 2, NULL);
        usb->place = g_strdup("pci-0000:00:14.0-usb-0:4");
        ck_assert_ptr_eq(find(host, "[USB x]\nPort=pci-0000:00:14.0-usb-0:4\n"), usb);
    }
}
END_TEST

START_TEST(a_node_has_three_digits_of_each_number)
{
    static const char *const bad[] = {
        "/dev/bus/usb/1/2",    "/dev/bus/usb/001/128", "/dev/bus/usb/001/000", "/dev/bus/usb/001/002/x",
        "/dev/bus/usb/../001", "/dev/vfio/1",          "/dev/bus/usb/001/ 02", "/dev/bus/usb/000/002"};
    g_autofree char *node = usb_node(&(HostUsb){.bus = 1, .number = 27});
    unsigned bus, number;

    ck_assert_str_eq(node, "/dev/bus/usb/001/027");
    ck_assert(usb_node_parse(node, &bus, &number));
    ck_assert_uint_eq(bus, 1);
    ck_assert_uint_eq(number, 27);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!usb_node_parse(bad[i], &bus, &number), "%s", bad[i]);
}
END_TEST

START_TEST(a_device_fits_by_all_that_is_said)
{
    g_autoptr(Host) host = a_desk();

    ck_assert_str_eq(find(host, "[USB x]\nID=046d:0a8f\n")->port, "1-1");
    ck_assert_str_eq(find(host, "[USB x]\nID=0781:5567\nSerial=B\n")->port, "1-2.2");
    ck_assert_str_eq(find(host, "[USB x]\nSerial=A\n")->port, "1-2.1");
    ck_assert_str_eq(find(host, "[USB x]\nPort=1-2.2\n")->serial, "B");
    ck_assert_ptr_null(find(host, "[USB x]\nID=046d:0a8f\nSerial=A\n"));
    ck_assert_ptr_null(find(host, "[USB x]\nID=046d:0a8f\nPort=1-2\n"));
}
END_TEST

START_TEST(a_device_that_is_absent_or_free_is_no_reason_not_to_start)
{
    g_autoptr(Host) host = a_desk();

    assert_plan(host, "[USB x]\nID=1234:5678\n");
    assert_plan(host, "[USB x]\nID=046d:0a8f\n[USB y]\nSerial=A\n");
}
END_TEST

START_TEST(one_of_several_that_fit_is_not_guessed)
{
    g_autoptr(Host) host = a_desk();

    assert_usb_refused(host, "ID=0781:5567", FAULT_REFUSED,
                       "0781:5567 could be any of these: 0781:5567 at port 1-2.1 with serial number A, "
                       "0781:5567 at port 1-2.2 with serial number B",
                       "say which one: add Port=, or Serial= if they have serial numbers");
    assert_usb_refused(host, "Serial=A\n[USB y]\nPort=1-2.1", FAULT_REFUSED,
                       "and [USB y] both mean 0781:5567 at port 1-2.1 with serial number A",
                       "remove one of them, or write Port= in both");
    plug(host, "1-9", 20, 1, 1, NULL)->place = g_strdup("pci-0000:00:14.0-usb-0:9");
    plug(host, "2-9", 21, 2, 2, NULL)->place = g_strdup("pci-0000:00:14.0-usb-0:9");
    assert_usb_refused(host, "Port=pci-0000:00:14.0-usb-0:9", FAULT_REFUSED,
                       "the device at port pci-0000:00:14.0-usb-0:9 could be any of these: 0001:0001 at port "
                       "1-9, 0002:0002 at port 2-9",
                       "say which one: add ID=, as there is such a port for USB 2, and one for USB 3");
}
END_TEST

START_TEST(what_the_host_stands_on_or_others_have_is_refused)
{
    g_autoptr(Host) host = a_desk();

    host_find_usb(host, "1-2.1")->needed_for = g_strdup("/mnt on sda1");
    host_find_usb(host, "1-2.2")->guest = g_strdup("other");
    host_find_usb(host, "1-1")->hub = true;
    assert_usb_refused(host, "Serial=A", FAULT_IN_USE,
                       "0781:5567 at port 1-2.1 with serial number A is in use: /mnt on sda1",
                       "unmount it or end what uses it, or leave it to the host");
    assert_usb_refused(host, "Serial=B", FAULT_IN_USE,
                       "0781:5567 at port 1-2.2 with serial number B is in use by guest other",
                       "stop that guest first: usherctl stop other");
    assert_usb_refused(host, "Port=1-1", FAULT_REFUSED, "046d:0a8f at port 1-1 is a hub",
                       "name the devices that are plugged into it");
}
END_TEST

START_TEST(what_a_program_has_by_usbfs_is_refused_unless_it_is_this_guests)
{
    g_autoptr(Host) host = a_desk();
    HostUsb *usb = host_find_usb(host, "1-1");

    g_free(usb->drivers);
    usb->drivers = g_strdup("1.0:usbfs");
    assert_usb_refused(host, "Port=1-1", FAULT_IN_USE,
                       "a program uses 046d:0a8f at port 1-1 (/dev/bus/usb/001/002)",
                       "end that program; fuser -v names it, given the device's node");
    usb->guest = g_strdup("win10");
    assert_plan(host, "[USB x]\nPort=1-1\n");
}
END_TEST

START_TEST(drivers_are_back_when_each_interface_has_one_again)
{
    ck_assert(usb_drivers_back("1.0:snd-usb-audio 1.3:usbhid", "1.0:snd-usb-audio 1.3:usbhid"));
    ck_assert(usb_drivers_back("1.0:snd-usb-audio", "1.0:other 1.1:usbhid"));
    ck_assert(usb_drivers_back("", "1.0:usbhid"));
    ck_assert(!usb_drivers_back("1.0:snd-usb-audio 1.3:usbhid", "1.0:snd-usb-audio"));
    ck_assert(!usb_drivers_back("1.1:usbhid", "1.10:usbhid"));
    ck_assert(!usb_drivers_back("1.0:usbhid", ""));
}
END_TEST

START_TEST(a_usb_device_that_has_gone_is_given_back_but_not_given)
{
    g_autoptr(Step) give = step_new(STEP_USB_DRIVERS, "/dev/bus/usb/001/002", "1.0:usbhid", "");
    g_autoptr(Step) back = step_undo(give);

    ck_assert_int_eq(step_view(give, NULL), STEP_VIEW_DRIFT);
    ck_assert_int_eq(step_view(give, "1.0:usbhid"), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(give, "1.0:usbfs"), STEP_VIEW_DRIFT);
    ck_assert_int_eq(step_view(give, ""), STEP_VIEW_AFTER);
    ck_assert_int_eq(step_view(back, NULL), STEP_VIEW_AFTER);
    ck_assert_int_eq(step_view(back, ""), STEP_VIEW_BEFORE);
    ck_assert_int_eq(step_view(back, "1.0:usbhid"), STEP_VIEW_AFTER);
}
END_TEST

SUITE("usb", places_are_udevs_names_of_devices_behind_pci_controllers,
      a_place_is_that_of_the_last_controller_on_the_way, a_port_by_its_place_is_found_on_whichever_bus,
      ports_are_those_of_sysfs_without_root_hubs_and_interfaces, a_node_has_three_digits_of_each_number,
      a_device_fits_by_all_that_is_said, a_device_that_is_absent_or_free_is_no_reason_not_to_start,
      one_of_several_that_fit_is_not_guessed, what_the_host_stands_on_or_others_have_is_refused,
      what_a_program_has_by_usbfs_is_refused_unless_it_is_this_guests,
      drivers_are_back_when_each_interface_has_one_again,
      a_usb_device_that_has_gone_is_given_back_but_not_given)
