/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network links that guests get: made, read back, opened, removed. Only usher-bind does so; others
 * only read. */
#pragma once

/* What STEP_LINK calls a link: "tap on br0 as fe:54:00:12:34:56", "mqtap on …" for one with several
 * queues, "macvtap on eth0 as …", with "-" for what it is on if that is nothing; "other" for one that is
 * neither; "" if there is none of this name. 0 or -errno. */
int link_read(int sys_fd, const char *name, char **ret);

/* Makes a link of such a value, ready and up. A link that is not wholly made is removed again, also when
 * the process ends in the middle of it. 0 or -errno; -EINVAL for another value. */
int link_make(int sys_fd, const char *name, const char *value);

/* Takes it away, whoever has it open. 0 or -errno. */
int link_remove(const char *name);

/* The guest's end of a tap or macvtap device, as QEMU takes it. A descriptor or -errno; -EBUSY: somebody has
 * it. Of a tap with several queues and a macvtap device each call opens one queue more. */
int link_open(int sys_fd, int dev_fd, const char *name);
