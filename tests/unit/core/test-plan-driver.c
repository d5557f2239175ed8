/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver a device is lent by. */
#include "../../../daemon/core/host/vfio-driver.h"
#include "../suite.h"
#include "a-plan.h"

#define NET "[PCI net]\nAddress=02:00.0\n"

/* A virtual function of a ConnectX, and a kernel that has a variant for such. */
static Host *a_host_with_a_variant(const char *driver)
{
    Host *host = a_host();
    HostDevice *device = a_device(host, "0000:02:00.0", 14, driver);

    device->vendor = 0x15b3;
    device->device = 0x101e;
    g_clear_pointer(&device->power.control, g_free);
    g_clear_pointer(&device->power.d3cold_allowed, g_free);
    g_ptr_array_unref(host->vfio_aliases);
    host->vfio_aliases =
        vfio_aliases_parse("alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n");
    return host;
}

START_TEST(the_best_driver_is_loaded_and_gets_the_device)
{
    g_autoptr(Host) host = a_host_with_a_variant("mlx5_core");
    g_autoptr(Plan) plan = a_plan(host, NET);

    assert_steps(plan, "module mlx5_vfio_pci absent→live\n"
                       "driver 0000:02:00.0 mlx5_core→\n"
                       "override 0000:02:00.0 →mlx5_vfio_pci\n"
                       "driver 0000:02:00.0 →mlx5_vfio_pci\n"
                       "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(a_driver_that_is_loaded_is_no_step)
{
    g_autoptr(Host) host = a_host_with_a_variant("mlx5_core");
    g_ptr_array_add(host->drivers, g_strdup("mlx5-vfio-pci"));
    g_autoptr(Plan) plan = a_plan(host, NET);

    assert_steps(plan, "driver 0000:02:00.0 mlx5_core→\n"
                       "override 0000:02:00.0 →mlx5-vfio-pci\n"
                       "driver 0000:02:00.0 →mlx5-vfio-pci\n"
                       "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(a_section_may_ask_for_vfio_pci_all_the_same)
{
    g_autoptr(Host) host = a_host_with_a_variant("mlx5_core");
    g_autoptr(Plan) plan = a_plan(host, NET "Driver=vfio-pci\n");

    assert_steps(plan, "driver 0000:02:00.0 mlx5_core→\n"
                       "override 0000:02:00.0 →vfio-pci\n"
                       "driver 0000:02:00.0 →vfio-pci\n"
                       "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(a_device_on_any_driver_that_lends_it_stays_there)
{
    g_autoptr(Host) host = a_host_with_a_variant("vfio-pci");
    g_autoptr(Plan) plan = a_plan(host, NET);

    assert_steps(plan, "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(a_device_of_a_driver_with_another_kind_of_name_stays_there_if_vfio_has_it)
{
    g_autoptr(Host) host = a_host_with_a_variant("nvidia");
    device_of(host, "0000:02:00.0")->vfio = g_strdup("vfio0");
    g_autoptr(Plan) plan = a_plan(host, NET);

    assert_steps(plan, "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(a_section_that_names_another_one_has_the_device_change_drivers)
{
    g_autoptr(Host) host = a_host_with_a_variant("vfio-pci");
    device_of(host, "0000:02:00.0")->override = g_strdup("vfio-pci");
    g_autoptr(Plan) plan = a_plan(host, NET "Driver=mlx5_vfio_pci\n");

    assert_steps(plan, "module mlx5_vfio_pci absent→live\n"
                       "driver 0000:02:00.0 vfio-pci→\n"
                       "override 0000:02:00.0 vfio-pci→mlx5_vfio_pci\n"
                       "driver 0000:02:00.0 →mlx5_vfio_pci\n"
                       "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(a_module_is_loaded_once_for_all_its_devices)
{
    g_autoptr(Host) host = a_host_with_a_variant("mlx5_core");
    HostDevice *second = a_device(host, "0000:03:00.0", 15, NULL);
    second->vendor = 0x15b3;
    second->device = 0x101e;
    host->vfio_pci = false;
    a_device(host, "0000:04:00.0", 16, NULL);
    g_autoptr(Plan) plan =
        a_plan(host, NET "[PCI two]\nAddress=03:00.0\n[PCI other]\nAddress=04:00.0\n");
    const Step *first = g_ptr_array_index(plan->steps, 0), *next = g_ptr_array_index(plan->steps, 1),
               *third = g_ptr_array_index(plan->steps, 2);

    ck_assert_str_eq(first->subject, "mlx5_vfio_pci");
    ck_assert_str_eq(next->subject, "vfio_pci");
    ck_assert_int_ne(third->kind, STEP_MODULE);
}
END_TEST

START_TEST(a_driver_that_the_kernel_does_not_have_is_refused_with_those_that_it_has)
{
    g_autoptr(Host) host = a_host_with_a_variant("mlx5_core");

    assert_no_plan(host, NET "Driver=mlx4_vfio_pci\n", FAULT_REFUSED,
                   "[PCI net] Driver=mlx4_vfio_pci: this kernel has no such driver",
                   "this kernel has mlx5_vfio_pci, vfio-pci; or remove Driver=, and the best of them is taken");
    assert_no_plan(host, NET "Driver=vfio.pci\n", FAULT_REFUSED,
                   "[PCI net] Driver=vfio.pci: this kernel has no such driver",
                   "this kernel has mlx5_vfio_pci, vfio-pci; or remove Driver=, and the best of them is taken");
}
END_TEST

SUITE("plan-driver", the_best_driver_is_loaded_and_gets_the_device, a_driver_that_is_loaded_is_no_step,
      a_section_may_ask_for_vfio_pci_all_the_same, a_device_on_any_driver_that_lends_it_stays_there,
      a_device_of_a_driver_with_another_kind_of_name_stays_there_if_vfio_has_it,
      a_section_that_names_another_one_has_the_device_change_drivers,
      a_module_is_loaded_once_for_all_its_devices,
      a_driver_that_the_kernel_does_not_have_is_refused_with_those_that_it_has)
