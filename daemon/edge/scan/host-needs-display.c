/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cards that the host shows something on. All by sysfs and /proc: to ask a framebuffer itself
 * (FBIOGET_CON2FBMAP) is to open its node, which waits for its driver. */
#include <stdio.h>
#include <string.h>

#include "../../base/file.h"
#include "host-needs-private.h"

#define BOOT_PARAMS_LIMIT (64 * 1024)

typedef struct Displays {
    const HostPlace *place;
    Host *host;
    GHashTable *shown; /* set of HostDevice* */
} Displays;

/* The device of a framebuffer that the firmware set up, and that efifb, vesafb or simpledrm draw into:
 * "efi-framebuffer.0", "simple-framebuffer.0", … (drivers/firmware/sysfb.c). NULL: there is none on the path.
 * The caller frees it. */
static char *firmware_device_on(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (char **part = parts; *part; part++)
        if (strstr(*part, "-framebuffer."))
            return g_strdup(*part);
    return NULL;
}

/* Where the firmware's framebuffer is in memory; 0: unknown. From the screen_info at the beginning of x86's
 * boot_params (Documentation/x86/boot.rst, include/uapi/linux/screen_info.h). /proc/iomem would tell it too,
 * but only zeros to one without CAP_SYS_ADMIN. */
static uint64_t firmware_base(const HostPlace *place)
{
    enum { BASE = 0x18, CAPABILITIES = 0x36, BASE_HIGH = 0x3a, SIZE = 0x40, WIDE_BASE = 1 << 1 };
    g_autofree char *data = NULL;
    uint32_t low, high, capabilities;
    size_t size;

    if (file_read_all_at(place->sys_fd, "kernel/boot_params/data", BOOT_PARAMS_LIMIT, &data, &size) < 0 ||
        size < SIZE)
        return 0;
    memcpy(&low, data + BASE, sizeof(low));
    memcpy(&capabilities, data + CAPABILITIES, sizeof(capabilities));
    memcpy(&high, data + BASE_HIGH, sizeof(high));
    return (capabilities & WIDE_BASE ? (uint64_t)high << 32 : 0) | low;
}

static bool has_memory_at(const HostPlace *place, const HostDevice *device, uint64_t base)
{
    g_autofree char *path = g_strdup_printf("bus/pci/devices/%s/resource", PCI_ADDRESS_STR(device->address));
    g_autofree char *text = NULL;
    if (file_read_value_at(place->sys_fd, path, &text) < 0)
        return false;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        unsigned long long first, last;
        if (sscanf(*line, "%llx %llx", &first, &last) == 2 && first > 0 && first <= base && base <= last)
            return true;
    }
    return false;
}

static HostDevice *boot_card(const Host *host)
{
    for (unsigned i = 0; i < host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(host->devices, i);
        if (device->boot_vga)
            return device;
    }
    return NULL;
}

/* Before Linux 6.9 the framebuffer's device is not below the card's. If nothing tells, the card is the one
 * that the firmware used. */
static HostDevice *firmware_card(const Displays *displays)
{
    uint64_t base = firmware_base(displays->place);

    for (unsigned i = 0; base > 0 && i < displays->host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(displays->host->devices, i);
        if (!device->bridge && has_memory_at(displays->place, device, base))
            return device;
    }
    return boot_card(displays->host);
}

/* Notes each card once, with the most telling reason. path: what shows something, in sysfs; what: its
 * name. */
static void show(Displays *displays, const char *path, const char *what)
{
    g_autofree char *reason = g_strdup_printf("console on %s", what), *firmware = firmware_device_on(path);
    g_autoptr(GPtrArray) functions = needs_functions_on(displays->host, path);
    bool fresh = false;

    for (unsigned i = 0; i < functions->len; i++)
        if (!((HostDevice *)g_ptr_array_index(functions, i))->bridge)
            fresh |= g_hash_table_add(displays->shown, g_ptr_array_index(functions, i));
    if (fresh)
        needs_note_path(displays->host, path, reason);
    HostDevice *card = firmware && functions->len == 0 ? firmware_card(displays) : NULL;
    if (card && g_hash_table_add(displays->shown, card))
        needs_note(&card->needed_for, reason);
}

static void show_link(Displays *displays, const char *class, const char *name)
{
    g_autofree char *link = g_strdup_printf("class/%s/%s", class, name);
    g_autofree char *path = needs_resolve(displays->place, link);
    if (path)
        show(displays, path, name);
}

/* The terminals have the driver with these words in its name: "(M) frame buffer device", "(S) VGA+"
 * (Documentation/driver-api/console.rst). */
static bool console_driver_bound(const HostPlace *place, const char *words)
{
    g_auto(GStrv) names = needs_list(place, "class/vtconsole");

    for (char **name = names; *name; name++) {
        g_autofree char *says = g_strdup_printf("class/vtconsole/%s/name", *name), *called = NULL;
        g_autofree char *bind = g_strdup_printf("class/vtconsole/%s/bind", *name), *bound = NULL;
        if (file_read_value_at(place->sys_fd, says, &called) >= 0 && strstr(called, words) &&
            file_read_value_at(place->sys_fd, bind, &bound) >= 0 && g_str_equal(bound, "1"))
            return true;
    }
    return false;
}

/* "01" of the last fbcon=map:01 (Documentation/fb/fbcon.rst); NULL: there is none. The caller frees it. */
static char *said_framebuffers(const HostPlace *place)
{
    g_auto(GStrv) lines = NULL;
    char *map = NULL;
    if (needs_read_lines(place, "cmdline", &lines) < 0 || !lines[0])
        return NULL;

    g_auto(GStrv) words = g_strsplit(lines[0], " ", -1);
    for (char **word = words; *word; word++) {
        if (!g_str_has_prefix(*word, "fbcon="))
            continue;
        g_auto(GStrv) options = g_strsplit(*word + strlen("fbcon="), ",", -1);
        for (char **option = options; *option; option++) {
            if (!g_str_has_prefix(*option, "map:"))
                continue;
            g_free(map);
            map = g_strdup(*option + strlen("map:"));
        }
    }
    return map;
}

/* -1: there is none. */
static int framebuffer_number(const char *name)
{
    unsigned number;
    int end = 0;

    return sscanf(name, "fb%u%n", &number, &end) == 1 && name[end] == '\0' && number <= G_MAXINT ? (int)number
                                                                                                 : -1;
}

static bool is_below(const Displays *displays, const char *name, const HostDevice *card)
{
    g_autofree char *link = g_strdup_printf("class/graphics/%s", name);
    g_autofree char *path = needs_resolve(displays->place, link);
    g_autoptr(GPtrArray) functions = needs_functions_on(displays->host, path ? path : "");

    return card && g_ptr_array_find(functions, card, NULL);
}

/* All terminals are on the framebuffer of the card that the firmware used, or without that on the first,
 * unless the command line says otherwise (fbcon.c, fbcon_select_primary() and fbcon_fb_registered()). */
static void show_framebuffer_console(Displays *displays)
{
    if (!console_driver_bound(displays->place, "frame buffer device"))
        return;
    g_autofree char *said = said_framebuffers(displays->place);
    for (const char *digit = said; digit && *digit; digit++) {
        g_autofree char *name = g_strdup_printf("fb%c", *digit);
        if (framebuffer_number(name) >= 0)
            show_link(displays, "graphics", name);
    }
    if (said)
        return;

    g_auto(GStrv) names = needs_list(displays->place, "class/graphics");
    const HostDevice *boot = boot_card(displays->host);
    const char *chosen = NULL;
    for (char **name = names; *name; name++) {
        int number = framebuffer_number(*name);
        if (number < 0)
            continue;
        if (is_below(displays, *name, boot)) {
            chosen = *name;
            break;
        }
        if (!chosen || number < framebuffer_number(chosen))
            chosen = *name;
    }
    if (chosen)
        show_link(displays, "graphics", chosen);
}

/* The firmware's framebuffer lies in a card's memory, whether it is the console or not. If nobody draws into
 * it, neither class has it. */
static void show_firmware_framebuffers(Displays *displays)
{
    static const char *const classes[] = {"graphics", "drm"};

    for (unsigned i = 0; i < G_N_ELEMENTS(classes); i++) {
        g_autofree char *class = g_strdup_printf("class/%s", classes[i]);
        g_auto(GStrv) names = needs_list(displays->place, class);
        for (char **name = names; *name; name++) {
            g_autofree char *link = g_strdup_printf("%s/%s", class, *name);
            g_autofree char *path = needs_resolve(displays->place, link);
            g_autofree char *device = path ? firmware_device_on(path) : NULL;
            if (device)
                show(displays, path, device);
        }
    }
}

/* The driver of VGA's own text is bound if no other is. Somebody needs what it shows if the kernel lists its
 * terminals as consoles (proc(5), /proc/consoles). */
static void show_text_console(Displays *displays)
{
    HostDevice *card = boot_card(displays->host);
    g_auto(GStrv) lines = NULL;
    bool active = false;

    if (!card || !console_driver_bound(displays->place, "VGA+") ||
        needs_read_lines(displays->place, "consoles", &lines) < 0)
        return;
    for (char **line = lines; *line; line++)
        active |= g_str_has_prefix(*line, "tty0 ");
    if (active && g_hash_table_add(displays->shown, card))
        needs_note(&card->needed_for, "console on VGA text");
}

/* The kernel's messages go to a serial port that may be on a card, as that of Intel's AMT is (serial over
 * LAN), and often to nothing else; nobody need have it open. "ttyS4  -W- (EC p a)    4:68" is a line of
 * /proc/consoles (proc(5)); terminals on a card's screen have no device below it. */
static void note_serial_consoles(const HostPlace *place, Host *host)
{
    g_auto(GStrv) lines = NULL;

    if (needs_read_lines(place, "consoles", &lines) < 0)
        return;
    for (char **line = lines; *line; line++) {
        char name[32];
        unsigned major, minor;
        const char *flags = strrchr(*line, ')');
        if (!flags || sscanf(*line, "%31s", name) != 1 || sscanf(flags, ") %u:%u", &major, &minor) != 2)
            continue;
        g_autofree char *link = g_strdup_printf("dev/char/%u:%u", major, minor);
        g_autofree char *path = needs_resolve(place, link), *reason = g_strdup_printf("console on %s", name);
        if (path)
            needs_note_path(host, path, reason);
    }
}

static bool attribute_is(const HostPlace *place, const char *connector, const char *attribute,
                         const char *value)
{
    g_autofree char *path = g_strdup_printf("class/drm/%s/%s", connector, attribute), *text = NULL;

    return file_read_value_at(place->sys_fd, path, &text) >= 0 && g_str_equal(text, value);
}

/* Notes the card that alone has a lit screen. Neither attribute asks the hardware (drm_sysfs.c, status_show()
 * and enabled_show()). */
static void show_only_screen(Displays *displays)
{
    g_auto(GStrv) names = needs_list(displays->place, "class/drm");
    const char *lit = NULL;

    for (char **name = names; *name; name++) {
        const char *dash = strchr(*name, '-');
        if (!dash || !attribute_is(displays->place, *name, "status", "connected") ||
            !attribute_is(displays->place, *name, "enabled", "enabled"))
            continue;
        /* "card0-" of "card0-HDMI-A-1" */
        if (lit && strncmp(lit, *name, dash + 1 - *name) != 0)
            return;
        lit = lit ?: *name;
    }
    if (lit)
        show_link(displays, "drm", lit);
}

/* Adds the display functions that have a device of a class ("drm": card0, "graphics": fb0). */
static void collect_displays(const HostPlace *place, const Host *host, const char *class, const char *prefix,
                             GHashTable *displays)
{
    g_auto(GStrv) names = needs_list(place, class);

    for (char **name = names; *name; name++) {
        if (!g_str_has_prefix(*name, prefix))
            continue;
        g_autofree char *link = g_strdup_printf("%s/%s", class, *name);
        g_autofree char *path = needs_resolve(place, link);
        g_autoptr(GPtrArray) functions = needs_functions_on(host, path ? path : "");
        for (unsigned i = 0; i < functions->len; i++) {
            HostDevice *device = g_ptr_array_index(functions, i);
            if (device->class >> 16 == 0x03)
                g_hash_table_add(displays, device);
        }
    }
}

/* Notes the firmware's card if no other could show anything, even if nothing is shown just now. */
static void note_only_display(const Displays *displays)
{
    g_autoptr(GHashTable) driven = g_hash_table_new(NULL, NULL);
    HostDevice *boot = boot_card(displays->host);

    collect_displays(displays->place, displays->host, "class/drm", "card", driven);
    collect_displays(displays->place, displays->host, "class/graphics", "fb", driven);
    if (boot && boot->driver && !g_hash_table_contains(displays->shown, boot) &&
        g_hash_table_contains(driven, boot) && g_hash_table_size(driven) == 1)
        needs_note(&boot->needed_for, "boot display");
}

void needs_note_display(const HostPlace *place, Host *host)
{
    g_autoptr(GHashTable) shown = g_hash_table_new(NULL, NULL);
    Displays displays = {.place = place, .host = host, .shown = shown};

    show_framebuffer_console(&displays);
    show_firmware_framebuffers(&displays);
    show_text_console(&displays);
    show_only_screen(&displays);
    note_only_display(&displays);
    note_serial_consoles(place, host);
}
