/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a companion that serves a folder of the host's (virtiofsd) needs beyond others. It was made
 * to be root: it makes the folder its root directory, and acts as whichever user of the guest's asks. Here
 * all that the guest does is done by the user that runs QEMU, as with a share by 9p. */
#pragma once

/* Nothing that this process starts or becomes has the unit's capabilities from now on. 0 or -errno. */
int launch_keep_capabilities(void);

/* In the process that is about to become such a companion. 0 or -errno. */
int launch_prepare_folder_server(void);
