/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-folder.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct Capabilities {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
} Capabilities;

static int read_capabilities(Capabilities *ret)
{
    *ret = (Capabilities){.header.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &ret->header, ret->data) < 0 ? -errno : 0;
}

static int write_capabilities(const Capabilities *capabilities)
{
    return syscall(SYS_capset, &capabilities->header, capabilities->data) < 0 ? -errno : 0;
}

int launch_keep_capabilities(void)
{
    Capabilities capabilities;
    int r = read_capabilities(&capabilities);

    if (r < 0)
        return r;
    /* The ambient ones go with them (capabilities(7)). */
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        capabilities.data[i].inheritable = 0;
    return write_capabilities(&capabilities);
}

/* What the unit gives us (AmbientCapabilities=), in the user namespace of its PrivateUsers=: chroot(2), and
 * the right to give up for good what virtiofsd then gives up. What it does not give, virtiofsd complains of.
 */
static int pass_on_capabilities(void)
{
    static const int wanted[] = {CAP_SYS_CHROOT, CAP_SETPCAP};
    Capabilities capabilities;
    int r = read_capabilities(&capabilities);

    for (unsigned i = 0; r >= 0 && i < sizeof(wanted) / sizeof(*wanted); i++) {
        if (!(capabilities.data[0].permitted & CAP_TO_MASK(wanted[i])))
            continue;
        capabilities.data[0].inheritable |= CAP_TO_MASK(wanted[i]);
        r = write_capabilities(&capabilities);
        if (r >= 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, wanted[i], 0, 0) < 0)
            r = -errno;
    }
    return r;
}

#define ANSWER(call, error)                                                                                  \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                                   \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define PRETEND(call) ANSWER(call, 0)

/* virtiofsd becomes the guest's user before it makes a file, leaves its groups once, and gives up if it
 * cannot; it has no option to leave that be. So the kernel tells it that it did, and does nothing:
 * SECCOMP_RET_ERRNO with an error of 0 (seccomp(2)). Nothing is gained by this: what it does not become it
 * could have become only with rights that it has not.
 *
 * Two more answers are for the later one (gitlab.com/virtio-fs/virtiofsd), which runs in a chroot only as
 * user 0 (Sandbox::enter()), and looks for the real path of the folder first (get_mountinfo_prefix()): below
 * /home there is none that the unit can see. Without links the path that it was given is the real one, and it
 * needs that for file handles alone, which it does not use. Links in the folder are read by readlinkat(2). */
static int pretend_identities(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        PRETEND(setresuid),
        PRETEND(setresgid),
        PRETEND(setgroups),
        PRETEND(geteuid),
        ANSWER(readlink, EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        return -errno;
    return 0;
}

/* It keeps a descriptor of each file that the guest knows of; a unit's usual limit is 1024, which may be
 * raised. */
static int raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

int launch_prepare_folder_server(void)
{
    int r = raise_files();

    if (r >= 0)
        r = pass_on_capabilities();
    return r < 0 ? r : pretend_identities();
}
