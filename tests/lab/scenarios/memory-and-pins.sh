#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A guest made of huge pages, on host CPUs of its own: the start takes the pages, the end returns them, its
# threads are where the definition says, and the memory of Looking Glass is there for its viewer.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

pool=/sys/devices/system/node/node0/hugepages/hugepages-2048kB
pages() {
        cat "$pool/nr_hugepages"
}
# The host CPUs on which a thread of the guest may run, by the thread's name.
allowed() {
        local comm

        for comm in "/proc/$(guest_pid large)/task/"*/comm; do
                if grep -q "$1" "$comm"; then
                        awk '/^Cpus_allowed_list:/ {print $2}' "${comm%comm}status"
                fi
        done | sort -u
}

define_linux_guest_with large '' '[CPU]' Pin=1 EmulatorPin=0 '[Memory]' HugePages=2M '[LookingGlass]' Size=1M Owner=nobody

echo 3 >"$pool/nr_hugepages"
plan=$(usherctl start --dry-run large)
expect_match "A dry run says how many pages are missing" "$plan" "huge-pages +node0/2048kB +3 .*128"
expect_eq "And makes none" "$(pages)" 3
it "The guest starts" usherctl start large
expect_eq "The pages have been made" "$(pages)" 128
it "It gets ready" wait_until 120 guest_said large 'usher-guest: ready'
expect_eq "It has all of them" "$(cat "$pool/free_hugepages")" 0
expect_eq "Its vCPU runs where it is pinned" "$(allowed '^CPU 0/')" 1
expect_eq "And the rest of QEMU where it belongs" "$(allowed '^qemu-system')" 0
expect_eq "Nothing of what moved them is left" "$(pgrep usher-launch)" ""
glass=/dev/shm/usher/looking-glass-large
expect_eq "The memory of Looking Glass is its user's and this guest's" \
        "$(stat -c '%U %g %a %s' "$glass")" "nobody $(stat -c %g "/proc/$(guest_pid large)") 660 1048576"
refused "No other guest's QEMU could open it" 'Permission denied' setpriv --reuid 64999 --regid kvm --clear-groups head -c 1 "$glass"
refused "And nobody else could have made it first" 'Permission denied' setpriv --reuid 64999 --regid 64999 --clear-groups touch /dev/shm/usher/looking-glass-other

echo $((128 + 5)) >"$pool/nr_hugepages"
it "The guest stops" usherctl stop large
expect_eq "What it added has gone again, what somebody else made has not" "$(pages)" 8
expect_eq "So has its shared memory" "$(ls "$glass" 2>/dev/null)" ""

# All that is left would be too much: the host would have nothing.
left=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
printf '[Memory]\nSize=%sM\n[PCI gpu]\nAddress=%s\n' "$left" "$GPU" | define_guest greedy
devices=$(host_snapshot)
refused "A guest whose device would pin all that the host has left is refused" \
        "Size= is .*, and .* of that must be available at once, as devices pin all of it; the host has .* left, and keeps" usherctl start greedy
refused "By a dry run in the same words" "must be available at once, as devices pin all of it" usherctl start --dry-run greedy
expect_eq "Before its device was touched" "$(host_snapshot)" "$devices"

echo 0 >"$pool/nr_hugepages"
sed -i 's/^Pin=1/Pin=77/' /etc/usher/guests/large.guest
refused "A host CPU that is not there is refused" "Pin= names host CPU 77, and the host has 0-1" usherctl start large
expect_eq "Before anything was touched" "$(pages)" 0
finished
