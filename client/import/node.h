/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A description of a guest as another tool wrote it: a tree of names and values. A reader takes what it
 * understands; whatever nobody took is found by a walk afterwards, so that nothing vanishes silently. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Node Node;
struct Node {
    char *name;  /* "disk", "@bus" (an attribute), "-device", "romfile", "scsi0" */
    char *value; /* NULL: it has none of its own */
    char *shown; /* how a message calls it; NULL: by name and value */
    unsigned line;
    bool taken; /* its own value was understood; of its children each says so itself */
    GPtrArray *children;
    Node *parent;
};

/* Below parent, which owns it; NULL: a tree of its own. name, value are copied. */
Node *node_new(Node *parent, const char *name, const char *value, unsigned line);
Node *node_free(Node *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Node, node_free)

/* The child at a path ("source/address/@bus"): of several of one name the first. NULL: there is none. */
Node *node_at(const Node *node, const char *path);
/* Its value, taken by that together with the nodes above it; NULL: it is not there. */
const char *node_take(Node *node, const char *path);
/* The same, not taken. */
const char *node_look(const Node *node, const char *path);
/* Takes it and all below it. */
void node_take_all(Node *node);
/* Takes the children by these names (NULL-terminated), of each the first. */
void node_take_each(Node *node, const char *const *names);
/* Takes the value if it is that one. */
bool node_take_if(Node *node, const char *path, const char *value);

/* "<disk type='file' device='cdrom'> (line 12)", "-device vfio-pci,host=01:00.0". Cut to a line of a message.
 * The caller frees it. */
char *node_title(const Node *node);

/* Calls for each that nobody took: of a subtree of which nothing was taken, once for its top. */
void node_walk_left(Node *root, void (*left)(const Node *node, void *userdata), void *userdata);
