/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"

#include <string.h>

#include "definition-keys.h"
#include "definition-parse.h"
#include "definition-value.h"

/* Together they would need more than 8 bits of APIC id, and so an IOMMU for the guest. */
#define CPUS_MAX 255
/* The ports of q35's own controller (ICH9). */
#define SATA_DISKS_MAX 6
#define INSTANCE_MAX 32

/* A section as far as it was read: [CPU], or one [PCI x]. */
typedef struct Section {
    SectionId id;
    char *name;            /* x; NULL if it has none */
    void *structure;       /* where its fields are; borrowed from the definition */
    DefinitionPlace place; /* of its first header; path NULL as long as there was none */
    DefinitionPlace
        *keys; /* where each of its keys was assigned last; path NULL: not at all, or given back */
} Section;

typedef struct Reader {
    GuestDefinition *definition;
    GPtrArray *sections; /* of Section, owned; the first SECTION_MAX are those without a name, by id */
    Section *current;
} Reader;

static bool name_valid(const char *name, size_t max)
{
    if (!g_ascii_islower(name[0]) && !g_ascii_isdigit(name[0]))
        return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && *c != '-')
            return false;
    return strlen(name) <= max;
}

bool guest_name_valid(const char *name)
{
    return name_valid(name, GUEST_NAME_MAX);
}

static void section_free(void *pointer)
{
    Section *section = pointer;

    g_free(section->name);
    g_free(section->keys);
    g_free(section);
}

static Section *reader_add(Reader *reader, SectionId id, const char *name, void *structure)
{
    Section *section = g_new0(Section, 1);
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(id, &n);

    section->id = id;
    section->name = g_strdup(name);
    section->structure = structure;
    section->keys = g_new0(DefinitionPlace, n);
    for (unsigned i = 0; i < n; i++)
        value_reset(&keys[i], structure);
    g_ptr_array_add(reader->sections, section);
    return section;
}

static GPtrArray **section_array(GuestDefinition *definition, SectionId id)
{
    return (GPtrArray **)((char *)definition + definition_sections[id].array);
}

static Section *reader_find(const Reader *reader, SectionId id, const char *name)
{
    for (unsigned i = 0; i < reader->sections->len; i++) {
        Section *section = g_ptr_array_index(reader->sections, i);
        if (section->id == id && g_strcmp0(section->name, name) == 0)
            return section;
    }
    return NULL;
}

/* The place of a key's last assignment, or of its section where it has none. */
static DefinitionPlace section_place(const Section *section, const char *key)
{
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(section->id, &n);

    for (unsigned i = 0; i < n; i++)
        if (g_str_equal(keys[i].name, key) && section->keys[i].path)
            return section->keys[i];
    return section->place;
}

/* "CPU" or "PCI gpu", for messages and lists. */
static char *section_title(SectionId id, const char *name)
{
    return name ? g_strdup_printf("%s %s", definition_sections[id].name, name)
                : g_strdup(definition_sections[id].name);
}

static int raise_at(DefinitionPlace place, Fault **ret_fault, const char *remedy, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static int raise_at(DefinitionPlace place, Fault **ret_fault, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fault_raise(ret_fault, FAULT_BAD_DEFINITION, remedy, "%s:%u: %s", place.path, place.line, text);
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
        return raise_at(place, ret_fault, hint, "[%s%s%s] is not known", shown, instance ? " " : "",
                        shown_instance);
    }
    if (definition_sections[id].max == 0 && instance) {
        g_autofree char *remedy = g_strdup_printf("write [%s]", name);
        return raise_at(place, ret_fault, remedy, "[%s %s]: this section takes no name", name,
                        shown_instance);
    }
    if (definition_sections[id].max > 0 && !instance) {
        g_autofree char *remedy = g_strdup_printf("give it one: [%s main]", name);
        return raise_at(place, ret_fault, remedy, "[%s] needs a name", name);
    }
    if (instance && !name_valid(instance, INSTANCE_MAX))
        return raise_at(place, ret_fault,
                        "use lower-case letters, digits and dashes, at most 32, not a dash first",
                        "[%s %s]: this is no name for a section", name, shown_instance);
    *ret = id;
    return 0;
}

static int read_section(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                        Fault **ret_fault)
{
    Reader *reader = userdata;
    SectionId id = SECTION_INVALID;
    int r = check_section(name, instance, place, &id, ret_fault);

    if (r != 0)
        return r;
    const DefinitionSection *section = &definition_sections[id];

    reader->current = reader_find(reader, id, instance);
    if (!reader->current) {
        GPtrArray *array = *section_array(reader->definition, id);
        char **structure;

        if (array->len >= section->max)
            return raise_at(place, ret_fault, "remove one", "there are more than %u [%s] sections",
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

static int read_assignment(const char *name, const char *value, DefinitionPlace place, void *userdata,
                           Fault **ret_fault)
{
    Section *section = ((Reader *)userdata)->current;
    g_autofree char *title = section_title(section->id, section->name);
    g_autofree char *shown = shorten(value), *hint = NULL;
    const DefinitionKey *key = definition_key_find(section->id, name);
    unsigned n;

    if (!key) {
        g_autofree char *shown_name = shorten(name);
        hint = definition_key_hint(section->id, name);
        return raise_at(place, ret_fault, hint, "[%s] %s= is not known", title, shown_name);
    }
    if (*value == '\0') {
        value_reset(key, section->structure);
        place.path = NULL;
    } else if (!value_set(key, value, section->structure, &hint)) {
        g_autofree char *range = value_range(key);
        return raise_at(place, ret_fault, hint, "[%s] %s=%s is not %s", title, name, shown, range);
    }
    section->keys[key - definition_section_keys(section->id, &n)] = place;
    return 0;
}

static const DefinitionHandler definition_handler = {read_section, read_assignment};

static int check_required(const Section *section, Fault **ret_fault)
{
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(section->id, &n);

    for (unsigned i = 0; i < n; i++) {
        if (!keys[i].required || section->keys[i].path || !section->place.path)
            continue;
        g_autofree char *title = section_title(section->id, section->name), *range = value_range(&keys[i]);
        g_autofree char *remedy = g_strdup_printf("add %s= with %s", keys[i].name, range);
        return raise_at(section->place, ret_fault, remedy, "[%s] has no %s=", title, keys[i].name);
    }
    return 0;
}

static int check_cpu(const Reader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const Section *section = reader_find(reader, SECTION_CPU, NULL);
    uint64_t cpus = (uint64_t)definition->cpu.sockets * definition->cpu.cores * definition->cpu.threads;

    if (cpus > CPUS_MAX)
        return raise_at(section->place, ret_fault, "lower Sockets=, Cores= or Threads=",
                        "[CPU] makes %" G_GUINT64_FORMAT
                        " processors of %u sockets × %u cores × %u threads, but %d is the most",
                        cpus, definition->cpu.sockets, definition->cpu.cores, definition->cpu.threads,
                        CPUS_MAX);
    if (definition->cpu.accelerator == ACCELERATOR_TCG && g_strcmp0(definition->cpu.model, "host") == 0)
        return raise_at(
            section_place(section, "Model"), ret_fault,
            "write Model=max, or remove Accelerator=tcg where the host has KVM",
            "[CPU] Model=host needs Accelerator=kvm: software cannot imitate the host's processor");
    return 0;
}

static int check_kernel(const Reader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const Section *section = reader_find(reader, SECTION_KERNEL, NULL);
    const char *lone = definition->kernel.initrd         ? "Initrd"
                       : definition->kernel.command_line ? "CommandLine"
                                                         : NULL;

    if (lone && !definition->kernel.image)
        return raise_at(section_place(section, lone), ret_fault, "add Image=, or remove it",
                        "[Kernel] %s= means nothing without Image=", lone);
    return 0;
}

static int check_pci(const Section *section, Fault **ret_fault)
{
    const DefinitionPci *pci = section->structure;

    if (pci->functions == 0 || pci->functions & (1 << pci->address.function))
        return 0;
    return raise_at(
        section_place(section, "Functions"), ret_fault, "add it to Functions=, or correct Address=",
        "[PCI %s] Functions= leaves out function %u, which Address= names", pci->name, pci->address.function);
}

static int check_disk(const Reader *reader, const Section *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;
    unsigned n_sata = 0;

    if (disk->bus == DISK_BUS_SATA && disk->read_only)
        return raise_at(section_place(section, "ReadOnly"), ret_fault,
                        "choose another Bus=, such as virtio-scsi",
                        "[Disk %s] ReadOnly=yes: a SATA disk cannot be write-protected", disk->name);
    for (unsigned i = 0; i < reader->definition->disks->len; i++) {
        const DefinitionDisk *other = g_ptr_array_index(reader->definition->disks, i);

        n_sata += other->bus == DISK_BUS_SATA;
        if (other == disk)
            break;
        if (g_str_equal(other->path, disk->path) && !(other->read_only && disk->read_only))
            return raise_at(section_place(section, "Path"), ret_fault,
                            "remove one, or set ReadOnly=yes in both",
                            "[Disk %s] has the Path= of [Disk %s]: two writers would destroy it", disk->name,
                            other->name);
    }
    if (disk->bus == DISK_BUS_SATA && n_sata > SATA_DISKS_MAX)
        return raise_at(section->place, ret_fault, "choose another Bus=, such as virtio-scsi",
                        "[Disk %s] is one SATA disk too many: there are %d ports", disk->name,
                        SATA_DISKS_MAX);
    return 0;
}

static int check_network(const Reader *reader, const Section *section, Fault **ret_fault)
{
    const DefinitionNetwork *network = section->structure;

    for (unsigned i = 0; i < reader->definition->networks->len; i++) {
        const DefinitionNetwork *other = g_ptr_array_index(reader->definition->networks, i);

        if (other == network)
            break;
        if (network->mac && g_strcmp0(other->mac, network->mac) == 0)
            return raise_at(section_place(section, "MAC"), ret_fault, "change or remove one of them",
                            "[Network %s] has the MAC= of [Network %s]", network->name, other->name);
    }
    return 0;
}

/* What no line can show alone. Sections in the order in which they were written, after those without a name.
 */
static int check_whole(const Reader *reader, Fault **ret_fault)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < reader->sections->len; i++)
        r = check_required(g_ptr_array_index(reader->sections, i), ret_fault);
    if (r == 0)
        r = check_cpu(reader, ret_fault);
    if (r == 0)
        r = check_kernel(reader, ret_fault);
    for (unsigned i = 0; r == 0 && i < reader->sections->len; i++) {
        const Section *section = g_ptr_array_index(reader->sections, i);

        if (section->id == SECTION_PCI)
            r = check_pci(section, ret_fault);
        else if (section->id == SECTION_DISK)
            r = check_disk(reader, section, ret_fault);
        else if (section->id == SECTION_NETWORK)
            r = check_network(reader, section, ret_fault);
    }
    return r;
}

/* Defaults that depend on something else than their key. */
static void fill_defaults(GuestDefinition *definition)
{
    if (!definition->description)
        definition->description = g_strdup(definition->name);
    if (!definition->cpu.model)
        definition->cpu.model = g_strdup(definition->cpu.accelerator == ACCELERATOR_KVM ? "host" : "max");
}

static void reader_start(Reader *reader, const char *name, const char *source)
{
    GuestDefinition *definition = g_new0(GuestDefinition, 1);

    definition->name = g_strdup(name);
    definition->source = g_strdup(source);
    reader->definition = definition;
    reader->sections = g_ptr_array_new_with_free_func(section_free);
    for (int id = 0; id < SECTION_MAX; id++)
        if (definition_sections[id].max > 0)
            *section_array(definition, id) = g_ptr_array_new();
        else
            reader_add(reader, id, NULL, definition);
}

int definition_parse(const char *name, const DefinitionText *texts, size_t n_texts, GuestDefinition **ret,
                     Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;
    g_autoptr(GPtrArray) sections = NULL;
    Reader reader;
    int r = 0;

    if (n_texts == 0)
        return -EINVAL;
    if (!guest_name_valid(name)) {
        g_autofree char *valid = g_utf8_make_valid(name, -1), *escaped = g_strescape(valid, NULL);
        g_autofree char *shown = shorten(escaped);
        return fault_raise(ret_fault, FAULT_INVALID_NAME,
                           "use lower-case letters, digits and dashes, at most 63, not a dash first",
                           "\"%s\" is no name for a guest", shown);
    }
    reader_start(&reader, name, texts[0].path);
    definition = reader.definition;
    sections = reader.sections;
    for (size_t i = 0; r == 0 && i < n_texts; i++)
        r = definition_scan(texts[i].path, texts[i].text, texts[i].size, &definition_handler, &reader,
                            ret_fault);
    if (r == 0)
        r = check_whole(&reader, ret_fault);
    if (r != 0)
        return r;
    fill_defaults(definition);
    *ret = g_steal_pointer(&definition);
    return 0;
}

static void structure_free(SectionId id, void *structure)
{
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(id, &n);

    for (unsigned i = 0; i < n; i++)
        value_clear(&keys[i], structure);
    if (definition_sections[id].max > 0) {
        g_free(*(char **)structure);
        g_free(structure);
    }
}

GuestDefinition *definition_free(GuestDefinition *definition)
{
    if (!definition)
        return NULL;
    for (int id = 0; id < SECTION_MAX; id++) {
        if (definition_sections[id].max == 0) {
            structure_free(id, definition);
            continue;
        }
        GPtrArray *array = *section_array(definition, id);
        for (unsigned i = 0; i < array->len; i++)
            structure_free(id, g_ptr_array_index(array, i));
        g_ptr_array_unref(array);
    }
    g_free(definition->name);
    g_free(definition->source);
    g_free(definition);
    return NULL;
}
