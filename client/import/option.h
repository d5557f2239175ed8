/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's command line as a tree: each option a node with its properties, be they written key=value or as
 * JSON. */
#pragma once

#include "node.h"

/* Appends an option ("-device") for each that the words have; line is that of the first word, and grows by
 * step with each. The program's name must not be among them. */
void options_parse(Node *root, char *const *words, unsigned line, unsigned step);

/* The properties of a text such as "host,+topoext,kvm=off" below a node, as QEMU reads them: a comma that is
 * doubled is one. implied is what a first word without = is the value of; NULL: nothing. */
void option_properties(Node *node, const char *text, const char *implied);

/* Whether a property is on: "on", "true", "yes", "1", or written alone; false, too, if it is not there. Takes
 * it. */
bool option_on(Node *node, const char *property);
/* The same for off, and "-property". */
bool option_off(Node *node, const char *property);

/* The whole option as words for [QEMU] Arguments=, quoted where a shell would need it. The caller frees it.
 */
char *option_words(const Node *option, const char *const *without);
