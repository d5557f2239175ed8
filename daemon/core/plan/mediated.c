/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/definition.h"
#include "mediated.h"

#include <string.h>

#include "../host/fingerprint.h"
#include "fitness.h"
#include "plan.h"

#define CREATE "/sys/bus/pci/devices/%s/mdev_supported_types/%s/create"
#define REMOVE "/sys/bus/mdev/devices/%s/remove"

/* Making one. */

static const HostMediated *find_made(const ExpectedHost *expected, const char *uuid)
{
    for (unsigned i = 0; i < expected->mediated->len; i++) {
        const HostMediated *mediated = g_ptr_array_index(expected->mediated, i);
        if (g_str_equal(mediated->uuid, uuid))
            return mediated;
    }
    return NULL;
}

/* "i915-GVTg_V5_4 (2 available), i915-GVTg_V5_8 (low_gm_size: 64MB, …; none available)". The caller frees it.
 */
static char *describe_types(const Host *host, PciAddress parent)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < host->mediated_types->len; i++) {
        const HostMediatedType *type = g_ptr_array_index(host->mediated_types, i);
        if (!pci_address_equal(type->parent, parent))
            continue;
        g_string_append_printf(text, "%s%s (", text->len > 0 ? ", " : "", type->name);
        if (type->words && !g_str_equal(type->words, type->name))
            g_string_append_printf(text, "%s; ", type->words);
        if (type->available < 0)
            g_string_append(text, "unknown how many)");
        else
            g_string_append_printf(text, "%d available)", type->available);
    }
    return g_string_free(text, FALSE);
}

/* "4b20d080-… (nvidia-63, guest linux)". The caller frees it. */
static char *describe_made(const Host *host, const Claims *claims, PciAddress parent)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < host->mediated->len; i++) {
        const HostMediated *mediated = g_ptr_array_index(host->mediated, i);
        const char *guest = claims ? owner_guest(claims_owner(claims, mediated->group)) : NULL;
        if (!mediated->of_function || !pci_address_equal(mediated->parent, parent))
            continue;
        g_string_append_printf(text, "%s%s (%s", text->len > 0 ? ", " : "", mediated->uuid,
                               mediated->type ?: "of no known type");
        if (guest)
            g_string_append_printf(text, ", guest %s", guest);
        g_string_append_c(text, ')');
    }
    if (text->len == 0)
        g_string_append(text, "none");
    return g_string_free(text, FALSE);
}

static int check_parent(const HostDevice *parent, const Claims *claims, const char *owner, Fault **ret_fault)
{
    const char *address = PCI_ADDRESS_STR(parent->address);
    const char *present =
        claims && parent->group != HOST_NO_GROUP ? claims_owner(claims, parent->group) : NULL;

    if (parent->stuck)
        return fault_raise(ret_fault, FAULT_STUCK, "only a restart of the host helps",
                           "%s is stuck: a write to it hangs in the kernel", address);
    if (present && !g_str_equal(present, owner))
        return fault_raise(ret_fault, FAULT_IN_USE, "stop that one first", "%s (group %d) is claimed by %s",
                           address, parent->group, present);
    return fitness_check(parent, ret_fault);
}

static int check_type(const Host *host, const DefinitionPci *section, const HostDevice *parent,
                      const HostMediatedType **ret, Fault **ret_fault)
{
    const char *wanted = section->mediated_type;
    const HostMediatedType *type = host_find_mediated_type(host, parent->address, wanted);
    g_autofree char *types = describe_types(host, parent->address);
    PciAddressText address = pci_address_to_text(parent->address);

    /* The card's driver registers the types (mdev_register_parent()). */
    if (types[0] == '\0')
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            "give the device to a driver that makes mediated devices, with the options and modules that it "
            "needs (i915: enable_gvt=1, and the module kvmgt); or remove MediatedType=",
            "[PCI %s] MediatedType=%s: the driver of %s makes no mediated devices: %s", section->name, wanted,
            address.text, parent->driver ?: "none");
    if (!type) {
        g_autofree char *remedy = g_strdup_printf("its types are: %s", types);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "[PCI %s] MediatedType=%s: %s (%s) has no such type", section->name, wanted,
                           address.text, parent->driver ?: "no driver");
    }
    /* vfio-ap and vfio-ccw are for other machines. */
    if (type->api && !g_str_equal(type->api, "vfio-pci"))
        return fault_raise(ret_fault, FAULT_REFUSED, "choose a type whose device_api is vfio-pci",
                           "[PCI %s] MediatedType=%s: the type makes no PCI device, but one for %s",
                           section->name, wanted, type->api);
    *ret = type;
    return 0;
}

/* Refused whoever made it: this guest's start did not, and so would not remove it afterwards. */
static int check_new(const Host *host, const char *uuid, Fault **ret_fault)
{
    const HostMediated *there = host_find_mediated(host, uuid);

    if (!there)
        return 0;
    g_autofree char *remedy =
        g_strdup_printf("lend that device as it is, by MediatedDevice= without Address= and MediatedType=; "
                        "or remove it, if nobody needs it: echo 1 > " REMOVE,
                        uuid);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "the mediated device %s exists already, so the start cannot make it: %s of %s", uuid,
                       there->type ?: "of no known type, made",
                       there->of_function ? PCI_ADDRESS_STR(there->parent) : "something else");
}

static int check_available(const ExpectedHost *expected, const Claims *claims, const DefinitionPci *section,
                           const HostMediatedType *type, Fault **ret_fault)
{
    unsigned promised = 0;

    for (unsigned i = 0; i < expected->mediated->len; i++) {
        const HostMediated *mediated = g_ptr_array_index(expected->mediated, i);
        promised +=
            pci_address_equal(mediated->parent, type->parent) && g_str_equal(mediated->type, type->name);
    }
    if (type->available < 0 || (unsigned)type->available > promised)
        return 0;
    g_autofree char *made = describe_made(&expected->host, claims, type->parent);
    return fault_raise(ret_fault, FAULT_REFUSED,
                       "stop a guest that has one of them, remove one that nobody needs (echo 1 > "
                       "/sys/bus/mdev/devices/UUID/remove), or choose another type",
                       "[PCI %s] MediatedType=%s: %s can make no more devices of this type; these exist: %s",
                       section->name, type->name, PCI_ADDRESS_STR(type->parent), made);
}

static int make(const Host *host, const Claims *claims, const DefinitionPci *section, const char *uuid,
                const char *owner, GPtrArray *steps, ExpectedHost *expected, Fault **ret_fault)
{
    const HostDevice *parent = host_find(host, section->address);
    const HostMediatedType *type = NULL;

    if (!parent)
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, "see which devices there are: usherctl devices",
                           "there is no device %s", PCI_ADDRESS_STR(section->address));
    int r = check_parent(parent, claims, owner, ret_fault);
    if (r == 0)
        r = check_type(host, section, parent, &type, ret_fault);
    if (r == 0)
        r = check_new(host, uuid, ret_fault);
    if (r == 0)
        r = check_available(expected, claims, section, type, ret_fault);
    if (r != 0)
        return r;
    g_autofree char *value = g_strdup_printf("%s@%s", type->name, PCI_ADDRESS_STR(parent->address));
    g_ptr_array_add(steps, step_new(STEP_MEDIATED, uuid, "", value));
    expected_host_add_mediated(expected, type, uuid);
    return 0;
}

static int check_fingerprint(const Host *host, const GuestDefinition *definition,
                             const DefinitionPci *section, Fault **ret_fault)
{
    g_autofree char *key =
        g_strdup_printf("%s: [PCI %s] Fingerprint=", definition->source ?: definition->name, section->name);

    return section->fingerprint
               ? fingerprint_check(host, section->address, section->fingerprint, key, ret_fault)
               : 0;
}

int plan_mediated(const Host *host, const Claims *claims, const GuestDefinition *definition,
                  const char *owner, GPtrArray *steps, ExpectedHost *expected, Fault **ret_fault)
{
    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *section = g_ptr_array_index(definition->pci, i);
        if (!section->mediated_type)
            continue;
        g_autofree char *uuid = definition_mediated(definition, section);
        /* A second section for the device is found later, as both ask for the same one. */
        if (find_made(expected, uuid))
            continue;
        int r = check_fingerprint(host, definition, section, ret_fault);
        if (r == 0)
            r = make(host, claims, section, uuid, owner, steps, expected, ret_fault);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Lending one. */

static int raise_missing(const char *uuid, Fault **ret_fault)
{
    g_autofree char *remedy = g_strdup_printf("add Address= and MediatedType= to have it made; or make it "
                                              "yourself: mdevctl start -u %s, or echo %s > " CREATE,
                                              uuid, uuid, "ADDRESS", "TYPE");

    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "there is no mediated device %s", uuid);
}

/* What was to be made, and was. */
static int check_made(const HostMediated *mediated, const DefinitionPci *section, const char *uuid,
                      Fault **ret_fault)
{
    bool as_made = mediated && mediated->of_function &&
                   pci_address_equal(mediated->parent, section->address) &&
                   g_strcmp0(mediated->type, section->mediated_type) == 0;

    if (as_made)
        return 0;
    return fault_raise(ret_fault, FAULT_DRIFT, "somebody else changed the device just now; try again",
                       "the mediated device %s, which this start made, is %s now", uuid,
                       mediated ? "another one" : "gone");
}

static int check_claim(const HostMediated *mediated, const Claims *claims, const char *owner,
                       Fault **ret_fault)
{
    const char *present = claims ? claims_owner(claims, mediated->group) : NULL;

    if (!present || g_str_equal(present, owner))
        return 0;
    const char *guest = owner_name(present);
    g_autofree char *remedy = g_strdup_printf("stop it first: usherctl stop %s", guest);
    return fault_raise(ret_fault, FAULT_IN_USE, remedy,
                       "mediated device %s (group %d) is claimed by guest %s", mediated->uuid,
                       mediated->group, guest);
}

static int check(const HostMediated *mediated, const Host *host, Fault **ret_fault)
{
    const HostDevice *parent = host_find_parent(host, mediated);

    /* vfio-ap and vfio-ccw are for other machines. */
    if (mediated->api && !g_str_equal(mediated->api, "vfio-pci"))
        return fault_raise(ret_fault, FAULT_REFUSED, "choose a device whose mdev_type/device_api is vfio-pci",
                           "mediated device %s is not a PCI device, but one for %s", mediated->uuid,
                           mediated->api);
    if (mediated->group == HOST_NO_GROUP)
        return fault_raise(ret_fault, FAULT_REFUSED, "load its module: modprobe vfio_mdev, or its vendor's",
                           "mediated device %s is in no group: it has no VFIO driver", mediated->uuid);
    if (parent && parent->stuck)
        return fault_raise(
            ret_fault, FAULT_STUCK, "only a restart of the host helps",
            "%s, the parent of mediated device %s, is stuck: a write to it hangs in the kernel",
            PCI_ADDRESS_STR(parent->address), mediated->uuid);
    return parent ? fitness_check(parent, ret_fault) : 0;
}

static int check_twins(const Plan *plan, const GuestDefinition *definition, const DefinitionPci *section,
                       const char *uuid, Fault **ret_fault)
{
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *other = g_ptr_array_index(plan->devices, i);
        if (g_strcmp0(other->mediated, uuid) == 0)
            return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "remove one of them",
                               "%s: [PCI %s] and [PCI %s] both ask for mediated device %s",
                               definition->source ?: definition->name, other->name, section->name, uuid);
    }
    return 0;
}

int plan_add_mediated(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                      const DefinitionPci *section, Fault **ret_fault)
{
    g_autofree char *uuid = definition_mediated(definition, section);
    const HostMediated *mediated = host_find_mediated(host, uuid);

    int r = check_twins(plan, definition, section, uuid, ret_fault);
    if (r == 0 && section->mediated_type)
        r = check_made(mediated, section, uuid, ret_fault);
    else if (r == 0 && !mediated)
        r = raise_missing(uuid, ret_fault);
    if (r == 0)
        r = check(mediated, host, ret_fault);
    if (r == 0)
        r = check_claim(mediated, claims, plan->owner, ret_fault);
    if (r != 0)
        return r;
    const HostDevice *parent = host_find_parent(host, mediated);
    if (parent && parent->group != HOST_NO_GROUP)
        g_array_append_val(plan->leaning, parent->group);
    PlanDevice *device = g_new(PlanDevice, 1);
    *device = (PlanDevice){
        .name = g_strdup(section->name),
        .wish = section,
        .mediated = g_steal_pointer(&uuid),
        .functions = g_array_new(FALSE, FALSE, sizeof(PciAddress)),
    };
    g_ptr_array_add(plan->devices, device);
    g_array_append_val(plan->groups, mediated->group);
    return 0;
}
