/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests after a restart of the daemon: what their journals claim is claimed again before anybody else may
 * start. */
#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "private.h"

void manager_recover_guest(Manager *m, const char *name)
{
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    if (!guest_name_valid(name)) {
        log_warning(
            "%s/journal holds a file for \"%s\", which is not the name of a guest; leaving the file alone",
            m->engine->run_path, name);
        return;
    }
    GuestEntry *entry = manager_ensure_entry(m, name);
    manager_claim_again(m, OWNER_GUEST(name));
    if (manager_load(m, name, &definition, &fault) < 0)
        definition = NULL;
    guest_recover(entry->guest, definition);
}
