#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A network card is not taken while what is built upon its link carries traffic, even if the link itself has
# no address.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe --all vfio-pci 8021q macvlan macvtap ipvlan bonding bridge vrf vxlan dummy
udevadm settle
before=$(host_snapshot)
card=$(basename "$(echo "/sys/bus/pci/devices/$NIC2"/virtio*/net/*)")
# QEMU's user network is a router, which would give every link that is up a default route.
sysctl -qw net.ipv6.conf.default.accept_ra=0 net.ipv6.conf."$card".accept_ra=0
ip link set "$card" up

# kept SENTENCE REGEX: bind and its plan refuse the card with these words, holders says them, and the driver
# stays
kept() {
        refused "$1: it is not bound" "$2" usherctl bind "$NIC2"
        refused "$1: nor is that planned" "$2" usherctl bind --dry-run "$NIC2"
        expect_eq "$1: the host is as before" "$(host_snapshot)" "$before"
}

spare() {
        it "$1" usherctl bind --dry-run "$NIC2"
}

in_use() {
        echo "the network link $1 of $NIC2 is in use; take the link down first: ip link set $card down"
}

needed() {
        echo "$NIC2( \\(virtio-pci\\))? is needed by the host: default route over $1"
}

spare "A card whose link is up and no more can be spared"

ip link add link "$card" name lan.10 type vlan id 10
ip link set lan.10 up
spare "So can one with a VLAN that nobody uses"
ip address add 192.0.2.10/24 dev lan.10
kept "A card whose VLAN has the address" "$(in_use "lan.10 on $card")"
expect_match "The VLAN is told as its holder" "$(usherctl holders --no-pager "$NIC2")" "^$NIC2 +link +lan.10 on $card"
expect_match "Also as JSON" "$(usherctl holders --json=short "$NIC2")" "\"kind\":\"link\",\"device\":\"$NIC2\",\"what\":\"lan.10 on $card\""
define_linux_guest net-card "$NIC2"
refused "Nor is it started with" "the network link lan.10 on $card of $NIC2 is in use" usherctl start net-card
expect_eq "And is not touched by that" "$(host_snapshot)" "$before"
ip address flush dev lan.10
ip -6 address add 2001:db8:10::1/64 dev lan.10 nodad
kept "A card whose VLAN has an address of version 6 alone" "$(in_use "lan.10 on $card")"
ip -6 route add default via 2001:db8:10::ffff dev lan.10 metric 4242
kept "A card that has a default route of version 6 alone" "$(needed "lan.10 \\($card\\)")"
ip link delete lan.10

ip link add link "$card" name lan0 type macvlan mode bridge
ip link set lan0 up
spare "A macvlan without an address holds nothing"
ip address add 192.0.2.10/24 dev lan0
kept "A card whose macvlan has the address" "$(in_use "lan0 on $card")"
ip link delete lan0

ip link add link "$card" name lan1 type ipvlan mode l2
ip link set lan1 up
ip address add 192.0.2.11/24 dev lan1
kept "A card whose ipvlan has the address" "$(in_use "lan1 on $card")"
ip link delete lan1

ip link add link "$card" name tap7 type macvtap
ip link set tap7 up
kept "A card with another guest's macvtap" "$(in_use "tap7 on $card")"
ip link delete tap7

# A bond only takes in a port that is down.
ip link add bond7 type bond mode active-backup
ip link set "$card" down
ip link set "$card" master bond7
ip link set bond7 up
kept "A port of a bond" "$(in_use "bond7 on $card")"
ip link add link bond7 name bond7.20 type vlan id 20
ip link set bond7.20 up
ip address add 192.0.2.20/24 dev bond7.20
kept "A card with a VLAN upon a bond" "$(in_use "bond7.20 on $card")"
ip link delete bond7
ip link set "$card" up
spare "It can be spared when the bond is gone"

ip link add br7 type bridge
ip link set br7 up
ip link set "$card" master br7
ip address add 192.0.2.30/24 dev br7
kept "A port of a bridge with the host's address" "$(in_use "br7 on $card")"
ip link delete br7

ip link add vxlan7 type vxlan id 7 dev "$card" dstport 4789 remote 192.0.2.99
ip link set vxlan7 up
ip address add 198.51.100.1/24 dev vxlan7
kept "A card that a VXLAN goes out by" "$(in_use "vxlan7 on $card")"
ip link delete vxlan7

ip route add 203.0.113.0/24 dev "$card" table 100
kept "A card with a route in another table" "$(in_use "$card")"
ip route add default dev "$card" table 100
kept "A card with the default route of another table" "$(needed "$card in table 100")"
ip route flush table 100

ip link add vrf7 type vrf table 7
ip link set vrf7 up
ip link set "$card" master vrf7
ip address add 192.0.2.40/24 dev "$card"
kept "A card that is part of a VRF" "the network link vrf7 on $card of $NIC2 is in use; take the link down first"
ip route add default via 192.0.2.254 table 7
kept "A card with the default route of a VRF" "$(needed "$card in table 7")"
ip link delete vrf7
ip address flush dev "$card"
spare "It can be spared when all of that is gone"

# A container's link, with a process in the container or without.
ip netns add box
ip link add link "$card" name mv0 type macvlan mode bridge
ip link set mv0 netns box
ip -n box link set mv0 up
kept "A card with a container's macvlan" "the network link mv0 on $card of $NIC2 is in use"
ip netns exec box sleep infinity &
sleeper=$!
wait_until 20 grep -q sleep "/proc/$sleeper/comm"
kept "A card with the macvlan of a container that runs" "the network link mv0 on $card of $NIC2 is in use in the network namespace of sleep \\(pid $sleeper.*nsenter --net=/proc/$sleeper/ns/net ip link set mv0 down"
ip -n box link delete mv0
ip link set "$card" netns box
ip -n box link set "$card" up
kept "A card that was moved into a container" "the network link $card of $NIC2 is in use in the network namespace of sleep \\(pid $sleeper"
ip -n box link set "$card" netns 1
# Moving the link takes it down.
ip link set "$card" up
kill "$sleeper"
wait "$sleeper" || true
ip netns delete box
spare "It can be spared when it is back"

# The link is made in the container at once, as systemd-nspawn does.
systemd-run --quiet --unit=lab-box --property=PrivateNetwork=yes sleep infinity
box=$(systemctl show -P MainPID lab-box)
wait_until 20 grep -q sleep "/proc/$box/comm"
ip link add link "$card" name mv1 netns "/proc/$box/ns/net" type macvlan mode bridge
nsenter --net="/proc/$box/ns/net" ip link set mv1 up
kept "A card with a macvlan made in a service's network" "the network link mv1 on $card of $NIC2 is in use in the network namespace of sleep \\(pid $box, lab-box.service\\)"
systemctl stop lab-box

ip link set "$card" down
wait_until 20 usherctl bind --dry-run "$NIC2"
it "When nothing is left it is bound" usherctl bind "$NIC2"
it "And given back" usherctl restore "$NIC2"
sysctl -qw net.ipv6.conf.default.accept_ra=1
udevadm settle
expect_eq "The host is as before" "$(host_snapshot)" "$before"
finished
