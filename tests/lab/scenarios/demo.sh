#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The main job before the reader's eyes, for tests/demo.sh. Commands and their output go to the report.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# say TEXT…
say() {
        printf '    \n    %s\n' "$*" >&3
}

# show COMMAND…: runs it before the reader's eyes
show() {
        local status=0
        printf '    \n    # %s\n' "$*" >&3
        "$@" >"$lab_scratch/shown" 2>&1 </dev/null || status=$?
        sed 's/^/    /' "$lab_scratch/shown" >&3
        return $status
}

define_linux_guest demo "$GPU"
modprobe vfio-pci
before=$(host_snapshot)

say "This is a machine with two equal Radeons. The devices of the host:"
show usherctl --no-pager devices
say "A guest that is to have the first of them, with its audio function:"
show cat /etc/usher/guests/demo.guest
say "What would be done, before anything is done:"
show usherctl start --dry-run demo
say "Now it is done:"
show usherctl start demo
it "The guest gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
say "What the guest itself sees on its PCI bus, from its serial console:"
show grep -a '^pci .*\(1002:5046\|8086:2668\)' /var/log/usher/demo.console.log
show usherctl --no-pager status demo
say "And back:"
show usherctl stop demo
show usherctl --no-pager devices
expect_eq "The host has its devices back, as they were" "$(host_snapshot)" "$before"
finished
