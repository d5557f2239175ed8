/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the fake host share: its tree of files, and the fake kernel that acts on them. */
#pragma once

#include "fake-host.h"

typedef struct FakeDevice {
    char *address;
    char *path;   /* below sys: "devices/pci0000:00/0000:00:01.0/0000:01:00.0" */
    char *native; /* the driver that finds it by itself, or NULL */
    int group;
    bool sleeps;
    bool probe_fails;
    unsigned resets;
    char *behind;   /* the bridge above, or NULL */
    char *physical; /* of a virtual function */
    struct {
        unsigned total, offset, stride, made; /* total 0: none */
        int group;                            /* of the first; each next one has the next */
        const char *driver;                   /* that finds them */
    } sriov;
    struct {
        unsigned number;
        uint64_t first, size; /* size 0: none can be resized */
    } bar;
    bool vmd;                 /* its driver makes a domain of the devices behind it */
    int first_mediated_group; /* of those that its driver makes; each next one has the next */
} FakeDevice;

struct FakeHost {
    char *path;
    int sys_fd, dev_fd, proc_fd;
    GHashTable *devices; /* address → FakeDevice */
    GHashTable *open;    /* set of groups */
    GHashTable *claimed; /* set of names of disks */
    GHashTable *owners;  /* path below dev → FakeOwner; a node without is root's */
    GPtrArray *mediated; /* of FakeMediated */
    unsigned open_tries; /* how many tries until an open group is closed; 0: it stays open */
    GString *mishaps;
    unsigned writes;
    unsigned huge_pages_room; /* how many more of them a node can make at most */
    unsigned cpus;
    GHashTable *cpus_off;
    bool governed;
    bool vfio_lost;
    unsigned fail_at; /* the number of the write; compared if fail_error is set */
    int fail_error;
    bool fail_late;
};

/* The host that writes go to; NULL: there is none, and writes are real. */
extern FakeHost *fake_host_current;

/* Makes files, links and folders, with the folders above them. A failure ends the test. */
void fake_tree_make(int dirfd, const char *path);
void fake_tree_put(int dirfd, const char *path, const char *text);
void fake_tree_append(int dirfd, const char *path, const char *text);
/* Makes a relative link, as those in sysfs are; both paths are from dirfd. */
void fake_tree_link(int dirfd, const char *path, const char *target);
char *fake_text(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* A function that says of itself what those of its sort do. */
void fake_function_add(FakeHost *host, const char *address, const char *behind, int group,
                       const FakeFunction *sort);
/* NULL if there is none; fake_device_of() then ends the test. */
FakeDevice *fake_device_find(const FakeHost *host, const char *address);
FakeDevice *fake_device_of(const FakeHost *host, const char *address);
/* Attributes of a device, below its folder; put creates or replaces. */
void fake_device_put(const FakeHost *host, const FakeDevice *device, const char *attribute, const char *text);
char *fake_device_get(const FakeHost *host, const FakeDevice *device, const char *attribute);
bool fake_device_has(const FakeHost *host, const FakeDevice *device, const char *attribute);
/* "" for none. */
char *fake_device_driver(const FakeHost *host, const FakeDevice *device);
/* Changes only the links; driver: "" or a name. */
void fake_device_link_driver(const FakeHost *host, const FakeDevice *device, const char *driver);

/* vfio-pci or a variant of it. */
bool fake_driver_lends(const char *driver);
bool fake_driver_registered(const FakeHost *host, const char *driver);
void fake_driver_register(const FakeHost *host, const char *driver);

/* Announces a write. Returns the error that it fails with, or 0; *ret_late: the error that it reports
 * although it is done. */
int fake_kernel_enter(FakeHost *host, int *ret_late);

/* False: the write is not about USB. */
bool fake_kernel_write_usb(FakeHost *host, const char *path, const char *value, int *ret);

/* fake-host-bars.c: the attribute is resourceN_resize. */
int fake_kernel_resize(FakeHost *host, FakeDevice *device, const char *attribute, const char *value);

/* fake-host-mediated.c. False: the write is not about mediated devices. */
bool fake_kernel_write_mediated(FakeHost *host, const char *path, const char *value, int *ret);
void fake_mediated_append(const FakeHost *host, GString *text);
void fake_mediated_free(void *mediated);

/* What the kernel does, whoever asked for it; errors as the kernel gives them. */
int fake_kernel_unbind(FakeHost *host, FakeDevice *device);
int fake_kernel_probe(FakeHost *host, FakeDevice *device);
/* Removes a group's node; a later node is root's again. */
void fake_kernel_remove_node(const FakeHost *host, int group);
/* fake-host-functions.c: sriov_numvfs is written. */
void fake_kernel_make_domain(FakeHost *host, FakeDevice *device);
void fake_kernel_end_domain(FakeHost *host, FakeDevice *device);
int fake_kernel_make_functions(FakeHost *host, FakeDevice *device, const char *value);
/* Whether drivers find the function by themselves. */
bool fake_device_autoprobed(const FakeHost *host, const FakeDevice *device);
