/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices of a guest definition. */
#include <string.h>

#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-definition.h"

#define VGPU "[PCI vgpu]\nMediatedDevice=4B20D080-1B54-4048-85b3-a6a62d165c01\n"

START_TEST(a_mediated_device_has_no_address_and_nothing_of_a_card)
{
    static const char *const unfit[] = {"Address=01:00.0", "Functions=0",   "VirtualFunctions=2", "Group=all",
                                        "ResetBefore=yes", "ResetAfter=no", "PrimaryVGA=no"};
    for (unsigned i = 0; i < G_N_ELEMENTS(unfit); i++) {
        g_autofree char *text = g_strdup_printf(VGPU "%s\n", unfit[i]);
        g_autofree char *said = g_strdup_printf(AT "3: [PCI vgpu] %.*s does not go with MediatedDevice=",
                                                (int)(strchr(unfit[i], '=') - unfit[i]) + 1, unfit[i]);
        assert_refused(text, said, "remove one of them");
    }
    assert_refused("[PCI vgpu]\nMediatedDevice=42\n",
                   AT "2: [PCI vgpu] MediatedDevice=42 is not a UUID such as "
                      "4b20d080-1b54-4048-85b3-a6a62d165c01",
                   NULL);
    assert_refused("[PCI vgpu]\nBootIndex=1\n", AT "1: [PCI vgpu] has no Address=",
                   "add Address= with a PCI address such as 0000:01:00.0");
    g_autoptr(GuestDefinition) definition = a_definition(VGPU "BootIndex=1\nROM=/srv/vgpu.rom\n");
    const DefinitionPci *pci = g_ptr_array_index(definition->pci, 0);
    ck_assert_str_eq(pci->mediated, "4b20d080-1b54-4048-85b3-a6a62d165c01");
}
END_TEST

START_TEST(a_mediated_device_that_is_made_has_the_address_of_what_it_is_made_of)
{
    static const char *const unfit[] = {"Functions=0",     "VirtualFunctions=2", "Group=all",
                                        "ResetBefore=yes", "ResetAfter=no",      "PrimaryVGA=no"};
    for (unsigned i = 0; i < G_N_ELEMENTS(unfit); i++) {
        g_autofree char *text =
            g_strdup_printf("[PCI vgpu]\nAddress=01:00.0\nMediatedType=i915-GVTg_V5_4\n%s\n", unfit[i]);
        g_autofree char *said = g_strdup_printf(AT "4: [PCI vgpu] %.*s does not go with MediatedType=",
                                                (int)(strchr(unfit[i], '=') - unfit[i]) + 1, unfit[i]);
        assert_refused(text, said, "remove one of them");
    }
    assert_refused(VGPU "MediatedType=i915-GVTg_V5_4\n", AT "3: [PCI vgpu] MediatedType= needs an Address=",
                   "add Address= with the device whose driver offers the type");
    assert_refused("[PCI vgpu]\nMediatedType=i915-GVTg_V5_4\n", AT "1: [PCI vgpu] has no Address=",
                   "add Address= with a PCI address such as 0000:01:00.0");
    assert_refused(
        "[PCI vgpu]\nAddress=01:00.0\nMediatedType=../x\n",
        AT "3: [PCI vgpu] MediatedType=../x is not a word of letters, digits, dots, dashes and underscores, "
           "at most 64",
        NULL);
    g_autoptr(GuestDefinition) definition = a_definition(
        VGPU
        "Address=01:00.0\nMediatedType=i915-GVTg_V5_4\n[PCI other]\nAddress=01:00.0\nMediatedType=x-1\n");
    const DefinitionPci *said = g_ptr_array_index(definition->pci, 0),
                        *made = g_ptr_array_index(definition->pci, 1);
    ck_assert(definition_mediates(said) && definition_mediates(made));
    g_autofree char *uuid = definition_mediated(definition, said);
    ck_assert_str_eq(uuid, "4b20d080-1b54-4048-85b3-a6a62d165c01");
}
END_TEST

START_TEST(the_uuid_of_a_mediated_device_is_its_own_and_stays)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[PCI vgpu]\nAddress=01:00.0\nMediatedType=x-1\n[PCI other]\nAddress=01:00.0\nMediatedType=x-1\n");
    const DefinitionPci *vgpu = g_ptr_array_index(definition->pci, 0),
                        *other = g_ptr_array_index(definition->pci, 1);
    g_autofree char *nowhere = definition_mediated(definition, vgpu);
    definition->host_id = g_strdup("6e3a5d0b9c4f4f0d8d8ab1f3f1b0c7a2");
    g_autofree char *first = definition_mediated(definition, vgpu),
                    *second = definition_mediated(definition, other),
                    *again = definition_mediated(definition, vgpu);
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, second);
    ck_assert_str_ne(first, nowhere);
    ck_assert(g_uuid_string_is_valid(first));
    /* Version 5 (RFC 4122), by another's hand: uuidgen --sha1 -n 9d3c610e-52b7-4f88-a16d-e407c35a2bf9 -N NAME
     */
    ck_assert_str_eq(first, "8df33633-c0b5-5ae9-8758-a69d2ce72e97");
    ck_assert_str_eq(nowhere, "0e0a6e8d-9236-5735-82ca-71293365ab11");
}
END_TEST

START_TEST(the_screen_of_a_vgpu_is_shown_where_somebody_sees_it)
{
    g_autoptr(GuestDefinition) definition = a_definition(VGPU "Display=yes\n[Display]\nType=vnc\n");
    ck_assert(((const DefinitionPci *)g_ptr_array_index(definition->pci, 0))->display);
    assert_refused(VGPU "Display=yes\n",
                   AT "3: [PCI vgpu] Display=yes: without [Display] Type= nobody sees the screen",
                   "add Type=spice and Card=none to [Display], or remove it");
    assert_refused("[PCI gpu]\nAddress=01:00.0\nDisplay=yes\n[Display]\nType=vnc\n",
                   AT "3: [PCI gpu] Display=yes: only a mediated device has a screen that QEMU can show",
                   "remove it: a card shows its screen on a monitor of its own");
    assert_refused(
        "[PCI vgpu]\nAddress=00:02.0\nMediatedType=i915-GVTg_V5_4\nDisplay=yes\n[Display]\nType=vnc\n",
        AT "4: [PCI vgpu] Display=yes: QEMU shows the screen of i915-GVTg_V5_4 by OpenGL alone, which "
           "a guest's QEMU does not have",
        "remove it, and have a viewer run within the guest");
    /* QEMU ends at a second one: "duplicate fw_cfg file name". */
    assert_refused(VGPU "Display=yes\n[PCI b]\nAddress=01:00.0\nMediatedType=x-1\nDisplay=yes\n"
                        "[Display]\nType=vnc\n",
                   AT "7: [PCI b] Display=yes: QEMU has one ramfb, which shows the firmware, and [PCI vgpu] "
                      "has it",
                   "remove one of them");
}
END_TEST

SUITE("definition-mediated", the_screen_of_a_vgpu_is_shown_where_somebody_sees_it,
      a_mediated_device_has_no_address_and_nothing_of_a_card,
      a_mediated_device_that_is_made_has_the_address_of_what_it_is_made_of,
      the_uuid_of_a_mediated_device_is_its_own_and_stays)
