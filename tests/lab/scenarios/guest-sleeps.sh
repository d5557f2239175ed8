#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A guest without devices puts itself to sleep (ACPI S3): that is shown, resume wakes the guest, and stop
# wakes it before it presses the power button. A guest with a device is not offered sleep.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# The guest sleeps once when it is up. If its firmware finds no way back, it boots again; a byte of its CMOS,
# which outlives a reset, says that it has slept.
stage=$lab_scratch/stage
mkdir -p "$stage"
cat >"$stage/start" <<'EOS'
#!/bin/sh
grep -q deep /sys/power/mem_sleep && echo "usher-guest: may sleep" || echo "usher-guest: may not sleep"
cmos() {
        printf a | dd of=/dev/port bs=1 seek=112 2>/dev/null
        dd "$@" bs=1 count=1 2>/dev/null
}
if grep -qw lab.sleep /proc/cmdline && [ "$(cmos if=/dev/port skip=113)" != s ]; then
        printf s | cmos of=/dev/port seek=113
        (echo mem >/sys/power/state; echo "usher-guest: is back") &
fi
EOS
chmod 755 "$stage/start"
extend_initrd "$stage" /var/lib/usher/sleepy.cpio
GUEST_INITRD=/var/lib/usher/sleepy.cpio

# shown NAME SUBSTATE: it is paused, for that reason
shown() {
        usherctl --json=short status "$1" | grep -e '"state":"paused"' | grep -e "\"sub_state\":\"$2\""
}

# awake NAME: it has come back
awake() {
        [ "$(guest_console "$1" | grep -c -e 'usher-guest: is back' -e 'usher-guest: up')" -ge 2 ]
}

define_linux_guest_with sleepy lab.sleep '[Stop]' 'PowerButtonSec=300s'
it "A guest that sleeps by itself starts" usherctl start sleepy
it "It is shown as suspended" wait_until 120 shown sleepy suspended
expect_match "A person sees it" "$(usherctl status sleepy)" 'paused \(suspended\)'
it "The next usherd comes up" systemctl restart usherd
it "And shows the same" wait_until 20 shown sleepy suspended
# QEMU resets all its devices, and may take its time to answer on a busy machine.
it "resume wakes it" wait_until 30 usherctl resume sleepy
it "Its system goes on" wait_until 120 awake sleepy
it "It ends" usherctl kill sleepy

it "It starts again" usherctl start sleepy
it "It sleeps again" wait_until 120 shown sleepy suspended
started=$SECONDS
it "stop ends it" usherctl stop sleepy
# The woken guest boots anew. That takes a busy machine a minute, but less than the time for a deaf guest.
expect_match "Before the button's 300 s are over" "$((SECONDS - started)) s" '^[12]?[0-9]?[0-9] s$'
expect_match "It was woken for that" "$(journalctl -b -u usherd -o cat)" '^stopping: wake-up$'
expect_match "And has heard its power button" "$(guest_console sleepy)" 'usher-guest: power button'

define_linux_guest plain "$EDU"
it "A guest with a device starts" usherctl start plain
it "It gets ready" wait_until 120 guest_said plain 'usher-guest: ready'
expect_match "It is not offered to sleep" "$(guest_console plain)" 'usher-guest: may not sleep'
it "It stops" usherctl stop plain

rm /var/lib/usher/sleepy.cpio
finished
