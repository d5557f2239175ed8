/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"

#include <string.h>

#include "../../daemon/base/cleanup.h"

#define SHOWN_MAX 100

static void free_child(void *child)
{
    node_free(child);
}

Node *node_new(Node *parent, const char *name, const char *value, unsigned line)
{
    Node *node = g_new0(Node, 1);

    node->name = g_strdup(name);
    node->value = g_strdup(value);
    node->line = line;
    node->parent = parent;
    node->children = g_ptr_array_new_with_free_func(free_child);
    if (parent)
        g_ptr_array_add(parent->children, node);
    return node;
}

DEFINE_FREE(Node, node_free, node)
{
    g_ptr_array_unref(node->children);
    g_free(node->name);
    g_free(node->value);
    g_free(node->shown);
}

Node *node_at(const Node *node, const char *path)
{
    size_t length = strcspn(path, "/");

    for (unsigned i = 0; i < node->children->len; i++) {
        Node *child = node->children->pdata[i];
        if (strncmp(child->name, path, length) == 0 && child->name[length] == '\0')
            return path[length] ? node_at(child, path + length + 1) : child;
    }
    return NULL;
}

static void take(Node *node)
{
    node->taken = true;
    /* An element above has said what it is by its attribute; its text is another value. */
    for (node = node->parent; node && !node->value; node = node->parent)
        node->taken = true;
}

const char *node_take(Node *node, const char *path)
{
    Node *found = node_at(node, path);

    if (!found)
        return NULL;
    take(found);
    return found->value ?: "";
}

const char *node_look(const Node *node, const char *path)
{
    const Node *found = node_at(node, path);

    return found ? found->value : NULL;
}

void node_take_all(Node *node)
{
    take(node);
    for (unsigned i = 0; i < node->children->len; i++)
        node_take_all(node->children->pdata[i]);
}

void node_take_each(Node *node, const char *const *names)
{
    for (; *names; names++)
        node_take(node, *names);
}

bool node_take_if(Node *node, const char *path, const char *value)
{
    if (g_strcmp0(node_look(node, path), value) != 0)
        return false;
    node_take(node, path);
    return true;
}

static bool is_attribute(const Node *node)
{
    return node->name[0] == '@';
}

/* An element of XML with its attributes. */
static void append_element(GString *text, const Node *node)
{
    g_string_append_printf(text, "<%s", node->name);
    for (unsigned i = 0; i < node->children->len; i++) {
        const Node *child = node->children->pdata[i];
        if (is_attribute(child))
            g_string_append_printf(text, " %s='%s'", child->name + 1, child->value);
    }
    g_string_append_printf(text, ">%s", node->value ?: "");
}

/* As much of it as a message has room for; line breaks would begin another item. */
static char *fit(GString *text)
{
    g_autofree char *whole = g_string_free(text, FALSE);
    g_autofree char *valid = g_utf8_make_valid(whole, -1);

    for (char *c = valid; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    if (g_utf8_strlen(valid, -1) <= SHOWN_MAX)
        return g_steal_pointer(&valid);
    g_autofree char *start = g_utf8_substring(valid, 0, SHOWN_MAX - 1);
    return g_strconcat(start, "…", NULL);
}

char *node_title(const Node *node)
{
    GString *text = g_string_new(NULL);

    if (node->shown) {
        g_string_append(text, node->shown);
    } else if (is_attribute(node)) {
        g_string_append_printf(text, "%s='%s' of <%s>", node->name + 1, node->value, node->parent->name);
    } else if (node->parent && node->parent->shown) {
        g_string_append_printf(text, "%s%s%s of %s", node->name, node->value ? "=" : "", node->value ?: "",
                               node->parent->shown);
    } else {
        append_element(text, node);
    }
    g_autofree char *shown = fit(text);
    return node->line > 0 ? g_strdup_printf("%s (line %u)", shown, node->line) : g_steal_pointer(&shown);
}

static bool any_taken(const Node *node)
{
    for (unsigned i = 0; i < node->children->len; i++) {
        const Node *child = node->children->pdata[i];
        if (child->taken || any_taken(child))
            return true;
    }
    return false;
}

void node_walk_left(Node *root, void (*left)(const Node *node, void *userdata), void *userdata)
{
    bool below = any_taken(root);

    if (!root->taken && (root->value || !below))
        left(root, userdata);
    if (!root->taken && !below)
        return;
    for (unsigned i = 0; i < root->children->len; i++)
        node_walk_left(root->children->pdata[i], left, userdata);
}
