/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What no line of a definition can show alone: what is required, what excludes what. */
#pragma once

#include "reader.h"

/* One [Input x]. */
int definition_check_input(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault);
/* One [USB x]. */
int definition_check_usb(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault);
/* [Display] */
int definition_check_display(const DefinitionReader *reader, Fault **ret_fault);
/* One [PCI x]: whether somebody sees the screen of Display=. */
int definition_check_vgpu_screen(const DefinitionReader *reader, const ReadSection *section,
                                 Fault **ret_fault);
/* [Sound] */
int definition_check_sound(const DefinitionReader *reader, Fault **ret_fault);
/* One [Network x]. */
int definition_check_network(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault);

/* check-forward.c: what all networks take of the host's ports */
int definition_check_forwards(const DefinitionReader *reader, Fault **ret_fault);

/* Sections in the order in which they were written, after those without a name. */
int definition_check(const DefinitionReader *reader, Fault **ret_fault);

/* check-disk.c */
int definition_check_disk(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault);
int definition_check_cdrom(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault);
