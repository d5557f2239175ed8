#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Measures in a lab host, in turn in one run: the kernel's own time for the writes (the floor), the wiki's shell script, usherctl as a whole process
# (usher), and the daemon over a connection that is there already (bus). Prints a line "measure FIGURE WHO VALUE" for each; table.py knows the
# figures. Run by run.sh, as a scenario.

# shellcheck source=../lab/scenarios/lib.sh
. /usr/lib/usher-lab/lib.sh

ROUNDS=7
IDLE_SECONDS=60
CALLER=/usr/lib/usher-bench/caller
drivers_probe=/sys/bus/pci/drivers_probe
modprobe vfio-pci

# say_measure FIGURE WHO VALUE
say_measure() {
        echo "    measure $1 $2 $3" >&3
}

# msec_between BEGIN END: two values of EPOCHREALTIME
msec_between() {
        local usec=$((${2/./} - ${1/./}))
        printf '%d.%03d' $((usec / 1000)) $((usec % 1000))
}

# measure FIGURE WHO COMMAND…
measure() {
        local figure=$1 who=$2 begin
        shift 2
        begin=$EPOCHREALTIME
        "$@" >/dev/null
        say_measure "$figure" "$who" "$(msec_between "$begin" "$EPOCHREALTIME")"
}

# measure_bus FIGURE VERB SUBJECT
measure_bus() {
        say_measure "$1" bus "$("$CALLER" job "$2" "$3")"
}

# shellcheck disable=SC2317 # called by measure
# The writes alone, by a shell that is running already.
floor_bind() {
        echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
        echo vfio-pci >"/sys/bus/pci/devices/$1/driver_override"
        echo "$1" >"$drivers_probe"
}

# shellcheck disable=SC2317
floor_restore() {
        echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
        echo >"/sys/bus/pci/devices/$1/driver_override"
        echo "$1" >"$drivers_probe"
}

# The script of the wiki, as a file that is run: unbind, bind, QEMU.
cat >/tmp/wiki.sh <<'EOS'
#!/bin/bash
set -e
verb=$1
shift
case $verb in
bind)
        for device in "$@"; do
                [ ! -e "/sys/bus/pci/devices/$device/driver" ] || echo "$device" >"/sys/bus/pci/devices/$device/driver/unbind"
                echo vfio-pci >"/sys/bus/pci/devices/$device/driver_override"
                echo "$device" >/sys/bus/pci/drivers_probe
        done
        ;;
restore)
        for device in "$@"; do
                echo "$device" >"/sys/bus/pci/devices/$device/driver/unbind"
                echo >"/sys/bus/pci/devices/$device/driver_override"
                # The Radeon has no driver to go back to, which the kernel says by an error.
                echo "$device" >/sys/bus/pci/drivers_probe || true
        done
        ;;
start)
        "$0" bind "$1" "$2"
        qemu-system-x86_64 -name wiki -nodefaults -no-user-config -display none -vga none -machine q35,accel=kvm,kernel-irqchip=on \
                -cpu host -smp 1 -m 256M -device pcie-root-port,id=root1,chassis=1 \
                -device "vfio-pci,host=$1,bus=root1,addr=0.0,multifunction=on" -device "vfio-pci,host=$2,bus=root1,addr=0.1" \
                -kernel /usr/lib/usher-lab/vmlinuz -pidfile /run/wiki.pid -daemonize
        ;;
kill)
        pid=$(cat /run/wiki.pid)
        kill -KILL "$pid"
        while [ -e "/proc/$pid" ]; do :; done
        echo "$EPOCHREALTIME" >/run/wiki.gone
        "$0" restore "$1" "$2"
        ;;
esac
EOS
chmod +x /tmp/wiki.sh

define_guest demo <<EOF
[CPU]
Cores=1
[Memory]
Size=256M
[Kernel]
Image=$GUEST_KERNEL
[PCI gpu]
Address=$GPU
[Console]
Log=no
EOF

# The time at which the guest's last change to STATE was logged, by the kernel's clock.
changed_to() {
        journalctl -u usher-guest@demo -o short-monotonic --no-hostname --no-pager | tr -d '[]' | awk -v state="$1" '$NF == state {at = $1} END {print at}'
}

script_life() {
        measure start script /tmp/wiki.sh start "$GPU" "$GPU_AUDIO"
        local begin=$EPOCHREALTIME
        /tmp/wiki.sh kill "$GPU" "$GPU_AUDIO"
        say_measure kill-restored script "$(msec_between "$begin" "$EPOCHREALTIME")"
        say_measure kill script "$(msec_between "$begin" "$(cat /run/wiki.gone)")"
}

usherctl_life() {
        measure start usher usherctl start demo
        measure kill-restored usher usherctl kill demo
}

# The daemon's own log tells how long each part of the start took.
bus_life() {
        local gone over
        measure_bus start start demo
        read -r gone over < <("$CALLER" job kill demo)
        say_measure kill bus "$gone"
        say_measure kill-restored bus "$over"
        journalctl --sync
        say_measure start-prepare bus "$(awk "BEGIN {print 1000 * ($(changed_to starting) - $(changed_to preparing))}")"
        say_measure start-qemu bus "$(awk "BEGIN {print 1000 * ($(changed_to running) - $(changed_to starting))}")"
}

# The network card is the one function alone in its group with a driver that the host can spare.
one_round() {
        measure bind floor floor_bind "$NIC2"
        measure restore floor floor_restore "$NIC2"
        measure bind script /tmp/wiki.sh bind "$NIC2"
        measure restore script /tmp/wiki.sh restore "$NIC2"
        measure bind usher usherctl bind "$NIC2"
        measure restore usher usherctl restore "$NIC2"
        measure_bus bind bind "$NIC2"
        measure_bus restore restore "$NIC2"
        script_life
        usherctl_life
        bus_life
}

# What anything costs here: an emulated machine takes ten times as long for a process or a message as for a write of the kernel's.
measure_costs() {
        local median
        read -r median _ < <("$CALLER" calls 200 ping demo)
        say_measure empty-call bus "$median"
        measure process floor /bin/true
        measure process usher usherctl --version
}

no_worker() {
        ! pgrep -x usher-bind
}

# usher-bind goes after 15 s without work.
cold_round() {
        wait_until 40 no_worker
        measure_bus bind-cold bind "$NIC2"
        "$CALLER" job restore "$NIC2"
        wait_until 40 no_worker
        measure bind-cold floor floor_bind "$NIC2"
        floor_restore "$NIC2"
}

rounds() {
        local round
        for ((round = 0; round < ROUNDS; round++)); do
                one_round
                measure_costs
        done
        for ((round = 0; round < 3; round++)); do
                cold_round
        done
}

# status_of PID KEY
status_of() {
        awk -v key="$2:" '$1 == key {print $2}' "/proc/$1/status"
}

switches() {
        echo $(($(status_of "$1" voluntary_ctxt_switches) + $(status_of "$1" nonvoluntary_ctxt_switches)))
}

# The daemon as its unit runs it: with a watchdog, after work.
measure_unit() {
        local pid before
        pid=$(systemctl show -P MainPID usherd)
        wait_until 40 no_worker
        udevadm settle
        sleep 5
        before=$(switches "$pid")
        sleep "$IDLE_SECONDS"
        say_measure unit-wakeups bus $(($(switches "$pid") - before))
        say_measure unit-threads bus "$(status_of "$pid" Threads)"
        say_measure unit-rss bus "$(awk "BEGIN {print $(status_of "$pid" VmRSS) / 1024}")"
}

device_is() {
        usherctl --json=short status "$1" | grep "\"state\":\"$2\"" >/dev/null
}

# measure_calls WHO: how long the slowest call but one in a hundred takes
measure_calls() {
        local p99
        read -r _ p99 _ < <("$CALLER" calls 500 list demo)
        say_measure stuck-call-p99 "$1" "$p99"
}

# A QEMU that usher knows nothing of keeps the device from being given back: the write hangs in the kernel.
measure_stuck() {
        local holder round
        for ((round = 0; round < 3; round++)); do
                measure_calls floor
                measure stuck-restart floor systemctl restart usherd
        done
        usherctl bind "$EDU"
        qemu-system-x86_64 -machine q35 -accel tcg -S -nodefaults -display none -m 64 -device "vfio-pci,host=$EDU" \
                >/dev/null 2>&1 </dev/null &
        holder=$!
        wait_until 30 sh -c "find /proc/$holder/fd -lname '*vfio-device*' | grep -q ."
        usherctl restore "$EDU" || true
        device_is "$EDU" stuck
        for ((round = 0; round < 3; round++)); do
                measure_calls bus
                measure stuck-restart bus systemctl restart usherd
        done
        device_is "$EDU" stuck
        kill -KILL "$holder"
        wait_until 60 device_is "$EDU" unused
}

mkdir -p /etc/usher/usherd.conf.d
printf '[Usherd]\nSlowSec=1\nStuckSec=2\n' >/etc/usher/usherd.conf.d/bench.conf
systemctl restart usherd

before=$(host_snapshot)
it "All is warm" usherctl bind "$NIC2"
it "And comes back" usherctl restore "$NIC2"
it "QEMU has been asked what it can do" usherctl start demo
it "And ends" usherctl kill demo
it "Lives and bindings are measured" rounds
it "Calls and a restart are measured while a device is stuck" measure_stuck
it "The daemon is measured in its unit" measure_unit
expect_eq "The host is as before" "$(host_snapshot)" "$before"
rm /etc/usher/usherd.conf.d/bench.conf
finished
