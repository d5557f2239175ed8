/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core-choice.h"

#include <fcntl.h>

#include "../../daemon/base/file.h"
#include "../../daemon/core/host/cpu-list.h"

/* More cores than these are taken only if somebody asks for them. */
#define CORES_USUAL_MAX 8

/* A core: its threads, and what shares its last cache, in order. */
typedef struct Core {
    GArray *threads, *cache; /* of unsigned, owned */
} Core;

static void core_free(void *pointer)
{
    Core *core = pointer;

    g_array_unref(core->threads);
    g_array_unref(core->cache);
    g_free(core);
}

static GArray *read_set(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;

    return file_read_value_at(AT_FDCWD, path, &text) >= 0 ? cpu_set_parse(text) : NULL;
}

/* The last cache is the one with the highest index. */
static GArray *read_cache(const char *folder, unsigned cpu)
{
    GArray *last = NULL;

    for (unsigned i = 0; i < 8; i++) {
        g_autofree char *name = g_strdup_printf("cpu%u/cache/index%u/shared_cpu_list", cpu, i);
        GArray *set = read_set(folder, name);
        if (!set)
            break;
        if (last)
            g_array_unref(last);
        last = set;
    }
    return last;
}

static unsigned first_of(const GArray *set)
{
    return set->len > 0 ? g_array_index(set, unsigned, 0) : 0;
}

/* Each once, by its first thread. */
static GPtrArray *read_cores(const char *folder, const GArray *online)
{
    GPtrArray *cores = g_ptr_array_new_with_free_func(core_free);

    for (unsigned i = 0; i < online->len; i++) {
        unsigned cpu = g_array_index(online, unsigned, i);
        g_autofree char *name = g_strdup_printf("cpu%u/topology/thread_siblings_list", cpu);
        g_autoptr(GArray) siblings = read_set(folder, name);
        g_autoptr(GArray) cache = read_cache(folder, cpu);
        if (!siblings || !cache || first_of(siblings) != cpu)
            continue;
        Core *core = g_new(Core, 1);
        *core = (Core){g_steal_pointer(&siblings), g_steal_pointer(&cache)};
        g_ptr_array_add(cores, core);
    }
    return cores;
}

/* The cores of the same cache and as many threads as this one, the first core of the host aside. */
static GPtrArray *alike(const GPtrArray *cores, const Core *model)
{
    GPtrArray *found = g_ptr_array_new();

    for (unsigned i = 1; i < cores->len; i++) {
        const Core *core = g_ptr_array_index(cores, i);
        if (first_of(core->cache) == first_of(model->cache) && core->threads->len == model->threads->len)
            g_ptr_array_add(found, (void *)core);
    }
    return found;
}

static unsigned threads_of(const GPtrArray *cores)
{
    return cores->len > 0 ? ((const Core *)g_ptr_array_index(cores, 0))->threads->len : 0;
}

/* Cores of more threads are the faster ones where a host has several kinds. Of several caches, the last one
 * is taken: the host works on the first. */
static bool better(const GPtrArray *one, const GPtrArray *other)
{
    unsigned threads = threads_of(one), others = threads_of(other);

    return one->len > 0 && (threads > others || (threads == others && one->len >= other->len));
}

static GPtrArray *best_of(const GPtrArray *cores)
{
    GPtrArray *best = g_ptr_array_new();

    for (unsigned i = 0; i < cores->len; i++) {
        GPtrArray *found = alike(cores, g_ptr_array_index(cores, i));
        bool is_better = better(found, best);
        g_ptr_array_unref(is_better ? best : found);
        best = is_better ? found : best;
    }
    return best;
}

/* Those that the host should keep of these, if it has no others: a quarter of all, the first among them. */
static unsigned spared(const GPtrArray *cores, const GPtrArray *best)
{
    unsigned others = cores->len - best->len, kept = MAX(1, cores->len / 4);

    return others >= kept ? best->len : best->len - MIN(best->len, kept - others);
}

static void write_choice(const GPtrArray *best, unsigned n, const GArray *online, CoreChoice *ret)
{
    g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_autoptr(GString) pin = g_string_new(NULL);

    /* The last ones: interrupts and the host's own work go to the first. */
    for (unsigned i = best->len - n; i < best->len; i++) {
        const Core *core = g_ptr_array_index(best, i);
        ret->threads = core->threads->len;
        for (unsigned j = 0; j < core->threads->len; j++) {
            unsigned cpu = g_array_index(core->threads, unsigned, j);
            g_string_append_printf(pin, "%s%u", pin->len > 0 ? "," : "", cpu);
            g_array_append_val(taken, cpu);
        }
    }
    g_autoptr(GArray) rest = cpu_set_minus(online, taken);
    ret->cores = n;
    ret->pin = g_string_free(g_steal_pointer(&pin), FALSE);
    ret->rest = cpu_set_to_text(rest);
}

/* How many of the best cores: 0 is none. */
static unsigned count_wanted(const char *wanted, const GPtrArray *cores, const GPtrArray *best)
{
    unsigned n = MIN(spared(cores, best), CORES_USUAL_MAX);
    guint64 number;

    if (wanted)
        return g_ascii_string_to_unsigned(wanted, 10, 1, G_MAXUINT, &number, NULL) && number <= best->len
                   ? number
                   : 0;
    /* Where no core shares a cache with another, or a host has two: Windows 11 wants two vCPUs. */
    return n * threads_of(best) > 1 ? n : 0;
}

void core_choice_make(const char *folder, const char *wanted, CoreChoice *ret)
{
    g_autoptr(GArray) online = read_set(folder, "online");

    *ret = (CoreChoice){};
    if (!online)
        return;
    g_autoptr(GPtrArray) cores = read_cores(folder, online);
    g_autoptr(GPtrArray) best = best_of(cores);
    unsigned n = count_wanted(wanted, cores, best);
    if (n > 0)
        write_choice(best, n, online, ret);
}

void core_choice_clear(CoreChoice *choice)
{
    g_free(choice->pin);
    g_free(choice->rest);
    *choice = (CoreChoice){};
}
