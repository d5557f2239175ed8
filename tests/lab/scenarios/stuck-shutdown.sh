#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
# lab-reboots: yes
#
# A device that is stuck, with usher-bind in the kernel, does not hold up the host's shutdown: no deadline of systemd's goes by (90 s each).

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# seconds: of the clock that goes on over a reboot
seconds() {
        date +%s
}

booted_at() {
        echo $(($(seconds) - $(cut -d. -f1 /proc/uptime)))
}

device_is() {
        usherctl --json=short status "$1" | grep "\"state\":\"$2\"" >/dev/null
}

in_kernel() {
        local pid
        for pid in $(pgrep -x usher-bind); do
                ! grep vfio "/proc/$pid/stack" || return 0
        done
        return 1
}

case $PHASE in
1)
        seconds >/var/lib/reboot-asked
        # shellcheck disable=SC2119 # in order, no command of ours
        reboot_host
        ;;
2)
        ordinary=$(($(booted_at) - $(cat /var/lib/reboot-asked)))
        echo $ordinary >/var/lib/ordinary
        modprobe vfio-pci
        mkdir -p /etc/usher/usherd.conf.d
        printf '[Usherd]\nSlowSec=1\nStuckSec=2\n' >/etc/usher/usherd.conf.d/lab.conf
        systemctl restart usherd
        it "A device is bound by hand" usherctl bind "$EDU"
        # This unit lives until all others are down.
        it "A QEMU that usher knows nothing of has it" systemd-run --quiet --unit=holder -p DefaultDependencies=no -p TimeoutStopSec=1 \
                qemu-system-x86_64 -machine q35 -accel tcg -S -nodefaults -display none -m 64 -device "vfio-pci,host=$EDU"
        holder=$(systemctl show -P MainPID holder)
        it "And opens it" wait_until 30 sh -c "find /proc/$holder/fd -lname '*vfio-device*' | grep -q ."
        refused "A restore hangs" "hung in the kernel for 2 s" usherctl restore "$EDU"
        it "The device is stuck" device_is "$EDU" stuck
        it "A bind helper is in the kernel" in_kernel
        seconds >/var/lib/reboot-asked
        # shellcheck disable=SC2119
        reboot_host
        ;;
3)
        stuck=$(($(booted_at) - $(cat /var/lib/reboot-asked)))
        ordinary=$(cat /var/lib/ordinary)
        it "The reboot with a stuck device ($stuck s) waits for no deadline that an ordinary one ($ordinary s) does not" [ "$stuck" -lt $((ordinary + 30)) ]
        it "The device is nobody's after it" device_is "$EDU" unused
        finished
        ;;
esac
