/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include <json-c/json.h>
#include <string.h>

#include "../../base/remedy.h"
#include "../definition/machine.h"
#include "../definition/nearest-word.h"

/* QEMU has a type of device for each CPU model, "EPYC-x86_64-cpu". */
#define CPU_SUFFIX "-x86_64-cpu"

/* The models that QEMU has, without the suffix. */
static GPtrArray *list_models(const QemuFacts *facts)
{
    GPtrArray *models = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *type;

    g_hash_table_iter_init(&iter, facts->types);
    while (g_hash_table_iter_next(&iter, &type, NULL))
        if (g_str_has_suffix(type, CPU_SUFFIX))
            g_ptr_array_add(models, g_strndup(type, strlen(type) - strlen(CPU_SUFFIX)));
    return models;
}

static int check_model(const char *model, const QemuFacts *facts, Fault **ret_fault)
{
    g_autofree char *type = g_strconcat(model, CPU_SUFFIX, NULL), *remedy = NULL;
    NearestWord nearest = {.word = model};

    if (qemu_facts_have_type(facts, type))
        return 0;
    g_autoptr(GPtrArray) models = list_models(facts);
    for (unsigned i = 0; i < models->len; i++)
        nearest_word_offer(&nearest, g_ptr_array_index(models, i));
    if (nearest.best)
        remedy = g_strdup_printf("did you mean Model=%s?", nearest.best);
    else
        remedy = g_strdup_printf("see which models there are: %s -cpu help", facts->path);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "%s (%s) has no CPU model %s", facts->path,
                       facts->version, model);
}

/* The word of the set that is probably meant, as a question; NULL: none is near. */
static char *ask_for_nearest(const char *word, GHashTable *set)
{
    NearestWord nearest = {.word = word};
    GHashTableIter iter;
    void *known;

    g_hash_table_iter_init(&iter, set);
    while (g_hash_table_iter_next(&iter, &known, NULL))
        nearest_word_offer(&nearest, known);
    return nearest.best ? g_strdup_printf("did you mean %s?", nearest.best) : NULL;
}

static int check_property(const char *name, const QemuFacts *facts, Fault **ret_fault)
{
    if (qemu_facts_cpu_has(facts, name))
        return 0;
    g_autofree char *remedy = ask_for_nearest(name, facts->cpu_properties);
    if (!remedy)
        remedy = g_strdup_printf("see which there are: %s -cpu help", facts->path);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "[CPU] Features=: %s (%s) has no CPU property %s",
                       facts->path, facts->version, name);
}

/* "MODEL,PROPERTY=VALUE,…" */
static int check_cpu(const char *value, const QemuFacts *facts, Fault **ret_fault)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    int r = check_model(words[0], facts, ret_fault);

    for (char **word = words + 1; r == 0 && *word; word++) {
        g_autofree char *name = g_strndup(*word, strcspn(*word, "="));
        r = check_property(name, facts, ret_fault);
    }
    return r;
}

#define MACHINE_SUFFIX "-machine"

/* The version that comes next after one that a QEMU does not have, or its newest; NULL: it has none at all.
 */
static char *next_machine(const char *machine, const QemuFacts *facts)
{
    g_autofree char *wanted = g_strconcat(machine, MACHINE_SUFFIX, NULL);
    const char *next = NULL, *newest = NULL;
    GHashTableIter iter;
    void *type;

    g_hash_table_iter_init(&iter, facts->types);
    while (g_hash_table_iter_next(&iter, &type, NULL)) {
        if (!g_str_has_prefix(type, MACHINE_VERSIONS) || !g_str_has_suffix(type, MACHINE_SUFFIX))
            continue;
        if (strverscmp(type, wanted) > 0 && (!next || strverscmp(type, next) < 0))
            next = type;
        if (!newest || strverscmp(type, newest) > 0)
            newest = type;
    }
    const char *found = next ?: newest;
    return found ? g_strndup(found, strlen(found) - strlen(MACHINE_SUFFIX)) : NULL;
}

/* QEMU drops versions of its machines some years after they were new. */
static int check_machine(const char *value, const QemuFacts *facts, Fault **ret_fault)
{
    g_autofree char *machine = g_strndup(value, strcspn(value, ",")), *remedy = NULL;
    g_autofree char *type = g_strconcat(machine, MACHINE_SUFFIX, NULL);

    if (!g_str_has_prefix(machine, MACHINE_VERSIONS) || qemu_facts_have_type(facts, type))
        return 0;
    g_autofree char *next = next_machine(machine, facts);
    if (next)
        remedy = g_strdup_printf("write Machine=%s, which comes nearest: the guest's system may find new "
                                 "hardware",
                                 next);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "%s (%s) has no machine %s", facts->path,
                       facts->version, machine);
}

/* Aliases of types (qdev_alias_table of QEMU's qdev-monitor.c; -device help names them): "virtio-net" is
 * virtio-net-pci. */
static bool have_type(const char *driver, const QemuFacts *facts)
{
    g_autofree char *pci = g_strconcat(driver, "-pci", NULL);
    static const char *const aliases[] = {"ac97", "es1370", "e1000-82540em", "ahci", "lsi", NULL};

    return qemu_facts_have_type(facts, driver) || qemu_facts_have_type(facts, pci) ||
           g_strv_contains(aliases, driver);
}

/* Every device has these, and its own list does not name them. */
static bool every_device_has(const char *property)
{
    static const char *const common[] = {"driver", "id", "bus", NULL};

    return g_strv_contains(common, property);
}

static char *ask_for_nearest_property(const char *driver, const char *name, const QemuFacts *facts)
{
    g_auto(GStrv) known = qemu_facts_device_properties(facts, driver);
    NearestWord nearest = {.word = name};

    if (!known)
        return ask_for_nearest(name, facts->vfio_properties);
    for (char **property = known; *property; property++)
        nearest_word_offer(&nearest, *property);
    return nearest.best ? g_strdup_printf("did you mean %s?", nearest.best) : NULL;
}

static int check_properties(struct json_object *device, const char *driver, const char *whose,
                            const QemuFacts *facts, Fault **ret_fault)
{
    bool vfio = g_str_equal(driver, "vfio-pci");

    json_object_object_foreach(device, name, value)
    {
        bool has = vfio ? qemu_facts_vfio_has(facts, name) : qemu_facts_device_has(facts, driver, name);
        if (has || every_device_has(name) || !value)
            continue;
        g_autofree char *remedy = ask_for_nearest_property(driver, name, facts);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy ?: "remove the key that asks for it",
                           "%s (%s) has no %s property %s, which %s needs", facts->path, facts->version,
                           driver, name, whose);
    }
    return 0;
}

static int check_device(struct json_object *device, const QemuFacts *facts, Fault **ret_fault)
{
    const char *driver = json_object_get_string(json_object_object_get(device, "driver"));
    const char *id = json_object_get_string(json_object_object_get(device, "id"));

    if (!driver || !have_type(driver, facts)) {
        g_autofree char *remedy = id || !driver ? NULL : ask_for_nearest(driver, facts->types);
        return fault_raise(ret_fault, FAULT_REFUSED,
                           remedy ?: "install a QEMU that has it, or the package of its module",
                           "%s (%s) has no device type %s, which %s needs", facts->path, facts->version,
                           driver ?: "\"\"", id ?: "[QEMU] Arguments=");
    }
    return check_properties(device, driver, id ?: "[QEMU] Arguments=", facts, ret_fault);
}

/* "multifunction" is multifunction=on, "nomultifunction" is multifunction=off (get_opt_name_value() of QEMU's
 * qemu-option.c). */
static void add_flag(struct json_object *device, const char *word)
{
    bool off = g_str_has_prefix(word, "no");

    json_object_object_add(device, word + (off ? strlen("no") : 0), json_object_new_boolean(!off));
}

/* In QEMU's older notation, "nvme,id=a,drive=b": what Set= has been written into, or a person has written. A
 * comma within a value is doubled; a first word without a value is the driver. */
static struct json_object *parse_device(const char *text)
{
    struct json_object *device = json_object_new_object();
    g_autoptr(GString) word = g_string_new(NULL);
    const char *c = text;
    bool first = true;

    while (*c) {
        g_string_truncate(word, 0);
        for (; *c && (*c != ',' || c[1] == ','); c++)
            g_string_append_c(word, *c == ',' ? *c++ : *c);
        char *equals = strchr(word->str, '=');
        if (equals) {
            *equals = '\0';
            json_object_object_add(device, word->str, json_object_new_string(equals + 1));
        } else if (first) {
            json_object_object_add(device, "driver", json_object_new_string(word->str));
        } else {
            add_flag(device, word->str);
        }
        first = false;
        if (*c)
            c++;
    }
    return device;
}

/* Devices asked for by a definition's own words are looked for as well. */
static int check_device_text(const char *text, const QemuFacts *facts, Fault **ret_fault)
{
    struct json_object *device = *text == '{' ? json_tokener_parse(text) : parse_device(text);
    int r = device ? check_device(device, facts, ret_fault) : 0;

    json_object_put(device);
    return r;
}

/* Distributions have modules in packages of their own. */
static char *install_module(Package package, const char *what, const char *otherwise)
{
    g_autofree char *command = remedy_command(package);

    return g_strconcat("install ", what, command ? ": " : "", command ?: "", "; or ", otherwise, NULL);
}

/* QEMU does not tell whether it has the server; its graphics card comes in the same package. */
static int check_spice(const QemuFacts *facts, Fault **ret_fault)
{
    if (qemu_facts_have_type(facts, "qxl"))
        return 0;
    g_autofree char *remedy =
        install_module(PACKAGE_QEMU_SPICE, "the package of its SPICE modules", "write [Display] Type=vnc");
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "%s (%s) has no SPICE", facts->path, facts->version);
}

/* From QEMU 11 on sound drivers are types, which come in modules; without the module of the one that is asked
 * for, 11.1 ends by SIGSEGV. Older ones have no such types, and say what they lack when they start. */
static int check_sound(const char *value, const QemuFacts *facts, Fault **ret_fault)
{
    g_autofree char *type = g_strdup_printf("audio-%.*s", (int)strcspn(value, ","), value);

    if (qemu_facts_have_type(facts, type) || !qemu_facts_have_type(facts, "audio-none"))
        return 0;
    if (g_str_has_prefix(value, "spice,"))
        return check_spice(facts, ret_fault);
    g_autofree char *remedy =
        install_module(PACKAGE_QEMU_SOUND, "the package of its module for PulseAudio", "remove [Sound]");
    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "%s (%s) has no sound through PulseAudio or PipeWire", facts->path, facts->version);
}

/* Every other option that is used has a value, which may look like an option (-append). */
static bool option_alone(const char *option)
{
    static const char *const alone[] = {"-no-user-config", "-nodefaults", "-no-reboot", "-S", NULL};

    return g_strv_contains(alone, option);
}

/* What one option asks for. */
static int check_option(const char *option, const char *value, const QemuFacts *facts, Fault **ret_fault)
{
    if (g_str_equal(option, "-spice"))
        return check_spice(facts, ret_fault);
    if (g_str_equal(option, "-machine"))
        return check_machine(value, facts, ret_fault);
    if (g_str_equal(option, "-audiodev"))
        return check_sound(value, facts, ret_fault);
    if (g_str_equal(option, "-cpu"))
        return check_cpu(value, facts, ret_fault);
    return g_str_equal(option, "-device") ? check_device_text(value, facts, ret_fault) : 0;
}

int qemu_command_check(const QemuCommand *command, const QemuFacts *facts, Fault **ret_fault)
{
    const char *const *argv = (const char *const *)command->argv->pdata;
    int r = 0;

    if (command->no_device) {
        g_autofree char *remedy = g_strdup_printf("this guest's devices are %s", command->devices);
        return fault_raise(ret_fault, FAULT_REFUSED, g_strchomp(remedy),
                           "[QEMU] Set=: this guest has no device %s", command->no_device);
    }
    for (unsigned i = 1; r == 0 && i < command->n_own; i++) {
        if (option_alone(argv[i]))
            continue;
        r = check_option(argv[i], argv[i + 1], facts, ret_fault);
        i++;
    }
    /* Which of a definition's own words is an option, is not known here: a value is rarely "-device". */
    for (unsigned i = command->n_own; r == 0 && i + 1 < command->argv->len; i++)
        if (g_str_equal(argv[i], "-device") || g_str_equal(argv[i], "--device"))
            r = check_device_text(argv[i + 1], facts, ret_fault);
    return r;
}
