# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system whose server never answers: FUSE without anybody who reads from /dev/fuse. The kernel waits for the answer to
its first question, and with it everybody who touches a path below (fuse_get_req() in fs/fuse/dev.c)."""

import ctypes
import os
import stat

MNT_DETACH = 2


class DeadMount:
    """Closing it ends the waiting, with ENOTCONN."""

    def __init__(self, path):
        self.path = path
        path.mkdir(exist_ok=True)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.fd},rootmode={stat.S_IFDIR:o},user_id=0,group_id=0,allow_other"
        if self.libc.mount(b"dead", str(path).encode(), b"fuse", 0, options.encode()) < 0:
            raise OSError(ctypes.get_errno(), "cannot mount", str(path))

    def close(self):
        os.close(self.fd)
        if self.libc.umount2(str(self.path).encode(), MNT_DETACH) < 0:
            raise OSError(ctypes.get_errno(), "cannot unmount", str(self.path))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
