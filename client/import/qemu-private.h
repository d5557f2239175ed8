/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of QEMU's options share. */
#pragma once

#include "option.h"
#include "qemu.h"

typedef struct Qemu {
    Wishes *wishes;
    Node *root;
    bool whole;
    bool spice; /* or VNC: a server of the guest's screen is there */
} Qemu;

typedef void (*QemuRead)(Qemu *qemu, Node *option);

typedef struct QemuWord {
    const char *word; /* a driver, or an option's name; one that ends with * is a beginning */
    QemuRead read;
} QemuWord;

/* The row for a word; NULL: there is none. */
const QemuWord *qemu_word(const QemuWord *words, size_t n, const char *word);

/* The option of that name whose property has that value; NULL: there is none. */
Node *qemu_find(const Qemu *qemu, const char *option, const char *property, const char *value);
/* Takes id=, bus=, addr= and the like, which are usher's to choose. */
void qemu_take_place(Qemu *qemu, Node *device);
/* -device, by its driver. */
void qemu_read_device(Qemu *qemu, Node *device);

/* Has options of disks in the order of their places, so that the guest counts them as before. */
void qemu_sort_disks(const Qemu *qemu);
/* The disks: devices with a drive, and -drive, -hda, -cdrom without a device. */
void qemu_read_disk(Qemu *qemu, Node *device);
void qemu_read_drive(Qemu *qemu, Node *option);
void qemu_read_image(Qemu *qemu, Node *option);
/* taskset and its like, which stand before QEMU; once the vCPUs are known. */
void qemu_read_runner(Qemu *qemu, Node *runner);
/* Watchdogs and panics, by -device and by options of their own. */
/* The property of the chipset by which its watchdog may reset, and what becomes of that. */
#define CHIPSET_WATCHDOG "ICH9-LPC.noreboot"
void qemu_wish_chipset_watchdog(Qemu *qemu, Node *option);
void qemu_read_watchdog(Qemu *qemu, Node *node);
void qemu_read_watchdog_action(Qemu *qemu, Node *option);
void qemu_read_action(Qemu *qemu, Node *option);
void qemu_read_no_reboot(Qemu *qemu, Node *option);
void qemu_read_panic(Qemu *qemu, Node *device);
/* Cards, and -nic and -net. */
void qemu_read_card(Qemu *qemu, Node *device);
void qemu_read_nic(Qemu *qemu, Node *option);
void qemu_read_net(Qemu *qemu, Node *option);
/* Once all was read. */
void qemu_finish_network(Qemu *qemu);
/* Screens and sound. */
void qemu_read_vga(Qemu *qemu, Node *option);
void qemu_read_display(Qemu *qemu, Node *option);
void qemu_read_spice(Qemu *qemu, Node *option);
void qemu_read_vnc(Qemu *qemu, Node *option);
void qemu_read_sound_device(Qemu *qemu, Node *device);
void qemu_read_soundhw(Qemu *qemu, Node *option);
void qemu_read_codec(Qemu *qemu, Node *device);
void qemu_read_vga_device(Qemu *qemu, Node *device);
void qemu_finish_screen(Qemu *qemu);
/* The machine: -machine, -cpu, -m, -smp and what goes with them. */
void qemu_read_machine(Qemu *qemu, Node *option);
void qemu_read_cpu(Qemu *qemu, Node *option);
void qemu_read_memory(Qemu *qemu, Node *option);
void qemu_read_numa(Qemu *qemu, Node *option);
/* Whether the guest has several NUMA nodes. */
bool qemu_has_numa(const Qemu *qemu);
void qemu_read_smp(Qemu *qemu, Node *option);
void qemu_read_smbios(Qemu *qemu, Node *option);
void qemu_read_rtc(Qemu *qemu, Node *option);
void qemu_read_global(Qemu *qemu, Node *option);
void qemu_read_object(Qemu *qemu, Node *option);
void qemu_read_mem_path(Qemu *qemu, Node *option);
