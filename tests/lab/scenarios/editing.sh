#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Definitions are written by usherd in its sandbox, and a guest in its own shows its screen and its console to whoever may
# see them.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# editor LINE…: an editor that writes these
editor() {
        printf '%s\n' "$@" >"$lab_scratch/text"
        # shellcheck disable=SC2016 # the editor's own
        printf '#!/bin/sh\ncp %s "$1"\n' "$lab_scratch/text" >"$lab_scratch/editor"
        chmod +x "$lab_scratch/editor"
        export SYSTEMD_EDITOR=$lab_scratch/editor
}

open_display() {
        busctl call org.usher1 /org/usher1/guest/edited org.usher1.Guest OpenDisplay
}

it "usherctl create has a definition written" usherctl create edited --memory=256M --cpus=1 --network=none --display=vnc
expect_eq "All may read it, root alone may write it" "$(stat -c '%U:%G %a' /etc/usher/guests/edited.guest)" 'root:root 644'
editor '[CPU]' 'Coers=2'
refused "A mistake is not installed" 'Coers= is not known' usherctl edit edited
editor '[CPU]' 'Accelerator=tcg' '[Kernel]' "Image=$GUEST_KERNEL" "Initrd=$GUEST_INITRD" "CommandLine=$GUEST_APPEND"
it "usherctl edit makes a drop-in" usherctl edit edited
expect_match "show tells where a line is from" "$(usherctl show edited)" 'edited.guest.d/override.conf:2'
it "The guest starts" usherctl start edited
expect_match "Its screen is handed out" "$(open_display)" '^h '
# It ends well when it is told to end.
it "Its console stays open to a reader" timeout --preserve-status 5 usherctl console edited
refused "It cannot be removed while it runs" 'end it first' usherctl undefine edited
it "It is ended" usherctl kill edited
it "Then it can" usherctl undefine edited
expect_eq "Nothing of it is left" "$(find /etc/usher/guests -name 'edited*')" ''
finished
