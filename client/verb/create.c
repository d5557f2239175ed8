/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../definition/card.h"
#include "../definition/files.h"
#include "../definition/new-definition.h"
#include "../screen/text.h"
#include "../view/state.h"
#include "verb.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

/* Where distributions and libvirt have the image. */
static const char *const driver_cds[] = {"/usr/share/virtio-win/virtio-win.iso",
                                         "/var/lib/libvirt/images/virtio-win.iso",
                                         "/var/lib/vz/template/iso/virtio-win.iso", NULL};

static int find_preset(NewDefinition *new)
{
    const char *nearest;

    if (!new->preset || (new->kind = preset_find(new->preset)))
        return STATUS_OK;
    g_autofree char *shown = text_printable(new->preset, false);
    if ((nearest = text_nearest(new->preset, preset_names())))
        say("There is no preset %s; did you mean %s?", shown, nearest);
    else
        say("There is no preset %s; there are windows11, windows10 and linux", shown);
    return STATUS_USAGE;
}

/* The number of a card, 1 is the first; 0: none is wanted, or there is no more to read. */
static unsigned read_number(unsigned most)
{
    char line[32];

    for (;;) {
        printf("Which card shall the guest get (1-%u, Enter: none)? ", most);
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin) || *g_strstrip(line) == '\0')
            return 0;
        unsigned long number = strtoul(line, NULL, 10);
        if (number >= 1 && number <= most)
            return number;
    }
}

/* Only a person at a terminal is asked, and only if nothing was said of cards. */
static void offer_cards(const Client *client, const GPtrArray *devices, NewDefinition *new)
{
    g_autoptr(GPtrArray) cards = cards_offered(devices);

    if (!new->kind || new->gpus || cards->len == 0 || !client->terminal.tty || !isatty(STDIN_FILENO))
        return;
    for (guint i = 0; i < cards->len; i++) {
        const DeviceProps *card = g_ptr_array_index(cards, i);
        g_autofree char *label = device_label(card), *shown = text_printable(label, false);
        printf("%3u  %s  %s%s%s%s\n", i + 1, card->address, shown, *card->guest ? " (guest " : "",
               card->guest, *card->guest ? " has it now)" : "");
    }
    unsigned number = read_number(cards->len);
    if (number > 0) {
        const DeviceProps *card = g_ptr_array_index(cards, number - 1);
        new->gpus = g_new0(char *, 2);
        new->gpus[0] = g_strdup(card->address);
    }
}

static int take_cards(const GPtrArray *devices, NewDefinition *new, GPtrArray **ret)
{
    const char *missing = NULL;

    *ret = cards_take(devices, new->gpus, &missing);
    if (*ret)
        return STATUS_OK;
    g_autofree char *words = card_missing_words(devices, missing);
    say("%s", words);
    return STATUS_NO_SUCH;
}

static bool has_topoext(void)
{
    g_autofree char *text = NULL;

    return g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL) && strstr(text, " topoext");
}

/* What can be seen of this host's files; of another host nothing can. */
static void look_at_host(const Client *client, NewDefinition *new)
{
    if (client->host || !new->kind)
        return;
    for (unsigned i = 0; driver_cds[i] && new->kind->windows && !new->drivers_cd; i++)
        if (access(driver_cds[i], F_OK) == 0)
            new->drivers_cd = driver_cds[i];
    /* Guests without a card share the host's CPUs as other programs do. */
    if (new->cards->len == 0)
        return;
    core_choice_make(CPU_FOLDER, new->cpus, &new->cores);
    new->topoext = has_topoext();
}

static int write_text(Client *client, const char *name, const char *text)
{
    if (!client->dry_run) {
        int status = definition_files_put(client, name, text, NULL, NULL);
        if (status == STATUS_OK)
            printf("%s is defined; see it: usherctl cat %s\n", name, name);
        return status;
    }
    g_autofree char *what = g_strdup_printf("check the definition of %s", name);
    g_autofree char *path = g_strdup_printf("%s.guest", name);
    int status = bus_call(client, what, NULL, "ValidateDefinition", "sa(ss)", name, 1, path, text);
    fputs(text, stdout);
    return status;
}

int cmd_create(Client *client, char **args)
{
    g_autoptr(GPtrArray) devices = NULL, cards = NULL;
    NewDefinition *new = client->create;
    g_autofree char *why = NULL, *text = NULL;
    int status = find_preset(new);

    if (status == STATUS_OK && (new->kind || new->gpus))
        status = bus_list(client, "ListDevices", &DEVICE_PROPS, &devices);
    if (status == STATUS_OK && devices) {
        devices_sort(devices);
        offer_cards(client, devices, new);
        status = take_cards(devices, new, &cards);
    }
    if (status != STATUS_OK)
        return status;
    new->cards = cards;
    if (cards)
        look_at_host(client, new);
    text = new_definition_text(args[0], new, &why);
    core_choice_clear(&new->cores);
    if (!text) {
        say("%s", why);
        return STATUS_USAGE;
    }
    return write_text(client, args[0], text);
}
