#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Each guest has a user of its own, whatever the length of its name, and what one guest has is closed to another.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci

long=$(printf 'a-long-name-%051d' 1)
other=$(printf 'a-long-name-%051d' 2)

# user_of NAME: of its QEMU, by number; its name as systemd has it
user_of() {
        awk '/^Uid:/ {print $2}' "/proc/$(guest_pid "$1")/status"
}
name_of() {
        cat "/run/systemd/dynamic-uid/$(user_of "$1")"
}

# as USER COMMAND…
# With that number, and nothing else that QEMU has.
as() {
        setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

# node_of ADDRESS
node_of() {
        echo "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")")"
}

# may_open USER NODE; may_signal USER NAME; may_read_tpm USER NAME: as the guest's own processes see that folder
may_open() {
        as "$1" test -r "$2" -a -w "$2"
}
may_signal() {
        as "$1" kill -0 "$(guest_pid "$2")"
}
may_read_tpm() {
        nsenter -t "$(guest_pid "$2")" -m setpriv --reuid "$1" --regid "$1" --clear-groups \
                test -r "/var/lib/usher/guests/$2/tpm/tpm2-00.permall"
}

not() {
        if "$@"; then return 1; fi
}

has_tpm_state() {
        [ -s "/var/lib/private/usher/guests/$1/tpm/tpm2-00.permall" ]
}

before=$(host_snapshot)
define_tpm_guest short "$GPU"
define_tpm_guest "$long" "$TWIN"
expect_eq "A name can have 63 characters" ${#long} 63

it "A guest with a short name starts" usherctl start short
it "One with 63 characters starts, of which systemd has not heard" usherctl start "$long"
expect_eq "The user of the first has its name" "$(name_of short)" usher_short
expect_match "That of the second a hash" "$(name_of "$long")" '^usher__[0-9a-f]{24}$'

check() {
        local own=$1 own_node=$2 foreign=$3 foreign_node=$4 user
        user=$(user_of "$own")
        expect_match "$own runs as somebody" "$user" '^[1-9][0-9]+$'
        it "The TPM of $own has something to remember" wait_until 60 has_tpm_state "$own"
        it "Who is not the user of $foreign" not [ "$user" = "$(user_of "$foreign")" ]
        it "Who may open the node of $own" may_open "$user" "$own_node"
        it "But not that of $foreign" not may_open "$user" "$foreign_node"
        it "Who may send signals to $own" may_signal "$user" "$own"
        it "But not to $foreign" not may_signal "$user" "$foreign"
        it "Who may read the TPM's state of $own" may_read_tpm "$user" "$own"
        it "But not that of $foreign" not may_read_tpm "$user" "$foreign"
}
check short "$(node_of "$GPU")" "$long" "$(node_of "$TWIN")"
check "$long" "$(node_of "$TWIN")" short "$(node_of "$GPU")"

user=$(user_of "$long")
rm "/etc/usher/guests/$long.guest"
it "systemd reloads after the definition is gone" systemctl daemon-reload
expect_eq "The guest keeps its user" "usher__$(systemctl show -P User "usher-guest@$long" | sed 's/^usher__//') $(user_of "$long")" \
        "$(name_of "$long") $user"
define_tpm_guest "$long" "$TWIN"

it "The first stops" usherctl stop short
it "And the second" usherctl stop "$long"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

define_tpm_guest "$other" "$GPU"
it "systemctl alone does not start one of which systemd has not heard" not systemctl start "usher-guest@$other"
expect_match "As it has no user" "$(systemctl show -P Result -P ExecMainStatus "usher-guest@$other" | paste -sd ' ')" '(217|resources)'
it "After a daemon-reload" systemctl daemon-reload
it "It does" systemctl start "usher-guest@$other"
it "As another user than the one whose name is alike" not [ "$(name_of "$other")" = "usher__$(printf %s "$long" | sha256sum | head -c 24)" ]
expect_eq "Whose name is of its own" "$(name_of "$other")" "usher__$(printf %s "$other" | sha256sum | head -c 24)"
it "It stops" usherctl stop "$other"
expect_eq "The host is as before" "$(host_snapshot)" "$before"
finished
