/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

int definition_check_input(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionInput *input = section->structure;

    if (!g_str_has_prefix(input->device, INPUT_FOLDER))
        return definition_raise(
            section_place(section, "Device"), ret_fault, "name one of " INPUT_FOLDER "by-id, or by-path",
            "[Input %s] Device=%s is not below " INPUT_FOLDER, input->name, input->device);
    for (unsigned i = 0; i < reader->definition->inputs->len; i++) {
        const DefinitionInput *other = g_ptr_array_index(reader->definition->inputs, i);

        if (other == input)
            break;
        if (g_str_equal(other->device, input->device))
            return definition_raise(section_place(section, "Device"), ret_fault, "remove one of them",
                                    "[Input %s] has the same Device= as [Input %s]", input->name,
                                    other->name);
    }
    return 0;
}
