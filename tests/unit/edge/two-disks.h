/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with two disks of NVMe, put up around each test: SUITE_WITH("…", setup, teardown, …). */
#pragma once

#include "../fake-host.h"

#define NVME "0000:02:00.0"

static FakeHost *host;

static void setup(void)
{
    host = fake_host_new();
    fake_host_add_disk(host, NVME, NULL, 1, "nvme0n1");
    fake_host_add_disk(host, "0000:03:00.0", NULL, 2, "nvme1n1");
}

static void teardown(void)
{
    host = fake_host_free(host);
}
