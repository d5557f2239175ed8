#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Mode=nat: guests get addresses and names from the host and reach what is behind it; the network is made for
# the first, outlives usherd, and goes with the last, the host's forwarding and its rules with it.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

INITRD=/var/lib/usher/nat-guest.cpio
# What is behind the host: a network of its own, which has no way back to guests' addresses.
BEHIND=10.88.0.2

# An initrd with a network card's modules, whose init asks for an address and fetches pages.
make_initrd() {
        local root=$lab_scratch/initrd
        mkdir -p "$root"/{bin,dev,proc,sys}
        cp "$(command -v busybox)" "$root/bin/busybox"
        stage_modules "$root" virtio_pci virtio_net
        cat >"$root/configure" <<'EOS'
#!/bin/busybox sh
[ "$1" = bound ] || exit 0
/bin/busybox ip address add "$ip/$mask" dev "$interface"
/bin/busybox ip route add default via "$router"
echo "usher-guest: has $ip/$mask, router $router, dns $dns"
EOS
        cat >"$root/init" <<EOS
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/ttyS0 >/dev/ttyS0 2>&1
for module in /modules/*; do insmod "\$module"; done
ip link set eth0 up
udhcpc -i eth0 -n -q -t 20 -T 2 -s /configure
while :; do
        printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 $BEHIND 80 | grep behind && break
        sleep 1
done
echo "usher-guest: ready"
while :; do sleep 3600; done
EOS
        chmod 0755 "$root/init" "$root/configure"
        (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$INITRD"
}

nat_guest() {
        {
                printf '[CPU]\nCores=1\n[Memory]\nSize=192M\n'
                printf '[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' "$GUEST_KERNEL" "$INITRD" "$GUEST_APPEND"
                printf '[Stop]\nPowerButtonSec=0\n'
                printf '[Network lan]\nMode=nat\n'
        } | define_guest "$1"
}

# A host behind this one.
make_behind() {
        local page=$lab_scratch/page
        mkdir -p "$page"
        echo "a page from behind the host" >"$page/index.html"
        ip netns add behind
        ip link add behind0 type veth peer name eth0 netns behind
        ip address add 10.88.0.1/24 dev behind0
        # An address by itself comes when the link is ready, after the first look at the host.
        ip link set behind0 addrgenmode none up
        ip -n behind address add $BEHIND/24 dev eth0
        ip -n behind link set eth0 up
        ip netns exec behind busybox httpd -f -p 80 -h "$page" &
        behind=$!
}

network_state() {
        cat /proc/sys/net/ipv4/ip_forward
        nft list ruleset
        ip -oneline link show | sed 's/^[0-9]*: //'
        ip -oneline -4 address show | sed 's/^[0-9]*: //; s/ *valid_lft.*//'
        ip route show table all
        systemctl list-units --plain --no-legend --state=active,activating,deactivating 'usher-nat*'
}

network_as_before() {
        diff <(echo "$before") <(network_state)
}

bridged() {
        ip -details -oneline link show dev "ush-$1_lan" | grep -q 'master usher0'
}

# Any neighbour of the host's can have it as the way to the guests' addresses. dnsmasq answers this by itself.
asks_from_behind() {
        ip -n behind route replace 192.168.150.0/24 via 10.88.0.1
        ip netns exec behind python3 - <<'EOS'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3", ("192.168.150.1", 53))
s.recv(512)
EOS
}

does_not_ask_from_behind() {
        ! asks_from_behind
}

kill_usherd() {
        local pid
        pid=$(systemctl show -P MainPID usherd)
        systemctl kill --signal=KILL usherd.service
        wait_until 60 another_daemon "$pid"
        wait_until 60 guest_is one running
}

kill_qemu() {
        kill -KILL "$(guest_pid two)"
}

make_initrd
make_behind
# The modules that the kernel loads for it stay, and so does what these make by being there.
modprobe --all bridge nf_tables nft_masq nft_ct tun vhost_net
before=$(network_state)
nat_guest one
nat_guest two

it "A dry run shows the unit that is started" \
        sh -c "usherctl start --dry-run one | grep -q 'usher-nat@one.target'"
it "And starts nothing" network_as_before

it "The first guest starts" usherctl start one
it "Its link is a port of usher's bridge" bridged one
expect_eq "The host forwards packets" "$(cat /proc/sys/net/ipv4/ip_forward)" 1
it "It gets an address from the host" wait_until 180 guest_said one 'has 192\.168\.150\.[0-9]*/.*router 192\.168\.150\.1, dns 192\.168\.150\.1'
it "It reaches what is behind the host" wait_until 60 guest_said one "a page from behind the host"

nft flush ruleset
it "Without usher's rules others can ask the guests' DNS server" asks_from_behind
it "A reload brings the rules back" systemctl reload usher-nat.service
it "Then others cannot ask that server" does_not_ask_from_behind
ip -n behind route delete 192.168.150.0/24

it "usherd is killed, and takes the guest up again" kill_usherd
it "The network is still there" bridged one

it "A second guest starts" usherctl start two
it "It gets an address, too" wait_until 180 guest_said two 'has 192\.168\.150\.[0-9]*/'
expect_eq "Each has its own" "$(cat /var/log/usher/{one,two}.console.log | grep -o 'has 192[0-9.]*' | sort -u | wc -l)" 2
it "The first one stops" usherctl stop one
it "The second one keeps its network" bridged two
it "The DHCP server is killed, and comes back" sh -c \
        "pkill -KILL -x dnsmasq; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1; systemctl is-active -q usher-nat-dhcp && exit 0; done; exit 1"
it "The second one keeps its network, too" bridged two
it "Its QEMU is killed" kill_qemu
it "The network goes with the last guest, and the host is as before" wait_until 60 network_as_before

often() {
        for _ in 1 2 3 4 5 6 7 8; do
                systemctl start usher-nat@often.target && systemctl stop usher-nat.service || return 1
        done
}

it "It can come and go often" often
it "It has gone after that, too" wait_until 60 network_as_before

# Somebody else's route takes the range.
ip route add 192.168.150.0/24 dev behind0
it "The first guest starts again" usherctl start one
expect_match "Its network is another than the one that the host uses now" "$(ip -4 address show dev usher0)" 'inet 192\.168\.151\.1/24'
it "It is killed" usherctl kill one
ip route delete 192.168.150.0/24 dev behind0
it "The host is as before again" wait_until 60 network_as_before

# A DNS server that has all addresses.
python3 -c 'import socket, time; s = socket.create_server(("", 53)); time.sleep(600)' &
server=$!
it "Somebody listens on port 53 of all addresses" wait_until 30 grep -q ':0035 00000000:0000 0A' /proc/net/tcp
refused "A start whose DHCP server cannot run is refused" "usher-nat@one.target" usherctl start one
it "And leaves nothing" wait_until 60 network_as_before
kill $server

kill $behind
ip netns delete behind
rm -f /etc/usher/guests/one.guest /etc/usher/guests/two.guest "$INITRD"
finished
