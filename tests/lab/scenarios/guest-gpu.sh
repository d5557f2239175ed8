#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The main job: a GPU and its audio function go to a guest and come back, however the guest ends.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci

twin() {
        host_snapshot | grep -e "$TWIN" -e "$TWIN_AUDIO"
}

before=$(host_snapshot)
twin_before=$(twin)
define_linux_guest demo "$GPU"
define_linux_guest self "$GPU" lab.poweroff

plan=$(usherctl start --dry-run demo)
expect_match "A dry run says that the audio function leaves its driver" "$plan" "driver +$GPU_AUDIO +snd_hda_intel"
expect_match "And that the GPU goes to vfio-pci" "$plan" "override +$GPU .*vfio-pci"
expect_eq "And changes nothing" "$(host_snapshot)" "$before"

it "A guest with the GPU starts" usherctl start demo
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
seen=$(guest_console demo | tr -d '\r')
expect_match "It sees the GPU behind a root port, as the first of several functions" "$seen" \
        '^pci 0000:0*[1-9a-f][0-9a-f]*:00\.0 1002:5046 030000 multi 0000:00:[0-9a-f]+\.[0-7]$'
expect_match "And the audio function beside it" "$seen" '^pci 0000:0*[1-9a-f][0-9a-f]*:00\.1 8086:2668 040300 [a-z]+ 0000:00:[0-9a-f]+\.[0-7]$'
gpu_port=$(sed -n 's/^pci .* 1002:5046 .* //p' <<<"$seen")
audio_port=$(sed -n 's/^pci .* 8086:2668 .* //p' <<<"$seen")
expect_eq "Both behind the same port" "$audio_port" "$gpu_port"
expect_eq "The guest is running" "$(guest_state demo)" running
expect_match "The GPU is the guest's now" "$(usherctl devices --no-legend)" "^.*$GPU .*demo"
expect_eq "The twin with the same IDs is untouched" "$(twin)" "$twin_before"
group=$(basename "$(readlink "/sys/bus/pci/devices/$GPU/iommu_group")")
uid=$(awk '/^Uid:/ {print $2}' "/proc/$(guest_pid demo)/status")
expect_match "QEMU runs as a user of its own" "$uid" '^[1-9][0-9]+$'
expect_eq "The group's node belongs to that user alone" "$(stat -c '%u %a' "/dev/vfio/$group")" "$uid 600"
refused "Nobody else gets the GPU meanwhile" "$GPU .*claimed by guest demo; stop it first: usherctl stop demo" usherctl start self
refused "Nor is it restored under the guest" "$GPU is claimed by guest demo; stop it first: usherctl stop demo" usherctl restore "$GPU"

it "Stop presses the power button, and the guest powers off" usherctl stop demo
expect_match "It has seen the button" "$(guest_console demo)" 'usher-guest: power button'
expect_eq "After the stop the guest is stopped" "$(guest_state demo)" stopped
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

it "The guest starts again" usherctl start demo
at_once() {
        usherctl kill demo
        timeout 30 usherctl start demo
}
it "Killed, it starts again while its unit is still on the way down" at_once
it "Kill ends it at once" usherctl kill demo
expect_eq "After the kill the guest is stopped" "$(guest_state demo)" stopped
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

it "A guest that powers itself off starts" usherctl start self
it "It ends by itself and is stopped" wait_until 120 guest_is self stopped
expect_eq "After it powered itself off the host is as before" "$(host_snapshot)" "$before"

it "The guest starts once more" usherctl start demo
kill -KILL "$(guest_pid demo)"
it "When QEMU is killed from outside the guest has failed" wait_until 60 guest_is demo failed
expect_match "Its status says by what" "$(usherctl status demo || true)" 'killed by signal 9'
expect_eq "And the host is as before" "$(host_snapshot)" "$before"
expect_match "The guest's journal tells of it" "$(journalctl -u usher-guest@demo --no-pager)" 'killed by signal 9'
finished
