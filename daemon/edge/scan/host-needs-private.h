/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files for each kind of need share (host-needs-note.c): ways along sysfs, and the note itself; and
 * what host-needs.c calls of theirs. */
#pragma once

#include "host-needs.h"

/* Deeper than anybody stacks md, LVM, dm-crypt and bonds. */
#define STACK_MAX 16

/* The lines of a file below /proc; none if the kernel was built without it. */
int needs_read_lines(const HostPlace *place, const char *name, char ***ret);

/* The target of a link in sysfs, as a path below /sys; NULL if there is no such link. */
char *needs_resolve(const HostPlace *place, const char *path);

/* The names in a folder of sysfs; none if there is no such folder. */
char **needs_list(const HostPlace *place, const char *path);

/* Adds a reason to needed_for, each once. */
void needs_note(char **needed_for, const char *reason);

/* The functions along a path in sysfs, outermost first; an array of HostDevice* that the caller frees. */
GPtrArray *needs_functions_on(const Host *host, const char *path);

/* Everything on the way is needed: behind Intel's VMD, say, a disk hangs on two functions. True if there was
 * one. */
bool needs_note_path(Host *host, const char *path, const char *reason);

/* The displays. */
void needs_note_display(const HostPlace *place, Host *host);

/* The ways to the network. 0 or -errno. */
int needs_note_links(const HostPlace *place, Host *host);

/* The disks: what is mounted and swapped to. 0 or -errno. */
int needs_note_disks(const HostPlace *place, Host *host);
/* One of them, by the kernel's name, and what is below it; what it is needed for: "/", "swap". */
void needs_note_disk(const HostPlace *place, Host *host, const char *name, const char *what);
/* host-needs-zfs.c */
void needs_note_zfs(const HostPlace *place, Host *host);
