#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Somebody else changes what usher changed: it is noticed, named, and never papered over.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)

device_is() {
        usherctl --json=short status "$1" | grep "\"state\":\"$2\"" >/dev/null
}

said() {
        journalctl --no-pager -u usherd -u 'usher-guest@*' | grep -E -e "$1" >/dev/null
}

# override ADDRESS DRIVER, unbind ADDRESS, probe ADDRESS: by somebody else's hand
override() {
        echo "$2" >"/sys/bus/pci/devices/$1/driver_override"
}

unbind() {
        echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
}

probe() {
        echo "$1" >/sys/bus/pci/drivers_probe
}

# A hold.
it "GPU and audio function are bound by hand" usherctl bind "$GPU"
unbind "$GPU_AUDIO"
it "A function that is unbound by somebody else is in drift" wait_until 10 device_is "$GPU_AUDIO" drift
it "The log names it" wait_until 10 said "drift: $GPU_AUDIO was taken from vfio-pci and has no driver, though usherctl bind has it"
override "$GPU_AUDIO" ''
probe "$GPU_AUDIO"
it "One that goes to another driver, too" wait_until 10 said "drift: $GPU_AUDIO was taken from vfio-pci and is on snd_hda_intel"
unbind "$GPU_AUDIO"
override "$GPU_AUDIO" vfio-pci
probe "$GPU_AUDIO"
it "Put back, it is bound as before" wait_until 10 device_is "$GPU_AUDIO" bound
it "And said to be" wait_until 10 said "$GPU_AUDIO is on vfio-pci again"
override "$GPU_AUDIO" pci-stub
refused "An override of somebody else's is left as it is, and what cannot be restored for it is said" \
        "driver of $GPU_AUDIO: cannot go from none to snd_hda_intel" usherctl restore "$GPU"
it "The override was named" wait_until 10 said "override of $GPU_AUDIO is pci-stub, neither vfio-pci nor none; leaving it as it is"
override "$GPU_AUDIO" ''
it "Put right, the rest is restored" usherctl restore "$GPU_AUDIO"
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

# A card that goes and comes while nobody has it.
echo 1 >"/sys/bus/pci/devices/$EDU/remove"
gone() {
        ! usherctl devices --no-legend | grep "$1" >/dev/null
}
it "A card that is removed is not listed" wait_until 10 gone "$EDU"
refused "It cannot be bound" "there is no device $EDU" usherctl bind "$EDU"
echo 1 >/sys/bus/pci/rescan
it "Added again it is there" wait_until 10 device_is "$EDU" unused
expect_eq "The host is as before" "$(host_snapshot)" "$before"

# A held card that goes.
it "It is bound by hand" usherctl bind "$EDU"
echo 1 >"/sys/bus/pci/devices/$EDU/remove"
it "Its removal is noticed" wait_until 10 said "drift: $EDU has gone from the host, though usherctl bind has it"
expect_match "A dry run of its restore says what would be undone" "$(usherctl restore --dry-run "$EDU")" "driver +$EDU +vfio-pci"
it "A restore strikes it off, though it is not there" usherctl restore "$EDU"
refused "There is nothing more to restore" "there is no device $EDU" usherctl restore "$EDU"
echo 1 >/sys/bus/pci/rescan
it "When it is back it is nobody's" wait_until 10 device_is "$EDU" unused
it "And can be bound" usherctl bind "$EDU"
it "And restored" usherctl restore "$EDU"
expect_eq "The host is as before" "$(host_snapshot)" "$before"

# A held card that goes and comes back to its driver.
it "A network card is bound by hand" usherctl bind "$NIC2"
echo 1 >"/sys/bus/pci/devices/$NIC2/remove"
echo 1 >/sys/bus/pci/rescan
it "Removed and added again it is in drift" wait_until 20 device_is "$NIC2" drift
it "The log says where it is" wait_until 10 said "drift: $NIC2 was taken from vfio-pci and is on virtio-pci"
it "usherd restarts" systemctl restart usherd
it "And sees it, too" wait_until 10 device_is "$NIC2" drift
it "A restore believes the kernel" usherctl restore "$NIC2"
it "The card is the host's" device_is "$NIC2" host
driver() {
        grep -o "pci $NIC2 driver=[^ ]* override=[^ ]*"
}
expect_eq "On the driver that it had" "$(host_snapshot | driver)" "$(driver <<<"$before")"
# The kernel gives new cards its own power settings.
before=$(host_snapshot)

# A guest.
define_linux_guest demo "$GPU"
it "A guest starts" usherctl start demo
mv /etc/usher/guests/demo.guest /etc/usher/guests/other.guest
listed() {
        usherctl list --no-legend | grep "$1" >/dev/null
}
it "Its definition is renamed: there is another guest" wait_until 10 listed other
expect_eq "And it goes on" "$(guest_state demo)" running
refused "The other one does not get its device" "$GPU .*claimed by guest demo; stop it first: usherctl stop demo" usherctl start other
it "It can be stopped" usherctl kill demo
not_listed() {
        ! listed "$1"
}
it "And is gone with its file" wait_until 10 not_listed demo
expect_eq "The host is as before" "$(host_snapshot)" "$before"

it "The other one starts" usherctl start other
systemctl kill usher-guest@other
it "A signal from behind ends it" wait_until 60 guest_is other stopped
it "The log says that it was somebody else" wait_until 10 said "drift: somebody else ended the guest by a signal; its devices go back to the host"
it "The host gets its devices" wait_until 30 sh -c "! systemctl is-active -q usher-guest@other"
expect_eq "The host is as before" "$(host_snapshot)" "$before"
rm /etc/usher/guests/other.guest

# A card of a guest that runs. The kernel asks QEMU for it, QEMU the guest, and the guest lets go.
define_linux_guest demo "$EDU"
it "A guest with another card starts" usherctl start demo
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
echo 1 >"/sys/bus/pci/devices/$EDU/remove" &
remover=$!
it "Its card is removed under it" wait_until 60 gone "$EDU"
wait $remover
it "The log names card and guest" wait_until 10 said "drift: $EDU has gone from the host, though guest demo has it"
expect_match "So does its status" "$(usherctl status demo || true)" "Drift: $EDU has gone from the host"
expect_eq "It runs on" "$(guest_state demo)" running
refused "Its end says what could not be given back, and what to do" \
        "driver of $EDU is gone, neither vfio-pci nor none; .*then: usherctl restore" usherctl kill demo
expect_eq "It has failed" "$(guest_state demo)" failed
it "A restore strikes the card off" usherctl restore "$EDU"
echo 1 >/sys/bus/pci/rescan
it "When it is back it is nobody's" wait_until 10 device_is "$EDU" unused
it "And the guest can have it again" usherctl start demo
it "And give it back" usherctl kill demo
it "It is nobody's again" device_is "$EDU" unused
rm /etc/usher/guests/demo.guest
finished
