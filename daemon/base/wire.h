/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages between usherd and its helpers: a verb and its arguments, each a NUL-terminated string, one
 * seqpacket each. Descriptors travel beside them (SCM_RIGHTS), in the order in which the message names them.
 *
 *   usher-bind   → usherd   hello bind
 *   usherd       → bind     step KIND SUBJECT BEFORE AFTER
 *                           +fd, or none: kept open as long as the step takes
 *   bind         → usherd   done LIVE | drift LIVE | failed ERRNO LIVE (KIND DEVICE …)…
 *                           LIVE as step_view() takes it: "-" gone, "=VALUE" else. ERRNO: a positive number.
 *                           KIND and so on, as below: who has a disk that would have lost its driver
 *   usherd       → bind     disk PATH HOW FORMAT SIZE BACKING BACKING-FORMAT
 *                           opens an image or a disk, as core/plan/disk-wish.h packs it. HOW: r or w,
 *                           with ? to look, ?? to ask. SIZE: of one that is made if it is not there, or 0.
 * BACKING: "-" or "=PATH" bind         → usherd   opened ID made|there LOOK BACKING (+fd, but of a look)
 *                           BACKING: what the image says it is built upon
 *                           | used ID (KIND DEVICE WHAT PID COMMAND UNIT SESSION)… | failed ERRNO -
 *   usherd       → bind     look KIND WHAT
 *                           at a path, or whether there is such a user or group, as core/plan/file-wish.h
 * says bind         → usherd   seen MODE GROUP STABLE ROOM FREE | failed ERRNO - usherd       → bind     link
 * NAME the guest's end of a tap or macvtap device bind         → usherd   opened (+fd) | failed ERRNO -
 *   usherd       → bind     file PATH
 *                           a regular file, for reading
 *   bind         → usherd   opened (+fd) | failed ERRNO -
 *   usherd       → bind     folder PATH
 *   bind         → usherd   opened (+fd) | failed ERRNO -
 *   usherd       → bind     place PATH
 *                           a folder that an image is to be made in: over no link
 *   bind         → usherd   opened (+fd) | failed ERRNO -
 *   usherd       → bind     socket PATH
 *                           its name alone (O_PATH); anybody may connect to it
 *   bind         → usherd   opened (+fd) | failed ERRNO -
 *   usherd       → bind     device PATH
 *                           a character device that guests use, for reading and writing
 *   bind         → usherd   opened (+fd) | failed ERRNO -
 *   usherd       → bind     holders ADDRESS… | claimants ADDRESS…
 *                           claimants: the disks are claimed for a moment, to see whether the kernel lets go
 * of them bind         → usherd   holders (KIND DEVICE WHAT PID COMMAND UNIT SESSION)… | failed ERRNO - as
 * core/host/holder.h packs them
 *
 *   usher-launch → usherd   hello guest NAME
 *                           started as the guest: wants to become QEMU
 *   usherd       → launch   companion NAME ARGV…
 *                           +fds: as for run, below. Is started beside QEMU, and ends with it
 *   usherd       → launch   folder-companion NAME ARGV…
 *                           likewise; one that has to make a folder its root directory
 *   usher-launch → usherd   started PID | failed ERRNO
 *   usherd       → launch   run MEMLOCK ARGV…
 *                           +fds: the last one becomes stdout and stderr, those before it go to 3, 4, …
 *                           RLIMIT_MEMLOCK in bytes. A file that ARGV names /proc/self/fd/N and that the
 *                           guest's user may not reopen is copied into a memfd first
 *   usherd       → launch   pin CPUS
 *                           before `run`: moves to these ("-": stays), and leaves a process behind that has
 *                           the connection once usher-launch has become QEMU
 *   usherd       → launch   place (TID CPUS)…
 *   launch       → usherd   placed | failed ERRNO CPUS
 *   usherd       → launch   refused MESSAGE REMEDY
 *   usher-launch → usherd   hello stop NAME
 *                           ExecStop=; answered `ended` once QEMU is gone
 *   usher-launch → usherd   hello restored NAME
 *                           ExecStopPost=; answered once the devices are back: `killed` if QEMU's end was
 *                           usherd's will, else `ended`
 *   usherd       → launch   ended | killed | refused MESSAGE REMEDY */
#pragma once

#include <glib.h>
#include <stddef.h>

#define WIRE_MESSAGE_MAX (128 * 1024)

/* Strings one after the other, each with its NUL. -E2BIG over WIRE_MESSAGE_MAX, -EINVAL without a word. words
 * is NULL-terminated. */
int wire_pack(const char *const *words, GByteArray **ret);

/* The reverse: at least one word, the last byte a NUL, else -EBADMSG. A GStrv that the caller frees. */
int wire_unpack(const void *bytes, size_t size, char ***ret);
