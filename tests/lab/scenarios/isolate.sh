#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A guest with a host CPU for itself: the host's slices are kept off that CPU while the guest runs, and get it
# back however the guest ends.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# effective UNIT: the host CPUs that it runs on; all of them if the kernel has no such limit for cgroups.
effective() {
        cat "/sys/fs/cgroup/$1/cpuset.cpus.effective" 2>/dev/null || cat /sys/fs/cgroup/cpuset.cpus.effective
}
slices() {
        local unit

        for unit in init.scope system.slice user.slice; do
                [ ! -e "/sys/fs/cgroup/$unit" ] || effective "$unit"
        done | sort -u
}
slices_are() {
        [ "$(slices)" = "$1" ]
}
allowed() {
        systemctl show -P AllowedCPUs "$1"
}
affinity() {
        awk '/^Cpus_allowed_list:/ {print $2}' "/proc/$1/status"
}

# A power button that is pressed during the boot is lost: do not wait a minute for that.
define_linux_guest_with alone '' '[CPU]' Pin=1 EmulatorPin=0 Isolate=yes '[Stop]' PowerButtonSec=5s
define_linux_guest_with other '' '[CPU]' Pin=1 Isolate=yes
define_linux_guest_with rest '' '[CPU]' Pin=0 Isolate=yes
define_linux_guest_with greedy '' '[CPU]' Pin=0-1 Isolate=yes
define_linux_guest_with fast '' '[CPU]' Pin=1 Governor=performance

expect_eq "At first everything runs anywhere" "$(slices)" 0-1

plan=$(usherctl start --dry-run alone)
expect_match "A dry run says that the controller is to come" "$plan" "cpusets +usher.slice +absent +live"
expect_match "And what the host is kept off" "$plan" "kept-off +system.slice +- +1"
expect_match "And of init, too" "$plan" "kept-off +init.scope +- +1"
expect_eq "And changes nothing" "$(slices)" 0-1
refused "One host CPU at least stays the host's" "would leave init.scope no host CPU \(0-1\)" usherctl start greedy
refused "Where nobody sets the speed, a governor is refused" "it has no cpufreq" usherctl start fast

it "The guest starts" usherctl start alone
expect_eq "The host is off its CPU" "$(slices)" 0
expect_eq "As systemd shows it" "$(allowed system.slice)" 0
expect_eq "The guest is not" "$(effective "usher.slice/usher-guest@alone.service")" 0-1
# Stands for another guest's pinned threads: nothing that comes or goes from here on unpins them.
systemd-run -q --unit=pinned --slice=usher.slice -p CPUAffinity=1 sleep infinity
pinned=$(systemctl show -P MainPID pinned)
expect_eq "Something else in the guests' slice is pinned" "$(affinity "$pinned")" 1
it "The guest gets ready" wait_until 120 guest_said alone 'usher-guest: ready'
refused "Another guest cannot have the same one" "host CPU 1 is reserved for guest alone" usherctl start other
refused "Nor the last one" "would leave init.scope no host CPU" usherctl start rest
it "The guest stops" usherctl stop alone
expect_eq "The host runs anywhere again" "$(slices)" 0-1
expect_eq "And systemd knows of no limit" "$(allowed system.slice)" ""
expect_eq "What was pinned still is" "$(affinity "$pinned")" 1
plan=$(usherctl start --dry-run alone)
expect_eq "The guests' slice keeps the controller" "$(grep -c cpusets <<<"$plan")" 0

it "It starts again" usherctl start alone
expect_eq "The host is off its CPU" "$(slices)" 0
expect_eq "What was pinned still is" "$(affinity "$pinned")" 1
kill -KILL "$(guest_pid alone)"
it "Its QEMU is killed, and the host runs anywhere again" wait_until 30 slices_are 0-1
it "When that is over" wait_until 30 guest_is alone failed
it "Its unit has failed, too" wait_until 30 systemctl is-failed -q usher-guest@alone

it "It starts again" usherctl start alone
it "It is killed by who may" usherctl kill alone
expect_eq "The host runs anywhere again" "$(slices)" 0-1
unit_is() {
        [ "$(systemctl is-active usher-guest@alone)" = "$1" ]
}
it "And its unit is inactive" wait_until 30 unit_is inactive

it "It starts again, beside a limit that somebody else has set" \
        sh -c 'systemctl set-property --runtime user.slice AllowedCPUs=0 && usherctl start alone'
systemctl kill -s KILL usherd
it "usherd is killed, and finds it again" wait_until 30 guest_is alone running
expect_eq "The host is still off its CPU" "$(slices)" 0
refused "Which is still the guest's" "host CPU 1 is reserved for guest alone" usherctl start other
it "It stops" usherctl stop alone
expect_eq "The host has it back" "$(effective system.slice)" 0-1
expect_eq "The other limit stays" "$(allowed user.slice)" 0
systemctl set-property --runtime user.slice AllowedCPUs=

it "It starts again" usherctl start alone
systemctl stop usherd.socket usherd
kill -KILL "$(guest_pid alone)"
expect_eq "It ends while usherd is away" "$(slices)" 0
systemctl start usherd.socket usherd
it "Which gives the CPU back when it has come" wait_until 30 slices_are 0-1
systemctl stop pinned
finished
