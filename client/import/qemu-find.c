/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "qemu-private.h"

const QemuWord *qemu_word(const QemuWord *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(words[i].word);
        bool beginning = words[i].word[length - 1] == '*';
        if (beginning ? strncmp(words[i].word, word, length - 1) == 0 : g_str_equal(words[i].word, word))
            return &words[i];
    }
    return NULL;
}

Node *qemu_find(const Qemu *qemu, const char *option, const char *property, const char *value)
{
    for (unsigned i = 0; value && i < qemu->root->children->len; i++) {
        Node *node = qemu->root->children->pdata[i];
        if (g_str_equal(node->name, option) && g_strcmp0(node_look(node, property), value) == 0)
            return node;
    }
    return NULL;
}

void qemu_take_place(Qemu *qemu, Node *device)
{
    static const char *const own[] = {
        "driver",         "id",         "bus",  "addr",           "multifunction",
        "port",           "chassis",    "slot", "disable-legacy", "disable-modern",
        "iommu_platform", "acpi-index", NULL};

    node_take_each(device, own);
}
