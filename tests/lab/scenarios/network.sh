#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# A guest's link is made when it starts, carries its packets, and goes however the guest ends: real units, real devices' rules,
# vhost; and a forward that answers.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

LINK=ush-net_lan
HELLO="hello from the guest"
INITRD=/var/lib/usher/net-guest.cpio

# An initrd with a network card's modules, whose init serves a page.
make_initrd() {
        local root=$lab_scratch/initrd
        mkdir -p "$root"/{bin,dev,proc,sys,www}
        cp "$(command -v busybox)" "$root/bin/busybox"
        stage_modules "$root" virtio_pci virtio_net
        echo "$HELLO" >"$root/www/index.html"
        cat >"$root/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/ttyS0 >/dev/ttyS0 2>&1
for module in /modules/*; do insmod "$module"; done
ip link set lo up
ip link set eth0 up
ip address add "$(sed -n 's/.*lab\.net=\([^ ]*\).*/\1/p' /proc/cmdline)" dev eth0
httpd -h /www
echo "usher-guest: ready"
while :; do sleep 3600; done
EOF
        chmod 0755 "$root/init"
        (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$INITRD"
}

# net_guest ADDRESS LINE… defines the guest `net` with a card of that address and serves a page from it.
net_guest() {
        local address=$1
        shift
        {
                printf '[CPU]\nCores=1\n[Memory]\nSize=256M\n'
                printf '[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' "$GUEST_KERNEL" "$INITRD" "$GUEST_APPEND lab.net=$address"
                printf '[Stop]\nPowerButtonSec=0\n'
                printf '[Network lan]\n'
                printf '%s\n' "$@"
        } | define_guest net
}

link_is_bridged() {
        ip -details -oneline link show dev "$LINK" | grep 'master br0' | grep -q LOWER_UP
}

link_is_macvtap() {
        ip -details link show dev "$LINK" | grep -q 'macvtap mode bridge'
}

no_link() {
        ! ip link show dev "$LINK" 2>/dev/null
}

# page_from HOST PORT: the page, as the guest's httpd gives it.
page_from() {
        printf 'GET / HTTP/1.0\r\n\r\n' | busybox nc -w 5 "$1" "$2" | grep -q "$HELLO"
}

has_open() {
        find "/proc/$(guest_pid net)/fd" -lname "$1" | grep -q .
}

kill_qemu() {
        kill -KILL "$(guest_pid net)"
}

kill_usherd_and_qemu() {
        local pid
        pid=$(guest_pid net)
        systemctl kill --signal=KILL usherd.service
        kill -KILL "$pid"
}

has_ended() {
        guest_is net failed || guest_is net stopped
}

restored() {
        wait_until 30 guest_is net "$1"
        no_link
}

make_initrd
ip link add br0 type bridge
ip address add 10.9.0.1/24 dev br0
ip link set br0 up

net_guest 10.9.0.2/24 Mode=bridge Bridge=br7
refused "A bridge that is not there is refused with those that are" "no such bridge.*br0" usherctl start net

net_guest 10.9.0.2/24 Mode=bridge Bridge=br0
it "A guest on a bridge starts" usherctl start net
it "Its link is a port of the bridge" link_is_bridged
it "The kernel moves its packets" has_open '*/vhost-net'
it "It answers through the bridge" wait_until 120 page_from 10.9.0.2 80
it "It stops" usherctl stop net
it "The link is gone after a stop" no_link

it "It starts again" usherctl start net
it "QEMU is killed" kill_qemu
it "The link is gone after QEMU was killed" restored failed

it "It starts once more" usherctl start net
it "usherd is killed, and QEMU" kill_usherd_and_qemu
it "The link is gone after both were killed" wait_until 60 no_link
it "The guest has ended" wait_until 30 has_ended

net_guest 10.9.0.3/24 Mode=macvtap Parent=br0
it "A guest that shares an interface starts" usherctl start net
it "Its link is a macvtap device" link_is_macvtap
it "usher-bind may open its node" has_open '*/tap*'
it "It is killed" usherctl kill net
it "The macvtap device is gone" no_link

net_guest 10.0.2.15/24 Mode=user Forward=tcp:127.0.0.1:8080:80 Restrict=yes
it "A guest with a forward starts" usherctl start net
it "The forward answers" wait_until 120 page_from 127.0.0.1 8080
refused "The port is taken meanwhile" "TCP port 8080 of 127.0.0.1 is in use" \
        sh -c "sed s/lab.net=/lab.not=/ /etc/usher/guests/net.guest >/etc/usher/guests/net2.guest; usherctl start net2"
it "It is killed, too" usherctl kill net

rm -f /etc/usher/guests/net.guest /etc/usher/guests/net2.guest "$INITRD"
ip link delete br0
finished
