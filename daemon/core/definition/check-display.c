/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"
#include "usb.h"

/* Of these, other servers know nothing. */
static int check_spice_only(const DefinitionReader *reader, Fault **ret_fault)
{
    static const char *const keys[] = {"Card", "Clipboard", "USBRedirect"};
    const ReadSection *section = reader_section(reader, SECTION_DISPLAY, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const DefinitionPlace *place = section_key_place(section, keys[i]);
        if (place && reader->definition->display.type != DISPLAY_SPICE)
            return definition_raise(*place, ret_fault, "remove it, or set Type=spice",
                                    "[Display] %s= works with Type=spice only", keys[i]);
    }
    return 0;
}

static int check_owner(const DefinitionReader *reader, Fault **ret_fault)
{
    const ReadSection *section = reader_section(reader, SECTION_DISPLAY, NULL);

    if (reader->definition->display.type != DISPLAY_NONE || !reader->definition->display.owner)
        return 0;
    return definition_raise(section_place(section, "Owner"), ret_fault, "add Type=, or remove it",
                            "[Display] Owner= means nothing without Type=");
}

static int check_usb_ports(const DefinitionReader *reader, Fault **ret_fault)
{
    const DefinitionDisplay *display = &reader->definition->display;
    const ReadSection *section = reader_section(reader, SECTION_DISPLAY, NULL);
    MouseType mouse = display_mouse(display);
    unsigned n = reader->definition->usbs->len + display->usb_redirect + (display->keyboard == KEYBOARD_USB) +
                 (mouse == MOUSE_USB || mouse == MOUSE_USB_TABLET);

    if (n <= USB_PORTS)
        return 0;
    return definition_raise(
        section_place(section, "USBRedirect"), ret_fault, "lower USBRedirect=, or remove a [USB] section",
        "[Display] and the [USB] sections need %u USB ports, but a guest has %d", n, USB_PORTS);
}

/* QEMU merges what several -spice say, opens a port for each -vnc, and does both for a -display: there would
 * be a way to the screen beside the viewers' own, for everybody. Two dashes mean the same as one
 * (lookup_opt() in system/vl.c). */
static bool adds_server(const char *word)
{
    static const char *const options[] = {"spice", "vnc", "display", NULL};

    if (word[0] != '-')
        return false;
    return g_strv_contains(options, word + (word[1] == '-' ? 2 : 1));
}

static int check_options(const DefinitionReader *reader, Fault **ret_fault)
{
    const GPtrArray *words = reader->definition->qemu.arguments;
    DisplayType type = reader->definition->display.type;

    for (unsigned i = 0; words && type != DISPLAY_NONE && i < words->len; i++) {
        const char *word = g_ptr_array_index(words, i);
        if (!adds_server(word))
            continue;
        g_autofree char *remedy = g_strdup_printf(
            "remove %s from it: usherctl view and [Display] do without a port; or remove [Display] Type=",
            word);
        return definition_raise(
            section_place(reader_section(reader, SECTION_QEMU, NULL), "Arguments"), ret_fault, remedy,
            "[QEMU] Arguments= has %s, which could open the screen of [Display] Type=%s to others", word,
            display_type_to_string(type));
    }
    return 0;
}

int definition_check_display(const DefinitionReader *reader, Fault **ret_fault)
{
    int r = check_owner(reader, ret_fault);
    if (r == 0)
        r = check_spice_only(reader, ret_fault);
    if (r == 0)
        r = check_usb_ports(reader, ret_fault);
    return r == 0 ? check_options(reader, ret_fault) : r;
}

static const DefinitionPci *shown_before(const GPtrArray *sections, const DefinitionPci *pci)
{
    for (unsigned i = 0; g_ptr_array_index(sections, i) != pci; i++)
        if (((const DefinitionPci *)g_ptr_array_index(sections, i))->display)
            return g_ptr_array_index(sections, i);
    return NULL;
}

/* QEMU reads the screen from the driver of the part (VFIO_DEVICE_QUERY_GFX_PLANE). i915's has it as a dma-buf
 * alone, which QEMU shows by OpenGL alone (vfio_display_dmabuf_init() of its hw/vfio/display.c), and a
 * guest's QEMU has no card of the host's to draw with. */
int definition_check_vgpu_screen(const DefinitionReader *reader, const ReadSection *section,
                                 Fault **ret_fault)
{
    const DefinitionPci *pci = section->structure;

    if (!pci->display)
        return 0;
    if (!definition_mediates(pci))
        return definition_raise(
            section_place(section, "Display"), ret_fault,
            "remove it: a card shows its screen on a monitor of its own",
            "[PCI %s] Display=yes: only a mediated device has a screen that QEMU can show", pci->name);
    if (reader->definition->display.type == DISPLAY_NONE)
        return definition_raise(section_place(section, "Display"), ret_fault,
                                "add Type=spice and Card=none to [Display], or remove it",
                                "[PCI %s] Display=yes: without [Display] Type= nobody sees the screen",
                                pci->name);
    if (pci->mediated_type && g_str_has_prefix(pci->mediated_type, "i915-"))
        return definition_raise(section_place(section, "Display"), ret_fault,
                                "remove it, and have a viewer run within the guest",
                                "[PCI %s] Display=yes: QEMU shows the screen of %s by OpenGL alone, which a "
                                "guest's QEMU does not have",
                                pci->name, pci->mediated_type);
    const DefinitionPci *other = shown_before(reader->definition->pci, pci);
    if (other)
        return definition_raise(section_place(section, "Display"), ret_fault, "remove one of them",
                                "[PCI %s] Display=yes: QEMU has one ramfb, which shows the firmware, and "
                                "[PCI %s] has it",
                                pci->name, other->name);
    return 0;
}
