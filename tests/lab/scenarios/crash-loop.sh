#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A guest that is to be restarted and dies each time: it is given up, and can still be started by a person.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

before=$(host_snapshot)
image=/var/lib/usher/loop.img
make_strange_image $image

# define_loop FORMAT
define_loop() {
        define_guest loop <<DEFINITION
[CPU]
Cores=1
[Memory]
Size=64M
[Disk system]
Path=$image
Format=$1
DEFINITION
        usherctl reload
}

mkdir -p /etc/systemd/system/usher-guest@loop.service.d
printf '[Service]\nRestart=always\n' >/etc/systemd/system/usher-guest@loop.service.d/lab.conf
systemctl daemon-reload
define_loop qcow2

given_up() {
        # The status of usherctl says that the guest does not run.
        { usherctl status loop || true; } | grep 'does not start it again' >/dev/null
}

# When usherd started it, each time: seconds since boot.
starts() {
        journalctl --no-pager -o short-monotonic USHER_GUEST=loop |
                sed -n 's/^\[ *\([0-9]*\)\..*\(stopped\|failed\) → preparing.*/\1/p'
}

refused "A guest that dies at its start says why" 'QEMU of guest loop ended with exit status 1' usherctl start loop
it "systemd brings it up again and again, and gives up" wait_until 60 given_up
echo "starts at: $(starts | tr '\n' ' ')"
expect_eq "It was started four times" "$(starts | wc -l)" 4
expect_eq "The guest has failed" "$(guest_state loop)" failed
expect_eq "And its unit" "$(systemctl is-failed usher-guest@loop)" failed
status=$(usherctl status loop || true)
expect_match "Its status says so" "$status" \
        'QEMU of guest loop ended with exit status 1; systemd does not start it again: it has ended too often in too short a time; correct that, then: usherctl start loop'
expect_match "And what QEMU said" "$status" 'Unsupported qcow2 feature'
expect_match "systemctl status says it in its words" "$(systemctl status usher-guest@loop || true)" 'Start request repeated too quickly'
expect_eq "The host is as before" "$(host_snapshot)" "$before"
define_loop raw
it "With the mistake put right a person starts it at once" usherctl start loop
it "It runs" guest_is loop running
first=$(guest_pid loop)
again() {
        guest_is loop running && [ "$(guest_pid loop)" != "$first" ] && [ "$(guest_pid loop)" != 0 ]
}
systemctl kill --kill-whom=main -s KILL usher-guest@loop
it "Killed, it comes up again" wait_until 60 again
it "A stop is not answered by a restart" usherctl kill loop
expect_eq "It is stopped" "$(guest_state loop)" stopped
expect_eq "The host is as before" "$(host_snapshot)" "$before"

rm -r /etc/systemd/system/usher-guest@loop.service.d $image
systemctl daemon-reload
finished
