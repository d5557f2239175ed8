/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of a definition: from texts to values. */
#include <string.h>

#include "../../base/cleanup.h"
#include "definition.h"
#include "../host/nat-range.h"
#include "../../base/words.h"
#include "check.h"
#include "value.h"

#define INSTANCE_MAX 32

DEFINE_ELEMENT_FREE(ReadSection, section_free, section)
{
    unsigned n;

    definition_section_keys(section->id, &n);
    for (unsigned i = 0; i < n; i++)
        g_clear_pointer(&section->repeats[i], g_array_unref);
    g_free(section->repeats);
    g_free(section->name);
    g_free(section->keys);
    g_free(section->n_assigned);
}

static ReadSection *reader_add(DefinitionReader *reader, SectionId id, const char *name, void *structure)
{
    ReadSection *section = g_new0(ReadSection, 1);
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(id, &n);

    section->id = id;
    section->name = g_strdup(name);
    section->structure = structure;
    section->keys = g_new0(DefinitionPlace, n);
    section->n_assigned = g_new0(unsigned, n);
    section->repeats = g_new0(GArray *, n);
    for (unsigned i = 0; i < n; i++) {
        value_reset(&keys[i], structure);
        if (keys[i].repeat)
            section->repeats[i] = g_array_new(FALSE, FALSE, sizeof(DefinitionPlace));
    }
    g_ptr_array_add(reader->sections, section);
    return section;
}

/* Words from a file as a message shows them: not longer than a line of a terminal. */
static char *shorten(const char *text)
{
    if (g_utf8_strlen(text, -1) <= 60)
        return g_strdup(text);
    g_autofree char *start = g_utf8_substring(text, 0, 57);
    return g_strconcat(start, "…", NULL);
}

static int check_section(const char *name, const char *instance, DefinitionPlace place, SectionId *ret,
                         Fault **ret_fault)
{
    SectionId id = definition_section_find(name);
    g_autofree char *shown = shorten(name), *shown_instance = shorten(instance ?: "");

    if (id == SECTION_INVALID) {
        g_autofree char *hint = definition_section_hint(name);
        return definition_raise(place, ret_fault, hint, "[%s%s%s] is not known", shown, instance ? " " : "",
                                shown_instance);
    }
    if (definition_sections[id].max == 0 && instance) {
        g_autofree char *remedy = g_strdup_printf("write [%s]", name);
        return definition_raise(place, ret_fault, remedy, "[%s %s]: this section takes no name", name,
                                shown_instance);
    }
    if (definition_sections[id].max > 0 && !instance) {
        g_autofree char *remedy = g_strdup_printf("give it one: [%s main]", name);
        return definition_raise(place, ret_fault, remedy, "[%s] needs a name", name);
    }
    if (instance && !definition_name_valid(instance, INSTANCE_MAX))
        return definition_raise(place, ret_fault,
                                "use lower-case letters, digits and dashes, at most 32, not a dash first",
                                "[%s %s]: this is not a name for a section", name, shown_instance);
    *ret = id;
    return 0;
}

static int read_section(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                        Fault **ret_fault)
{
    DefinitionReader *reader = userdata;
    SectionId id = SECTION_INVALID;
    int r = check_section(name, instance, place, &id, ret_fault);

    if (r != 0)
        return r;
    const DefinitionSection *section = &definition_sections[id];

    reader->current = reader_section(reader, id, instance);
    if (!reader->current) {
        GPtrArray *array = *definition_array(reader->definition, id);
        char **structure;

        if (array->len >= section->max)
            return definition_raise(place, ret_fault, "remove one", "there are more than %u [%s] sections",
                                    section->max, name);
        structure = g_malloc0(section->size);
        *structure = g_strdup(instance);
        g_ptr_array_add(array, structure);
        reader->current = reader_add(reader, id, instance, structure);
    }
    if (!reader->current->place.path)
        reader->current->place = place;
    return 0;
}

static void note_place(ReadSection *section, const DefinitionKey *key, DefinitionPlace place)
{
    unsigned n, index = key - definition_section_keys(section->id, &n);
    GArray *repeats = section->repeats[index];

    section->keys[index] = place;
    if (repeats && place.path)
        g_array_append_val(repeats, place);
    else if (repeats)
        g_array_set_size(repeats, 0);
}

/* Each value costs time while everybody waits, even if it is refused in the end. */
static int check_number(const ReadSection *section, const DefinitionKey *key, DefinitionPlace place,
                        const char *title, Fault **ret_fault)
{
    unsigned n, index = key - definition_section_keys(section->id, &n);
    const GArray *repeats = section->repeats[index];

    if (repeats && repeats->len >= key->most)
        return definition_raise(place, ret_fault, "remove one", "[%s] has more than %u lines %s=", title,
                                key->most, key->name);
    if (++section->n_assigned[index] > DEFINITION_ASSIGNMENTS_MAX)
        return definition_raise(place, ret_fault, "remove all but the last",
                                "[%s] %s= is written more than %d times", title, key->name,
                                DEFINITION_ASSIGNMENTS_MAX);
    return 0;
}

static int read_assignment(const char *name, const char *value, DefinitionPlace place, void *userdata,
                           Fault **ret_fault)
{
    ReadSection *section = ((DefinitionReader *)userdata)->current;
    g_autofree char *title = section_title(section->id, section->name);
    g_autofree char *shown = shorten(value), *hint = NULL;
    const DefinitionKey *key = definition_key_find(section->id, name);

    if (!key) {
        g_autofree char *shown_name = shorten(name);
        hint = definition_key_hint(section->id, name);
        return definition_raise(place, ret_fault, hint, "[%s] %s= is not known", title, shown_name);
    }
    int r = check_number(section, key, place, title, ret_fault);
    if (r != 0)
        return r;
    if (*value == '\0') {
        value_reset(key, section->structure);
        place.path = NULL;
    } else if (!value_set(key, value, section->structure, &hint)) {
        g_autofree char *range = value_range(key);
        return definition_raise(place, ret_fault, hint, "[%s] %s=%s is not %s", title, name, shown, range);
    }
    note_place(section, key, place);
    return 0;
}

static const DefinitionHandler definition_handler = {read_section, read_assignment};

/* Names of links are short: if both names do not fit, a hash of them stands for what is cut. No guest's or
 * section's name has an underscore. */
static char *name_link(const char *guest, const char *section)
{
    g_autofree char *plain = g_strdup_printf(LINK_PREFIX "%s_%s", guest, section);

    if (strlen(plain) <= LINK_NAME_MAX)
        return g_steal_pointer(&plain);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, plain, -1);
    return g_strdup_printf(LINK_PREFIX "%.4s_%.6s", guest, hash);
}

static AutoSwitch settle(AutoSwitch said, bool otherwise)
{
    if (said != AUTO_SWITCH_AUTO)
        return said;
    return otherwise ? AUTO_SWITCH_YES : AUTO_SWITCH_NO;
}

/* When a guest comes back from S3, QEMU resets all its devices, the host's among them (pc_machine_wakeup(),
 * hw/i386/pc.c); and what S4 has written down of them is wrong in the next run. Many devices do not recover.
 * The HPET is slow to read, as each time the vCPU leaves for QEMU, and Windows takes it where it is there. */
static void fill_machine(DefinitionMachine *machine, bool devices, bool windows)
{
    machine->suspend = settle(machine->suspend, !devices);
    /* A Windows without the driver sees an unknown device. */
    machine->rng = settle(machine->rng, !windows);
    machine->clock.hpet = settle(machine->clock.hpet, !devices && !windows);
}

/* Defaults that depend on more than their own key. */
static void fill_defaults(GuestDefinition *definition)
{
    if (!definition->description)
        definition->description = g_strdup(definition->name);
    /* A device loses its state when the host sleeps, and the guest's driver does not know. */
    if (definition->on.host_sleep == HOST_SLEEP_AUTO)
        definition->on.host_sleep = definition->pci->len > 0 ? HOST_SLEEP_INHIBIT : HOST_SLEEP_IGNORE;
    fill_machine(&definition->machine, definition->pci->len > 0, definition->cpu.hyper_v);
    if (!definition->cpu.model)
        definition->cpu.model = g_strdup(definition->cpu.accelerator == ACCELERATOR_KVM ? "host" : "max");
    for (unsigned i = 0; i < definition->networks->len; i++) {
        DefinitionNetwork *network = g_ptr_array_index(definition->networks, i);

        if (network->mode == NETWORK_MODE_TAP)
            network->link = g_strdup(network->device);
        else if (network->mode != NETWORK_MODE_USER && network->mode != NETWORK_MODE_NONE)
            network->link = name_link(definition->name, network->name);
        if (network->mode == NETWORK_MODE_NAT)
            network->bridge = g_strdup(NAT_BRIDGE);
    }
}

static void reader_start(DefinitionReader *reader, const char *name, const char *source)
{
    GuestDefinition *definition = g_rc_box_new0(GuestDefinition);

    definition->name = g_strdup(name);
    definition->source = g_strdup(source);
    reader->definition = definition;
    reader->sections = g_ptr_array_new_with_free_func(section_free);
    for (int id = 0; id < SECTION_MAX; id++)
        if (definition_sections[id].max > 0)
            *definition_array(definition, id) = g_ptr_array_new();
        else
            reader_add(reader, id, NULL, definition);
}

static int check_texts(const DefinitionText *texts, size_t n_texts, Fault **ret_fault)
{
    size_t size = 0;

    if (n_texts > DEFINITION_DROP_INS_MAX + 1)
        return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "join some of them",
                           "%s has more than %d drop-ins", texts[0].path, DEFINITION_DROP_INS_MAX);
    for (size_t i = 0; i < n_texts; i++)
        size += texts[i].size;
    if (size > DEFINITION_SIZE_MAX)
        return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "shorten it",
                           "%s is longer than %d KiB with its drop-ins", texts[0].path, DEFINITION_KIB_MAX);
    return 0;
}

int definition_parse(const char *name, const DefinitionText *texts, size_t n_texts, GuestDefinition **ret,
                     Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;
    g_autoptr(GPtrArray) sections = NULL;
    DefinitionReader reader;
    int r = 0;

    if (n_texts == 0)
        return -EINVAL;
    if (!guest_name_valid(name)) {
        g_autofree char *shown = words_quote(name);
        return fault_raise(ret_fault, FAULT_INVALID_NAME,
                           "use lower-case letters, digits and dashes, at most 63, not a dash first",
                           "\"%s\" is not a name for a guest", shown);
    }
    r = check_texts(texts, n_texts, ret_fault);
    if (r != 0)
        return r;
    reader_start(&reader, name, texts[0].path);
    definition = reader.definition;
    sections = reader.sections;
    for (size_t i = 0; r == 0 && i < n_texts; i++)
        r = definition_scan(texts[i].path, texts[i].text, texts[i].size, &definition_handler, &reader,
                            ret_fault);
    if (r == 0)
        r = definition_check(&reader, ret_fault);
    if (r != 0)
        return r;
    fill_defaults(definition);
    *ret = g_steal_pointer(&definition);
    return 0;
}
