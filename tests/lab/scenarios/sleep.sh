#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The host is sent to sleep under guests. logind is real; what it starts in the end (systemd-suspend.service) only writes
# down what it would have slept on.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)
asleep=/run/usher-lab-asleep

mkdir -p /etc/systemd/system/systemd-suspend.service.d /etc/systemd/logind.conf.d
cat >/etc/systemd/system/systemd-suspend.service.d/lab.conf <<EOF
[Service]
ExecStart=
ExecStart=/bin/sh -c 'usherctl --json=short list >$asleep.new; mv $asleep.new $asleep'
EOF
systemctl daemon-reload

inhibitors() {
        systemd-inhibit --list --no-legend --no-pager | grep usher
}

# inhibited REGEX
inhibited() {
        inhibitors | grep -E -e "$1"
}

not_inhibited() {
        ! inhibitors
}

# sleep_host: prints the guests as they were meanwhile
sleep_host() {
        rm -f $asleep
        systemctl suspend
        wait_until 100 test -e $asleep
        cat $asleep
}

# define_sleepy POLICY
define_sleepy() {
        define_linux_guest demo "$GPU"
        sed -i "s/^Description=.*/&\nOnHostSleep=$1/" /etc/usher/guests/demo.guest
        usherctl reload
}

it "usherctl check finds logind" sh -c "usherctl check | grep 'guests can keep the host awake, or 5 s from sleep'"
define_sleepy auto
it "A guest with devices starts" usherctl start demo
it "It keeps the host awake, and says why" wait_until 10 inhibited \
        "^usher +0 +root +[0-9]+ +usherd +sleep:handle-lid-switch +guest demo owns $GPU, $GPU_AUDIO +block"
refused "The host is not suspended" \
        "Operation inhibited by \"usher\" .*reason is \"guest demo owns $GPU, $GPU_AUDIO\"" systemctl suspend --check-inhibitors=yes
it "It did not sleep" test ! -e $asleep
it "The next usherd comes up" systemctl restart usherd
it "It keeps the host awake, too" wait_until 20 inhibited "guest demo owns $GPU, $GPU_AUDIO +block"
it "The guest ends" usherctl kill demo
it "And nothing keeps the host awake any more" wait_until 10 not_inhibited

define_sleepy pause
it "A guest that is to be paused starts" usherctl start demo
it "The host would wait for it" wait_until 10 inhibited 'sleep +guest demo is paused before the host sleeps +delay'
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
expect_match "While the host sleeps it is paused" "$(sleep_host)" '"name":"demo".*"state":"paused","sub_state":"host-sleep"'
it "Afterwards it goes on" wait_until 20 guest_is demo running
it "And the host would wait for it again" wait_until 10 inhibited 'guest demo is paused before the host sleeps +delay'
it "It is paused by a person" usherctl pause demo
expect_match "The host sleeps on that" "$(sleep_host)" '"name":"demo".*"state":"paused","sub_state":""'
it "And leaves it so" guest_is demo paused
it "It ends" usherctl kill demo

define_sleepy shutdown
it "A guest that is to be shut down starts" usherctl start demo
it "With too little time for that it keeps the host awake" wait_until 10 inhibited \
        'guest demo may need 75 s to shut down, and InhibitDelayMaxSec= gives 5 s +block'
printf '[Login]\nInhibitDelayMaxSec=90s\n' >/etc/systemd/logind.conf.d/lab.conf
systemctl restart systemd-logind
it "With enough of it the host would wait" wait_until 10 inhibited 'guest demo shuts down before the host sleeps +delay'
it "It gets ready" wait_until 120 guest_said demo 'usher-guest: ready'
expect_match "When the host sleeps it is down" "$(sleep_host)" '"name":"demo".*"state":"stopped"'
expect_match "By its power button" "$(guest_console demo)" 'usher-guest: power button'
expect_eq "The host had its devices before it slept" "$(host_snapshot)" "$before"

rm -r /etc/systemd/system/systemd-suspend.service.d /etc/systemd/logind.conf.d/lab.conf $asleep
systemctl daemon-reload
systemctl restart systemd-logind
finished
