/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a server of folders is started with, looked at in processes of their own: none of it can be taken
 * back. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/launch-folder.h"
#include "../suite.h"

#define NOBODY 65534
#define OTHER 12345

/* The exit status is the number of the line that did not hold. */
#define NEED(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            _exit(__LINE__ % 255 + 1);                                                                       \
    } while (0)

static void in_a_process(void (*act)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        act();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "it ended with status %#x", status);
}

static void pretend(void)
{
    struct stat status;
    uid_t self = geteuid(), real, effective, saved;
    gid_t group = getegid(), groups[32];
    int n = getgroups(32, groups);

    NEED(launch_prepare_folder_server() == 0);
    /* The calls themselves, as virtiofsd makes them: glibc's would do it for all threads. */
    NEED(syscall(SYS_setresuid, -1, OTHER, -1) == 0 && getresuid(&real, &effective, &saved) == 0);
    NEED(effective == self && geteuid() == 0);
    NEED(syscall(SYS_setresgid, -1, OTHER, -1) == 0 && getegid() == group);
    NEED(setgroups(0, NULL) == 0 && getgroups(32, groups) == n);
    /* What is made now is its own. */
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    NEED(fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == self && status.st_gid == group);
}

static void pretend_as_nobody(void)
{
    NEED(geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0));
    pretend();
}

START_TEST(it_believes_to_become_others_and_stays_itself)
{
    in_a_process(pretend);
    in_a_process(pretend_as_nobody);
}
END_TEST

static void look_for_the_real_path(void)
{
    char seen[64], folder[] = "/tmp/usher-folder-XXXXXX";

    NEED(mkdtemp(folder) && chdir(folder) == 0 && symlink("nowhere", "link") == 0);
    NEED(launch_prepare_folder_server() == 0);
    /* realpath(3) does not see where a descriptor leads, and need not go there. */
    char *path = realpath("/proc/self/fd/0", NULL);
    NEED(path && strcmp(path, "/proc/self/fd/0") == 0);
    /* Links in the folder are read in another way. */
    NEED(readlinkat(AT_FDCWD, "link", seen, sizeof(seen)) == 7);
    NEED(unlink("link") == 0 && rmdir(folder) == 0);
}

START_TEST(it_takes_the_path_of_its_folder_as_it_was_given)
{
    in_a_process(look_for_the_real_path);
}
END_TEST

static int has_ambient(int capability)
{
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
}

static unsigned inheritable(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    NEED(syscall(SYS_capget, &header, data) == 0);
    return data[0].inheritable | data[1].inheritable;
}

/* As systemd does for AmbientCapabilities=; CAP_KILL stands for what somebody adds. */
static void give_as_a_unit_does(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    static const int capabilities[] = {CAP_SYS_CHROOT, CAP_SETPCAP, CAP_KILL};

    NEED(syscall(SYS_capget, &header, data) == 0);
    for (unsigned i = 0; i < 3; i++)
        data[0].inheritable |= 1U << capabilities[i];
    NEED(syscall(SYS_capset, &header, data) == 0);
    for (unsigned i = 0; i < 3; i++)
        NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capabilities[i], 0, 0) == 0);
}

static void pass_on(void)
{
    give_as_a_unit_does();
    NEED(launch_keep_capabilities() == 0);
    NEED(!has_ambient(CAP_SYS_CHROOT) && !has_ambient(CAP_SETPCAP) && !has_ambient(CAP_KILL));
    NEED(inheritable() == 0);
    NEED(launch_prepare_folder_server() == 0);
    NEED(has_ambient(CAP_SYS_CHROOT) == 1 && has_ambient(CAP_SETPCAP) == 1 && !has_ambient(CAP_KILL));
    NEED(inheritable() == (CAP_TO_MASK(CAP_SYS_CHROOT) | CAP_TO_MASK(CAP_SETPCAP)));
}

START_TEST(it_alone_gets_the_units_capabilities_and_no_more_than_two)
{
    in_a_process(pass_on);
}
END_TEST

static void open_many(void)
{
    struct rlimit limit;

    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 16;
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    NEED(launch_prepare_folder_server() == 0);
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == limit.rlim_max && limit.rlim_max > 16);
}

START_TEST(it_may_have_as_many_files_open_as_the_unit_lets_it)
{
    in_a_process(open_many);
}
END_TEST

SUITE("launch-folder", it_believes_to_become_others_and_stays_itself,
      it_takes_the_path_of_its_folder_as_it_was_given,
      it_alone_gets_the_units_capabilities_and_no_more_than_two,
      it_may_have_as_many_files_open_as_the_unit_lets_it)
