/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "../../base/cleanup.h"
#include "../../base/remedy.h"
#include "../../base/zone.h"
#include "../definition/definition.h"
#include "../plan/file-wish.h"
#include "host-tools.h"

HostTools *host_tools_new(const char *state_path)
{
    HostTools *tools = g_new0(HostTools, 1);

    tools->state_path = g_strdup(state_path);
    tools->time = zone_time;
    tools->firmwares = g_ptr_array_new_with_free_func((GDestroyNotify)firmware_free);
    return tools;
}

static bool is_qcow2(const char *path)
{
    return path && g_str_has_suffix(path, ".qcow2");
}

static Firmware pinned_firmware(const GuestDefinition *definition)
{
    bool secure = definition->firmware.secure_boot;

    return (Firmware){.source = definition->source,
                      .code = definition->firmware.code,
                      .template = definition->firmware.variables,
                      .code_qcow2 = is_qcow2(definition->firmware.code),
                      .template_qcow2 = is_qcow2(definition->firmware.variables),
                      .secure_boot = secure,
                      .needs_smm = secure,
                      .pinned = true};
}

bool host_tools_firmware(const HostTools *tools, const GuestDefinition *definition, Firmware *ret)
{
    if (definition->firmware.type != FIRMWARE_UEFI)
        return false;
    if (definition->firmware.code) {
        *ret = pinned_firmware(definition);
        return true;
    }
    const Firmware *firmware = firmware_choose(tools->firmwares, definition->firmware.secure_boot,
                                               definition->firmware.keys == FIRMWARE_KEYS_ENROLLED);
    if (firmware)
        *ret = *firmware;
    return firmware != NULL;
}

GPtrArray *host_tools_file_wishes(const HostTools *tools, const GuestDefinition *definition, bool vhost_net)
{
    Firmware firmware;
    bool uefi = host_tools_firmware(tools, definition, &firmware);

    return file_wishes(definition, uefi ? &firmware : NULL, vhost_net);
}

char *host_tools_nvram_path(const HostTools *tools, const GuestDefinition *definition, bool qcow2)
{
    bool secure = definition->firmware.secure_boot;
    const char *keys = !secure                                               ? ""
                       : definition->firmware.keys == FIRMWARE_KEYS_ENROLLED ? "-secure"
                                                                             : "-own-keys";
    g_autofree char *name = g_strconcat("nvram", definition->firmware.code ? "-pinned" : "", keys,
                                        qcow2 ? ".qcow2" : ".fd", NULL);

    return g_build_filename(tools->state_path, definition->name, name, NULL);
}

char *host_tools_tpm_path(const HostTools *tools, const GuestDefinition *definition)
{
    return g_build_filename(tools->state_path, definition->name, "tpm", NULL);
}

/* Whether virtiofsd shows a guest what Owner=mapped means by 9p is for the definition to say: it is another
 * meaning, and auto keeps to the one. */
static bool is_for_virtiofs(const HostTools *tools, const DefinitionShare *share)
{
    const Virtiofsd *virtiofsd = tools->virtiofsd;

    return virtiofsd && virtiofsd->usable && !tools->confined && share->owner == SHARE_OWNER_HOST &&
           (!share->read_only || virtiofsd->read_only);
}

void host_tools_settle(const HostTools *tools, GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->shares->len; i++) {
        DefinitionShare *share = g_ptr_array_index(definition->shares, i);
        if (share->type == SHARE_TYPE_AUTO && !tools->virtiofsd_asked)
            share->type = is_for_virtiofs(tools, share) ? SHARE_TYPE_VIRTIOFS : SHARE_TYPE_9P;
    }
}

G_GNUC_PRINTF(4, 5)
static int refuse_missing(Package package, const char *otherwise, Fault **ret_fault, const char *format, ...)
{
    g_autofree char *install = remedy_install(package), *message = NULL;
    g_autofree char *remedy = g_strconcat(install, otherwise, NULL);
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fault_raise(ret_fault, FAULT_MISSING_FILE, remedy, "%s", message);
}

static int refuse_virtiofs(const char *guest, const DefinitionShare *share, const char *remedy,
                           const char *why, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: [Share %s] %s", guest, share->name, why);
}

/* What this one cannot do. */
static int check_abilities(const Virtiofsd *virtiofsd, const char *guest, const DefinitionShare *share,
                           Fault **ret_fault)
{
    g_autofree char *why = NULL;

    if (!virtiofsd->usable)
        why = g_strdup_printf("Type=virtiofs: %s has other options than those that usher knows",
                              virtiofsd->path);
    else if (share->read_only && !virtiofsd->read_only)
        why = g_strdup_printf("ReadOnly=yes: %s has no --readonly", virtiofsd->path);
    else if (share->owner == SHARE_OWNER_MAPPED && !virtiofsd->translates)
        why = g_strdup_printf("Owner=mapped: %s has no --translate-uid", virtiofsd->path);
    if (!why)
        return 0;
    return refuse_virtiofs(guest, share, "write Type=9p, or install a newer virtiofsd", why, ret_fault);
}

static int check_share(const HostTools *tools, const char *guest, const DefinitionShare *share,
                       Fault **ret_fault)
{
    if (share->type == SHARE_TYPE_9P)
        return 0;
    if (tools->virtiofsd_asked)
        return fault_raise(ret_fault, FAULT_BUSY, "try again in a moment",
                           "guest %s: [Share %s] virtiofsd has just been installed, and is being asked what "
                           "it can do",
                           guest, share->name);
    if (!tools->virtiofsd)
        return refuse_missing(PACKAGE_VIRTIOFSD, "; or write Type=9p", ret_fault,
                              "guest %s: [Share %s] Type=virtiofs: there is no virtiofsd on this host", guest,
                              share->name);
    /* Its weakest sandbox= is a chroot(2); it cannot run without. */
    if (tools->confined)
        return refuse_virtiofs(guest, share, "write Type=9p, or remove Type=",
                               "Type=virtiofs: virtiofsd changes its root directory, which usherd cannot let "
                               "it do, as it is not root itself",
                               ret_fault);
    return check_abilities(tools->virtiofsd, guest, share, ret_fault);
}

#define NO_FIRMWARE "guest %s: no file in " USHER_QEMU_DATADIR "/firmware tells of UEFI firmware for q35"

static int check_firmware(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault)
{
    bool secure = definition->firmware.secure_boot, own = definition->firmware.keys == FIRMWARE_KEYS_NONE;
    Firmware firmware;

    if (definition->firmware.type != FIRMWARE_UEFI || host_tools_firmware(tools, definition, &firmware))
        return 0;
    if (secure && !own && firmware_choose(tools->firmwares, true, false))
        return fault_raise(ret_fault, FAULT_MISSING_FILE,
                           "write Keys=none and enrol keys of your own, or install firmware that has some",
                           NO_FIRMWARE " with secure boot and enrolled keys", definition->name);
    return refuse_missing(PACKAGE_FIRMWARE, "", ret_fault, NO_FIRMWARE " %s", definition->name,
                          !secure ? "without secure boot"
                          : own   ? "with secure boot and no keys yet"
                                  : "with secure boot and enrolled keys");
}

static int check_swtpm(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault)
{
    if (definition->tpm == TPM_VERSION_NONE || tools->swtpm)
        return 0;
    return refuse_missing(PACKAGE_SWTPM, "", ret_fault,
                          "guest %s: [TPM] needs swtpm, which this host does not have", definition->name);
}

#define NAT "guest %s: [Network] Mode=nat needs "

/* What its units run. */
static int check_nat(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault)
{
    const bool nft = tools->dnsmasq;

    if (!definition_has_network(definition, NETWORK_MODE_NAT))
        return 0;
    if (!tools->systemd)
        return fault_raise(ret_fault, FAULT_REFUSED, "write Mode=user",
                           NAT "units of systemd, and usherd runs without systemd", definition->name);
    if (tools->dnsmasq && tools->nft)
        return 0;
    return refuse_missing(nft ? PACKAGE_NFTABLES : PACKAGE_DNSMASQ, "; or write Mode=user", ret_fault,
                          NAT "%s, which this host does not have", definition->name, nft ? "nft" : "dnsmasq");
}

char *host_tools_time(const HostTools *tools, const char *zone)
{
    return tools->time(zone);
}

static int check_zone(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault)
{
    const char *zone = definition_zone(&definition->machine);
    g_autofree char *there = zone ? host_tools_time(tools, zone) : NULL;

    if (!zone || there)
        return 0;
    return fault_raise(
        ret_fault, FAULT_REFUSED,
        "choose one of: timedatectl list-timezones (package tzdata); or write Base=" CLOCK_LOCAL,
        "[Clock] of guest %s: this host knows no time zone %s", definition->name, zone);
}

int host_tools_check(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault)
{
    int r = check_firmware(tools, definition, ret_fault);

    if (r == 0)
        r = check_swtpm(tools, definition, ret_fault);
    if (r == 0)
        r = check_nat(tools, definition, ret_fault);
    if (r == 0)
        r = check_zone(tools, definition, ret_fault);
    for (unsigned i = 0; r == 0 && i < definition->shares->len; i++)
        r = check_share(tools, definition->name, g_ptr_array_index(definition->shares, i), ret_fault);
    return r;
}

static Firmware *name_firmware(const GuestDefinition *definition)
{
    const Firmware named = {.source = (char *)"firmware.json",
                            .code = (char *)"UEFI-firmware",
                            .template = (char *)"its-variables",
                            .secure_boot = definition->firmware.secure_boot,
                            .enrolled_keys = definition->firmware.keys == FIRMWARE_KEYS_ENROLLED &&
                                             definition->firmware.secure_boot,
                            .needs_smm = definition->firmware.secure_boot};

    return firmware_copy(&named);
}

static void note(GPtrArray *notes, const Fault *fault)
{
    g_ptr_array_add(notes, fault_to_line(fault));
}

static void assume_firmware(HostTools *tools, const GuestDefinition *definition, GPtrArray *notes)
{
    _cleanup_fault_ Fault *fault = NULL;

    if (check_firmware(tools, definition, &fault) == 0)
        return;
    note(notes, fault);
    g_ptr_array_add(tools->firmwares, name_firmware(definition));
}

static void assume_virtiofsd(HostTools *tools, const GuestDefinition *definition, GPtrArray *notes)
{
    for (unsigned i = 0; i < definition->shares->len; i++) {
        const DefinitionShare *share = g_ptr_array_index(definition->shares, i);
        _cleanup_fault_ Fault *fault = NULL;

        if (tools->virtiofsd || check_share(tools, definition->name, share, &fault) == 0)
            continue;
        note(notes, fault);
        tools->virtiofsd = virtiofsd_assume("virtiofsd");
    }
}

/* Without systemd it is another usherd, not another host. */
static void assume_nat(HostTools *tools, const GuestDefinition *definition, GPtrArray *notes)
{
    _cleanup_fault_ Fault *fault = NULL;

    if (!tools->systemd || check_nat(tools, definition, &fault) == 0)
        return;
    note(notes, fault);
    tools->dnsmasq = tools->nft = true;
}

void host_tools_assume(HostTools *tools, const GuestDefinition *definition, GPtrArray *notes)
{
    _cleanup_fault_ Fault *fault = NULL;

    assume_firmware(tools, definition, notes);
    if (check_swtpm(tools, definition, &fault) != 0) {
        note(notes, fault);
        tools->swtpm = g_strdup("swtpm");
    }
    assume_virtiofsd(tools, definition, notes);
    assume_nat(tools, definition, notes);
    fault = fault_free(fault);
    if (check_zone(tools, definition, &fault) != 0)
        note(notes, fault);
}

DEFINE_FREE(HostTools, host_tools_free, tools)
{
    g_ptr_array_unref(tools->firmwares);
    g_free(tools->state_path);
    g_free(tools->swtpm);
    virtiofsd_free(tools->virtiofsd);
}
