#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
# lab-kernel: iommufd
#
# QEMU gets a card as descriptors: it opens no node of VFIO's, no node changes its owner, and the card comes
# back after whatever may happen. The other way is there as well.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

# define NAME WORDS LINE…: a guest with these lines, known to usherd
define() {
        define_linux_guest_with "$@"
        usherctl reload
}

# open_nodes NAME: what of VFIO's its QEMU has open, a line each. What usher-bind opened for it is told by the path
# from the /dev that usher-bind had.
open_nodes() {
        find "/proc/$(guest_pid "$1")/fd" -lname '*/vfio/*' -printf '%l\n' | sed 's|^/vfio/|/dev/vfio/|' | sort -u
}

# own_node ADDRESS: the node of that device alone
own_node() {
        echo "/dev/vfio/devices/$(ls "/sys/bus/pci/devices/$1/vfio-dev")"
}

owners() {
        find /dev/vfio /dev/iommu -type c -printf '%U:%G\n' | sort -u
}

# shows TEXT COMMAND…
shows() {
        local text=$1
        shift
        "$@" | grep -E -e "$text"
}

# as_the_guest NAME NODE: opens the node as the guest's user
as_the_guest() {
        setpriv --reuid "$(stat -c %u "/proc/$(guest_pid "$1")")" --clear-groups dd "of=$2" count=0 conv=notrunc
}

expect_match "check says that there is iommufd" "$(usherctl check || true)" "iommufd"

# A guest by iommufd, whose unit may open nothing of VFIO's.
define direct '' '[PCI gpu]' "Address=$GPU" Backend=iommufd
mkdir -p /run/systemd/system/usher-guest@direct.service.d
printf '[Service]\nDeviceAllow=\nDeviceAllow=/dev/char/10:232 rw\n' \
        >/run/systemd/system/usher-guest@direct.service.d/no-vfio.conf
systemctl daemon-reload
plan=$(usherctl start --dry-run direct)
expect_match "The plan says how the card goes to QEMU" "$plan" "backend +$GPU .*iommufd: asked for"
expect_eq "It has no step for a node's owner" "$(grep -c node-owner <<<"$plan" || true)" 0
it "A guest by iommufd starts" usherctl start direct
it "It sees the card" wait_until 60 guest_said direct 'pci .* 1002:5046'
it "It gets ready" wait_until 60 guest_said direct 'usher-guest: ready'
expect_eq "Its unit may open no node of VFIO's" \
        "$(systemctl show -P DeviceAllow usher-guest@direct | grep -E 'vfio|10:196' || true)" ''
expect_eq "QEMU has the own nodes of the two functions, and nothing else of VFIO's" \
        "$(open_nodes direct)" "$(printf '%s\n' "$(own_node "$GPU")" "$(own_node "$GPU_AUDIO")" | sort)"
expect_eq "All nodes are root's" "$(owners)" 0:0
refused "The guest's user could not open the card's node" 'Permission denied' as_the_guest direct "$(own_node "$GPU")"
refused "Nor the group's" 'Permission denied' as_the_guest direct "$(group_node "$GPU")"
it "Who holds the card is found by the node" shows "/dev/vfio/devices/vfio[0-9]+ .*usher-guest@direct" usherctl holders "$GPU"
it "Status shows the way" shows "$GPU .*iommufd" usherctl status direct

# usherd goes and comes.
qemu=$(guest_pid direct)
it "usherd is restarted" systemctl restart usherd
it "The guest is found running" wait_until 30 guest_is direct running
systemctl kill -s KILL usherd
it "And after a SIGKILL of usherd" wait_until 30 guest_is direct running
expect_eq "By the same process" "$(guest_pid direct)" "$qemu"
it "Status shows the way still" shows "$GPU .*iommufd" usherctl status direct
refused "The card is not lent twice" 'claimed by guest direct' usherctl bind "$GPU"
it "The guest is stopped" usherctl stop direct
it "The host is exactly as before" host_as_before

it "It starts again" usherctl start direct
kill -KILL "$(guest_pid direct)"
it "QEMU is killed" wait_until 60 guest_is direct failed
it "The host is exactly as before" wait_until 30 host_as_before

# Without the key.
define one '' '[PCI edu]' "Address=$EDU"
it "A guest's only card goes by iommufd without being asked" \
        shows "backend +$EDU .*iommufd: the only card" usherctl start --dry-run one
define two '' '[PCI edu]' "Address=$EDU" '[PCI gpu]' "Address=$GPU"
it "Two cards go by their groups, as they might talk to each other" shows "backend +$EDU .*group: " usherctl start --dry-run two

# The other way, asked for.
define legacy '' '[PCI gpu]' "Address=$GPU" Backend=group
it "A guest by the group starts" usherctl start legacy
it "It gets ready" wait_until 60 guest_said legacy 'usher-guest: ready'
expect_match "QEMU has the group's node open" "$(open_nodes legacy)" "^$(group_node "$GPU")$"
expect_eq "And no device's own" "$(open_nodes legacy | grep -c /devices/ || true)" 0
it "Status shows the way" shows "$GPU .*group" usherctl status legacy
it "It is killed" usherctl kill legacy
it "The host is exactly as before" host_as_before

# Somebody else has the card by either way.
it "The card is bound by hand" usherctl bind "$GPU"
for way in "$GPU" "$GPU,iommufd=foreign"; do
        qemu_by_hand "$way" -object iommufd,id=foreign
        it "A QEMU of somebody else's has it ($way)" wait_until 60 sh -c "find /proc/$holder/fd -lname '*vfio*dev*' | grep -q ."
        refused "The guest by iommufd does not get it" "pid $holder" usherctl start direct
        kill -KILL $holder
        wait $holder || true
done
it "The card goes back" usherctl restore "$GPU"
it "The host is exactly as before" host_as_before

# Plugged in and out.
define plug ''
it "A guest without a card starts" usherctl start plug
it "It gets ready" wait_until 60 guest_said plug 'usher-guest: ready'
for _ in first again; do
        it "A card is plugged in" usherctl attach plug "$EDU"
        expect_eq "By its own node" "$(open_nodes plug)" "$(own_node "$EDU")"
        expect_eq "All nodes are root's" "$(owners)" 0:0
        it "Status shows the way" shows "$EDU .*iommufd" usherctl status plug
        systemctl restart usherd
        it "A restarted usherd knows it" wait_until 30 shows "$EDU .*iommufd" usherctl status plug
        it "It is unplugged" wait_until 60 usherctl detach plug "$EDU"
        it "The host is exactly as before" host_as_before
done
it "It is plugged in once more" usherctl attach plug "$EDU"
kill -KILL "$(guest_pid plug)"
it "QEMU is killed with it" wait_until 60 guest_is plug failed
it "The host is exactly as before" wait_until 30 host_as_before

# The card goes from under the guest.
it "The guest with the one card starts" usherctl start one
it "It gets ready" wait_until 60 guest_said one 'usher-guest: ready'
echo 1 >"/sys/bus/pci/devices/$EDU/remove"
it "Its card is removed, and the log names both" wait_until 30 \
        sh -c "journalctl --no-pager -u usherd | grep -F 'drift: $EDU has gone from the host, though guest one has it'"
usherctl kill one || true
usherctl restore "$EDU" || true
echo 1 >/sys/bus/pci/rescan
it "When it is back the guest can have it again" wait_until 30 usherctl start one
it "And is killed" usherctl kill one
finished
