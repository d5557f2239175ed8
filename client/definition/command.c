/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <fcntl.h>
#include <string.h>

#include "../../daemon/base/descriptor-list.h"
#include "../../daemon/base/dmi.h"
#include "../../daemon/base/file.h"
#include "../../daemon/base/host-id.h"
#include "../../daemon/core/plan/assumed.h"
#include "../../daemon/core/qemu/check.h"
#include "config.h"
#include "files.h"

#define FACTS_MAX (1024 * 1024)

/* A bridge has a header of its own, and no guest gets one. */
static bool lendable(PciAddress address)
{
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/class", PCI_ADDRESS_STR(address)),
                    *class = NULL;

    return file_read_value_at(AT_FDCWD, path, &class) >= 0 && !g_str_has_prefix(class, "0x06");
}

static uint8_t look(PciAddress slot, const void *userdata)
{
    uint8_t functions = 0;

    for (slot.function = 0; slot.function < 8; slot.function++)
        if (lendable(slot))
            functions |= 1u << slot.function;
    return functions;
}

static HostTools *find_tools(const GuestDefinition *definition, GPtrArray *notes)
{
    static const char *const folders[] = {"/etc/qemu/firmware", USHER_QEMU_DATADIR "/firmware", NULL};
    HostTools *tools = host_tools_new(USHER_STATEDIR "/guests");

    descriptor_list(folders, firmware_take, tools->firmwares);
    tools->swtpm = g_find_program_in_path(USHER_SWTPM);
    tools->virtiofsd = virtiofsd_assume(*USHER_VIRTIOFSD ? USHER_VIRTIOFSD : "virtiofsd");
    host_tools_assume(tools, definition, notes);
    return tools;
}

/* As usherd has written them down, if that QEMU is still the one; else those of one that has everything. */
static QemuFacts *find_facts(GPtrArray *notes)
{
    g_autofree char *base = g_path_get_basename(USHER_QEMU), *text = NULL;
    g_autofree char *path = g_strdup_printf(USHER_STATEDIR "/%s.facts", base);
    g_autoptr(QemuFacts) facts = NULL;
    QemuBinary now;

    if (file_read_all_at(AT_FDCWD, path, FACTS_MAX, &text, NULL) >= 0 &&
        qemu_facts_from_text(text, &facts) >= 0 && qemu_binary_look(USHER_QEMU, &now) == 0 &&
        qemu_facts_fit(facts, USHER_QEMU, &now))
        return g_steal_pointer(&facts);
    g_ptr_array_add(notes, g_strdup("what " USHER_QEMU " can do is not known here: it is taken for a QEMU "
                                    "that has everything"));
    return qemu_facts_assume(USHER_QEMU);
}

/* A start would be refused; the line is worth seeing all the same. */
static void note_lacks(const QemuCommand *command, const QemuFacts *facts, GPtrArray *notes)
{
    _cleanup_fault_ Fault *fault = NULL;

    if (!facts->assumed && qemu_command_check(command, facts, &fault) != 0)
        g_ptr_array_add(notes, fault_to_line(fault));
}

static int parse(const char *name, const GPtrArray *files, GuestDefinition **ret, Fault **ret_fault)
{
    g_autofree DefinitionText *texts = g_new0(DefinitionText, files->len);
    g_autofree char *host_id = NULL;

    for (unsigned i = 0; i < files->len; i++) {
        const DefinitionFile *file = g_ptr_array_index(files, i);
        texts[i] = (DefinitionText){file->path, file->text, strlen(file->text)};
    }
    int r = definition_parse(name, texts, files->len, ret, ret_fault);
    if (r == 0 && host_id_read(&host_id) >= 0)
        definition_set_host(*ret, host_id);
    if (r == 0)
        definition_fill_smbios(*ret, dmi_read);
    return r;
}

int command_of_files(const char *name, const GPtrArray *files, GPtrArray *notes, QemuCommand **ret,
                     Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;
    int r = parse(name, files, &definition, ret_fault);

    if (r != 0)
        return r;
    g_autoptr(QemuFacts) facts = find_facts(notes);
    g_autoptr(HostTools) tools = find_tools(definition, notes);
    g_autoptr(Plan) plan = plan_assume(definition, look, NULL, notes);

    host_tools_settle(tools, definition);
    *ret = qemu_command_build(definition, plan, facts, tools);
    note_lacks(*ret, facts, notes);
    return 0;
}
