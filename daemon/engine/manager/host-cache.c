/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-cache.h"

#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/host/vfio-driver.h"

#define LINKS_USEC (200 * G_TIME_SPAN_MILLISECOND)

struct HostCache {
    const Engine *engine;
    HostTaken taken;
    void *userdata;
    Host *host;
    bool stale;
    gint64 links_seen;     /* when the links of lent devices were looked at last, monotonic */
    GPtrArray *replaced;   /* of Host, owned: somebody may be reading them */
    sd_event_source *turn; /* after which nobody does */
};

HostCache *host_cache_new(const Engine *engine, HostTaken taken, void *userdata)
{
    HostCache *cache = g_new(HostCache, 1);

    *cache = (HostCache){
        .engine = engine,
        .taken = taken,
        .userdata = userdata,
        .host = host_new(),
        .stale = true,
        .replaced = g_ptr_array_new_with_free_func((GDestroyNotify)host_free),
    };
    return cache;
}

DEFINE_FREE(HostCache, host_cache_free, cache)
{
    sd_event_source_disable_unref(cache->turn);
    g_ptr_array_unref(cache->replaced);
    host_free(cache->host);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    HostCache *cache = userdata;

    cache->turn = sd_event_source_disable_unref(cache->turn);
    g_ptr_array_set_size(cache->replaced, 0);
    return 0;
}

static void replace(HostCache *cache, Host *host)
{
    g_ptr_array_add(cache->replaced, cache->host);
    cache->host = host;
    if (!cache->turn && sd_event_add_defer(cache->engine->event, &cache->turn, on_turn, cache) < 0)
        g_error("out of memory");
}

int host_cache_look(HostCache *cache, const GuestDefinition *definition, const Host **ret)
{
    Host *host;

    int r = host_look(cache->engine, &host);
    if (r < 0)
        return r;
    if (definition)
        host_look_mediated(cache->engine, definition, host);
    replace(cache, host);
    cache->stale = false;
    cache->links_seen = g_get_monotonic_time();
    *ret = host;
    cache->taken(host, cache->userdata);
    return 0;
}

static bool links_changed(HostCache *cache)
{
    gint64 now = g_get_monotonic_time();

    if (now - cache->links_seen < LINKS_USEC)
        return false;
    cache->links_seen = now;
    for (unsigned i = 0; i < cache->host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(cache->host->devices, i);
        g_autofree char *driver = NULL;
        if (!vfio_driver_has(device))
            continue;
        g_autofree char *link =
            g_strdup_printf("bus/pci/devices/%s/driver", PCI_ADDRESS_STR(device->address));
        if (file_link_name_at(cache->engine->host_place.sys_fd, link, &driver) < 0)
            return true;
    }
    return false;
}

const Host *host_cache_get(HostCache *cache)
{
    const Host *host;

    if (!cache->stale && !links_changed(cache))
        return cache->host;
    int r = host_cache_look(cache, NULL, &host);
    if (r < 0)
        log_error("cannot read the host's devices: %s", strerror(-r));
    return r < 0 ? cache->host : host;
}

void host_cache_stale(HostCache *cache)
{
    cache->stale = true;
}

void host_cache_look_at(HostCache *cache, PciAddress address)
{
    if (cache->stale)
        return;
    Host *host = host_share(cache->host);
    if (host_look_again(cache->engine, host, address) < 0) {
        host_free(host);
        cache->stale = true;
        return;
    }
    replace(cache, host);
}
