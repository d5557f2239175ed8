#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The governor of a guest's host CPU changes while the guest runs, and is the previous one afterwards, however
# the guest ends.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# This module remembers the speeds that the kernel's governors choose (inside/modules).
modprobe lab_cpufreq
cpus=/sys/devices/system/cpu

# The governors of the first and the second host CPU.
governors() {
        cat $cpus/cpu[01]/cpufreq/scaling_governor | paste -sd' '
}

governors_are() {
        [ "$(governors)" = "$1" ]
}

at_rest() {
        guest_is fast stopped || guest_is fast failed
}

# choose CPU GOVERNOR: by hand
choose() {
        echo "$2" >"$cpus/cpu$1/cpufreq/scaling_governor"
}

said() {
        journalctl --no-pager -u usherd | grep -F -e "$1" >/dev/null
}

# define NAME LINE…: these lines in [CPU]; with neither kernel nor disk, as what it does is of no interest
define() {
        local name=$1
        shift
        printf '%s\n' '[CPU]' Accelerator=tcg Cores=1 "$@" '[Memory]' Size=64M '[Stop]' PowerButtonSec=1 QuitSec=2 '[Console]' Log=no |
                define_guest "$name"
}

define fast Pin=1 Governor=performance
define slow Pin=1 Governor=powersave
define plain Pin=1

there=$(xargs <$cpus/cpu1/cpufreq/scaling_available_governors)
refused "A governor that the kernel has not is refused" "Governor=powersave: this host has no such governor" usherctl start slow
refused "With those that there are, and where more come from" \
        "choose one of: $there; or load the governor's module, if there is one: modprobe cpufreq_powersave" usherctl start slow
modprobe cpufreq_powersave
expect_match "Loaded, it can be had" "$(usherctl start --dry-run slow)" 'governor +cpu1 +schedutil +powersave'

choose 0 powersave
before='powersave schedutil'
expect_eq "Each host CPU has its governor" "$(governors)" "$before"
expect_match "The check tells whose guest may be slow" "$(usherctl check || true)" \
        'guest plain has host CPUs of its own, and schedutil lowers their speed \(CPU 1\)'
plan=$(usherctl start --dry-run fast)
expect_match "A dry run says what is to be set" "$plan" 'governor +cpu1 +schedutil +performance'
expect_eq "On the guest's host CPU alone" "$(grep -c governor <<<"$plan")" 1
expect_eq "And changes nothing" "$(governors)" "$before"

it "The guest starts" usherctl start fast
expect_eq "Its host CPU has the governor, and the other its own" "$(governors)" 'powersave performance'
expect_eq "Which has chosen the highest speed" "$(cat $cpus/cpu1/cpufreq/scaling_cur_freq)" "$(cat $cpus/cpu1/cpufreq/cpuinfo_max_freq)"
it "It stops" usherctl stop fast
expect_eq "All is as before" "$(governors)" "$before"

it "It starts again" usherctl start fast
kill -KILL "$(guest_pid fast)"
it "Its QEMU is killed" wait_until 60 guest_is fast failed
it "All is as before" wait_until 30 governors_are "$before"

it "It starts again" usherctl start fast
systemctl kill -s KILL usherd
it "usherd is killed, and finds it again" wait_until 60 guest_is fast running
expect_eq "The governor is still the guest's" "$(governors)" 'powersave performance'
it "It stops" usherctl stop fast
expect_eq "All is as before" "$(governors)" "$before"

it "It starts again" usherctl start fast
systemctl stop usherd.socket usherd
kill -KILL "$(guest_pid fast)"
expect_eq "It ends while usherd is away" "$(governors)" 'powersave performance'
systemctl start usherd.socket usherd
it "Which puts the governor back when it has come" wait_until 30 governors_are "$before"
it "And the guest is at rest" wait_until 30 at_rest

it "It starts again" usherctl start fast
choose 1 powersave
it "Somebody chooses another by hand, and it stops" usherctl stop fast
expect_eq "His choice stands" "$(governors)" 'powersave powersave'
it "The log says so" wait_until 10 said 'governor of cpu1 is powersave, neither performance nor schedutil; leaving it as it is'
choose 1 schedutil

it "It starts again" usherctl start fast
echo 0 >$cpus/cpu1/online
it "Its host CPU is switched off, and it stops all the same" usherctl stop fast
it "It is at rest" guest_is fast stopped
it "The log says what was left" wait_until 10 said 'governor of cpu1 is gone, neither performance nor schedutil; leaving it as it is'
refused "Without the host CPU it does not start" "Pin= names host CPU 1, and the host has 0" usherctl start fast
echo 1 >$cpus/cpu1/online
expect_eq "Switched on, the host CPU has what it had" "$(governors)" 'powersave performance'
choose 1 schedutil

it "It starts again" usherctl start fast
modprobe -r lab_cpufreq
it "What sets speeds is unloaded, and it stops all the same" usherctl stop fast
it "It is at rest" guest_is fast stopped
refused "Without that the guest does not start" "this host cannot set the speed of host CPU 1 \(it has no cpufreq\)" usherctl start fast
modprobe -r cpufreq_powersave
finished
