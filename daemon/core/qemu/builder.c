/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/usb.h"
#include "builder.h"

#include <stdarg.h>

void builder_add(QemuBuilder *builder, const char *argument)
{
    g_ptr_array_add(builder->command->argv, g_strdup(argument));
}

void builder_option(QemuBuilder *builder, const char *option, const char *format, ...)
{
    va_list arguments;

    builder_add(builder, option);
    va_start(arguments, format);
    g_ptr_array_add(builder->command->argv, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void builder_json(QemuBuilder *builder, const char *option, struct json_object *object)
{
    builder_option(
        builder, option, "%s",
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

void json_set_text(struct json_object *object, const char *name, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    json_object_object_add(object, name, json_object_new_string(text));
}

void json_set_number(struct json_object *object, const char *name, int number)
{
    json_object_object_add(object, name, json_object_new_int(number));
}

void json_set_bool(struct json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

struct json_object *json_new_driver(const char *driver)
{
    struct json_object *object = json_object_new_object();

    json_set_text(object, "driver", "%s", driver);
    return object;
}

static int add_file(QemuBuilder *builder, GArray *files, QemuFileKind kind, const char *path, bool read_only)
{
    QemuFile file = {
        .kind = kind,
        .fd = QEMU_FD_FIRST + (int)files->len,
        .path = builder_keep(builder, path),
        .read_only = read_only,
    };

    g_array_append_val(files, file);
    return file.fd;
}

int builder_file(QemuBuilder *builder, QemuFileKind kind, const char *path, bool read_only)
{
    return add_file(builder, builder->command->files, kind, path, read_only);
}

int builder_file_set(QemuBuilder *builder, QemuFileKind kind, const char *path, bool read_only)
{
    int fd = builder_file(builder, kind, path, read_only);

    builder_option(builder, "-add-fd", "fd=%d,set=%d", fd, fd);
    return fd;
}

QemuFile *builder_file_at(QemuBuilder *builder, int fd)
{
    return &g_array_index(builder->command->files, QemuFile, fd - QEMU_FD_FIRST);
}

const char *builder_keep(QemuBuilder *builder, const char *text)
{
    return text ? g_string_chunk_insert(builder->command->strings, text) : NULL;
}

QemuCompanion *builder_companion(QemuBuilder *builder, const char *name, const char *program)
{
    QemuCompanion *companion = g_new0(QemuCompanion, 1);

    companion->name = g_strdup(name);
    companion->argv = g_ptr_array_new_with_free_func(g_free);
    companion->files = g_array_new(FALSE, FALSE, sizeof(QemuFile));
    companion_add(companion, "%s", program);
    g_ptr_array_add(builder->command->companions, companion);
    return companion;
}

void companion_add(QemuCompanion *companion, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(companion->argv, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

int builder_companion_file(QemuBuilder *builder, QemuCompanion *companion, QemuFileKind kind,
                           const char *path)
{
    return add_file(builder, companion->files, kind, path, true);
}

int builder_companion_socket(QemuBuilder *builder, int *ret_listener)
{
    unsigned last = builder->command->companions->len - 1;
    const QemuCompanion *companion = g_ptr_array_index(builder->command->companions, last);
    int fd = builder_file(builder, QEMU_FILE_COMPANION, NULL, false);

    *ret_listener = add_file(builder, companion->files, QEMU_FILE_QEMU, NULL, false);
    builder_file_at(builder, fd)->companion = last;
    g_array_index(companion->files, QemuFile, *ret_listener - QEMU_FD_FIRST).companion = last;
    return fd;
}

void builder_set_place(struct json_object *device, unsigned first, unsigned index)
{
    json_set_text(device, "addr", "0x%x.0x%x", first + index / 8, index % 8);
    if (index % 8 == 0)
        json_set_bool(device, "multifunction", true);
}

struct json_object *builder_new_port(unsigned first, unsigned index, const char *device)
{
    struct json_object *port = json_new_driver("pcie-root-port");
    unsigned number = first + index / 8, function = index % 8;

    json_set_text(port, "id", "port-%s", device);
    json_set_text(port, "bus", "pcie.0");
    builder_set_place(port, first, index);
    /* The pair must differ from any other port's; a guest may name what is plugged in by it. */
    json_set_number(port, "chassis", number * 8 + function);
    json_set_number(port, "slot", number * 8 + function);
    return port;
}

void builder_port(QemuBuilder *builder, unsigned first, unsigned index, const char *device)
{
    builder_json(builder, "-device", builder_new_port(first, index, device));
}

struct json_object *builder_device(const char *driver, const char *id, const char *port, unsigned function)
{
    struct json_object *device = json_new_driver(driver);

    json_set_text(device, "id", "%s", id);
    json_set_text(device, "bus", "port-%s", port);
    json_set_text(device, "addr", "0x0.0x%x", function);
    return device;
}

void builder_usb(QemuBuilder *builder)
{
    if (builder->usb)
        return;
    struct json_object *device = builder_device("qemu-xhci", "usb", "usb", 0);

    builder->usb = true;
    builder_port(builder, PORTS_USB, 0, "usb");
    json_set_number(device, "p2", USB_PORTS);
    json_set_number(device, "p3", USB_PORTS);
    builder_json(builder, "-device", device);
}

struct json_object *json_new_usb(const char *driver, const char *id, unsigned port)
{
    struct json_object *device = json_new_driver(driver);

    json_set_text(device, "id", "%s", id);
    json_set_text(device, "bus", "usb.0");
    json_set_text(device, "port", "%u", port);
    return device;
}

struct json_object *builder_usb_device(QemuBuilder *builder, const char *driver, const char *id)
{
    unsigned place = builder->n_usb++;

    builder_usb(builder);
    return json_new_usb(driver, id, place == 0 ? USB_FIRST_PORT - 1 : USB_PORTS + 1 - place);
}

static void add_serial(QemuBuilder *builder)
{
    if (builder->serial)
        return;
    builder->serial = true;
    builder_port(builder, PORTS_SERIAL, 0, "serial");
    builder_json(builder, "-device", builder_device("virtio-serial-pci", "serial", "serial", 0));
}

void builder_serial_port(QemuBuilder *builder, const char *id, const char *chardev, const char *name)
{
    struct json_object *port = json_new_driver("virtserialport");

    json_set_text(port, "id", "%s", id);
    json_set_text(port, "bus", "serial.0");
    json_set_text(port, "chardev", "%s", chardev);
    json_set_text(port, "name", "%s", name);
    add_serial(builder);
    builder_json(builder, "-device", port);
}
