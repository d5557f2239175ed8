/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the client tells a person on stderr. */
#pragma once

/* One line: what, which, and what to do now. Control characters in it are replaced. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
