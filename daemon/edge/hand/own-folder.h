/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder in which things are made for other users. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether nobody else can put anything into the folder. */
static inline bool own_folder(const struct stat *st)
{
    return S_ISDIR(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}
