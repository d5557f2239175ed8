#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A device that somebody uses is not taken; who uses it is told by name.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
card=$(basename "$(echo "/sys/bus/pci/devices/$DISPLAY2"/drm/card*)")
disk=$(basename "$(echo "/sys/bus/pci/devices/$NVME"/nvme/nvme*/nvme*n1)")
before=$(host_snapshot)

# A service that a host might have, with the card open.
cat >/run/systemd/system/lab-viewer.service <<EOF
[Service]
Type=exec
ExecStart=/bin/sleep infinity
StandardInput=file:/dev/dri/$card
EOF
systemctl daemon-reload

# holds TEXT ADDRESS: usherctl holders says it of the device
holds() {
        usherctl holders --no-pager --no-legend "$2" | grep -Eq -e "$1"
}

same() {
        [ "$(host_snapshot)" = "$before" ]
}

# ended PID: nobody holds anything by it any more
ended() {
        kill "$1"
        wait "$1" || true
}

expect_eq "Nobody uses the second display" "$(usherctl holders --no-pager "$DISPLAY2")" "Nobody uses it."
it "A bind of it can be planned" usherctl bind --dry-run "$DISPLAY2"

# A process of nobody's in particular.
# shellcheck disable=SC2217 # it is to have it open, not to read it
sleep infinity <"/dev/dri/$card" &
sleeper=$!
# Its shell has the node open before it becomes what it runs.
wait_until 20 grep -q sleep "/proc/$sleeper/comm"
expect_match "Who has its DRM node open is told with process and command" "$(usherctl holders --no-pager "${DISPLAY2#0000:}")" \
        "^$DISPLAY2 +file +/dev/dri/$card +$sleeper +sleep "
expect_match "Also as JSON" "$(usherctl holders --json=short "$DISPLAY2")" "\"kind\":\"file\".*\"pid\":$sleeper,\"command\":\"sleep\""
refused "It is not bound then" "sleep \\(pid $sleeper.*\\) has /dev/dri/$card of $DISPLAY2 open; close it" usherctl bind "$DISPLAY2"
refused "Nor is that planned" "sleep \\(pid $sleeper.*\\) has /dev/dri/$card of $DISPLAY2 open" usherctl bind --dry-run "$DISPLAY2"
it "The host is as before" same
define_linux_guest display "$DISPLAY2"
refused "A guest that wants it does not start" "sleep \\(pid $sleeper" usherctl start display
it "Nor does it when systemd starts its unit" bash -c '! systemctl start usher-guest@display'
expect_match "Which says the same in its log" "$(journalctl -u usher-guest@display --no-pager)" "sleep \\(pid $sleeper.*has /dev/dri/$card"
it "The host is as before" same
expect_match "The claim is given up" "$(usherctl devices --json=short "$DISPLAY2")" '"guest":""'
ended $sleeper

systemctl start lab-viewer
it "A service that has it open is told with its unit" holds "lab-viewer.service" "$DISPLAY2"
refused "And it is said how to have it stopped" "lab-viewer.service\\) has /dev/dri/$card .*--stop-holders=lab-viewer.service" usherctl bind "$DISPLAY2"
it "The host is as before" same

is_active() {
        systemctl is-active --quiet "$1"
}
viewer() {
        systemctl show -P MainPID lab-viewer
}
first=$(viewer)
refused "Another service's name does not help" "lab-viewer.service\\)" usherctl bind --stop-holders=ssh.service "$DISPLAY2"
it "The service has gone on meanwhile" is_active lab-viewer
plan=$(usherctl bind --dry-run --stop-holders=lab-viewer.service "$DISPLAY2")
expect_match "A plan has its stop as a step" "$plan" "unit +lab-viewer.service +active +inactive"
expect_eq "Which is not taken" "$(viewer)" "$first"
it "The card is bound when the service may be stopped" usherctl bind --stop-holders=ssh.service,lab-viewer.service "$DISPLAY2"
it "It was stopped" bash -c '! systemctl is-active lab-viewer'
expect_eq "And the card is on vfio-pci" "$(basename "$(readlink "/sys/bus/pci/devices/$DISPLAY2/driver")")" vfio-pci
it "usherd is killed" systemctl kill --signal=KILL usherd
it "And finds what it bound" wait_until 30 bash -c "usherctl devices --json=short $DISPLAY2 | grep -q '\"state\":\"bound\"'"
it "The card is given back" usherctl restore "$DISPLAY2"
it "The service has been started again" wait_until 20 is_active lab-viewer
it "The host is as before" same
it "A guest gets the card likewise" usherctl start --stop-holders=lab-viewer.service display
it "The service is down while it runs" bash -c '! systemctl is-active lab-viewer'
it "The guest is killed" usherctl kill display
it "The service is up again" wait_until 20 is_active lab-viewer
it "The host is as before" same
systemctl stop lab-viewer

systemd-run --quiet --unit=lab-transient --property="StandardInput=file:/dev/dri/$card" sleep infinity
refused "What systemd could not start again is not stopped" "lab-transient.service has no unit file.*stop it yourself" \
        usherctl bind --stop-holders=lab-transient.service "$DISPLAY2"
it "It goes on" is_active lab-transient
systemctl stop lab-transient

# shellcheck disable=SC2217
sleep infinity </dev/snd/controlC0 &
sleeper=$!
sound=$(readlink -f /sys/class/sound/controlC0 | grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]' | tail -n 1)
it "Who has a sound card open holds its function" holds "/dev/snd/controlC0 +$sleeper" "$sound"
ended $sleeper

# What the host stands on.
mkfs.ext4 -q -F "/dev/$disk"
mkdir -p /mnt/lab
mount "/dev/$disk" /mnt/lab
refused "A disk that is mounted is not taken, whatever may be stopped" "$NVME \\(nvme\\) is needed by the host: /mnt/lab on $disk" usherctl bind "$NVME"
it "Its holder is the host" holds "host +/mnt/lab on $disk .* yes" "$NVME"
umount /mnt/lab

unshare --mount --propagation private bash -c "mount /dev/$disk /mnt/lab && exec sleep infinity" &
sleeper=$!
it "A disk that only a container has mounted has a holder" wait_until 20 holds "mount +$disk \\(at /mnt/lab\\) +$sleeper" "$NVME"
refused "And is not taken either" "\\(pid $sleeper.*\\) has $disk \\(at /mnt/lab\\) of $NVME mounted; unmount the file system" usherctl bind "$NVME"
ended $sleeper

mkswap -q "/dev/$disk"
swapon "/dev/$disk"
refused "A disk that is swapped to is not taken" "$NVME \\(nvme\\) is needed by the host: swap on $disk" usherctl bind "$NVME"
swapoff "/dev/$disk"
wipefs -q -a "/dev/$disk"

refused "The card of the default route is not taken" "$NIC \\(e1000e\\) is needed by the host: default route over" usherctl bind "$NIC"

link=$(basename "$(echo "/sys/bus/pci/devices/$NIC2"/virtio*/net/*)")
ip address add 192.0.2.1/24 dev "$link"
ip link set "$link" up
it "A link with an address is a holder" holds "link +$link " "$NIC2"
refused "And its card is not taken" "the network link $link of $NIC2 is in use; take the link down first: ip link set $link down" usherctl bind "$NIC2"
ip link set "$link" down
ip address flush dev "$link"
it "Once it is down it can be" usherctl bind --dry-run "$NIC2"

udevadm settle
it "After all of it the host is as before" same
it "The card is taken when nobody holds it" usherctl bind "$DISPLAY2"
it "And given back" usherctl restore "$DISPLAY2"
it "The host is as before" same

expect_match "The bind helper's exposure stays low" "$(systemd-analyze security --no-pager usher-bind@1)" "Overall exposure level for usher-bind@1.service: [0-3]\\.[0-9] OK"
finished
