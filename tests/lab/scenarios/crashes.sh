#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
# lab-append: loglevel=4
#
# SIGKILL at random moments of starts and stops of two guests: to usherd, usher-bind, usher-launch or QEMU.
# Whatever dies, each guest ends up running and owning its devices, or at rest with everything restored.
# CRASHES (25) and SEED can be set. The guests are emulated: after some fifty nested ones, KVM in the emulated
# machine fails, and the machine with it. The scenario has a boot of its own, with a console that shows less
# of the kernel's messages.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

CRASHES=${CRASHES:-25}
SEED=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
echo "    seed $SEED" >&3
RANDOM=$SEED

modprobe vfio-pci
before=$(host_snapshot)

# define NAME ADDRESS: with neither kernel nor disk, as what it does is of no interest
define() {
        define_guest "$1" <<EOF
[CPU]
Accelerator=tcg
Cores=1
[Memory]
Size=64M
[PCI gpu]
Address=$2
[Stop]
PowerButtonSec=1
QuitSec=2
[Console]
Log=no
EOF
}

define one "$GPU"
define two "$TWIN"
declare -A device=([one]=$GPU [two]=$TWIN)

slot() {
        host_snapshot | grep "pci ${device[$1]%.*}"
}

# in_order NAME: running and owned, or at rest and restored
in_order() {
        local state pid
        # The status of usherctl is the guest's, as with systemctl.
        state=$(guest_state "$1") || true
        pid=$(guest_pid "$1")
        case $state in
        # It is paused if the emulated CPU has failed the nested guest ("KVM internal error").
        running | paused)
                [ "$pid" -gt 0 ] && grep -q qemu-system "/proc/$pid/cmdline" &&
                        [ "$(stat -c %u "$(group_node "${device[$1]}")")" = "$(stat -c %u "/proc/$pid")" ] &&
                        [ "$(slot "$1" | grep -c 'driver=vfio-pci')" = 2 ]
                ;;
        stopped | failed)
                [ "$pid" = 0 ] && ! pgrep -f "guest=$1," >/dev/null && [ "$(slot "$1")" = "$(grep "pci ${device[$1]%.*}" <<<"$before")" ]
                ;;
        *)
                return 1
                ;;
        esac
}

both_in_order() {
        in_order one && in_order two
}

no_double() {
        [ "$(pgrep -cf "guest=$1,")" -le 1 ]
}

# victim: sets kind and pid to a process that lives, each kind as likely as the others
victim() {
        local kinds=(usherd usher-bind usher-launch qemu-system-x86)
        pid=''
        while [ -z "$pid" ]; do
                kind=${kinds[RANDOM % ${#kinds[@]}]}
                pid=$(pgrep -x "$kind" | shuf -n 1 --random-source=<(yes "$RANDOM" 2>/dev/null)) || true
        done
}

poke() {
        local name=$1 verb=start
        case $(guest_state "$name") in
        running | paused) if [ $((RANDOM % 2)) = 0 ]; then verb='kill'; else verb='stop'; fi ;;
        esac
        usherctl "$verb" "$name" >/dev/null 2>&1 &
}

declare -A hits=()
broken=0
for ((crash = 1; crash <= CRASHES; crash++)); do
        poke one
        poke two
        sleep "0.$(printf %03d $((RANDOM % 1000)))"
        victim
        kill -KILL "$pid" 2>/dev/null || true
        hits[$kind]=$((${hits[$kind]:-0} + 1))
        if ! no_double one || ! no_double two; then
                echo "    crash $crash ($kind): a guest runs twice" >&3
                broken=$((broken + 1))
        fi
        lab_try wait_until 90 both_in_order
        wait
        if [ "$lab_status" -ne 0 ]; then
                broken=$((broken + 1))
                {
                        echo "    crash $crash ($kind): one is $(guest_state one), two is $(guest_state two)"
                        host_snapshot | diff - <(echo "$before") | sed 's/^/    /' || true
                        pgrep -a 'qemu-system|usher' | cut -c1-100 | sed 's/^/    /'
                        journalctl --no-pager -o short-monotonic --no-hostname -n 30 -t usherd -t usher-launch -t usher-bind | sed 's/^/    /'
                } >&3
                [ $broken -lt 3 ] || break
        fi
done
for kind in "${!hits[@]}"; do
        echo "    killed: $kind ${hits[$kind]} times" >&3
done
expect_eq "After each of $CRASHES kills (seed $SEED) each guest ran and owned its devices, or was at rest with all restored" "$broken" 0

at_rest() {
        local state
        state=$(guest_state "$1") || true
        [ "$state" = stopped ] || [ "$state" = failed ] || {
                usherctl kill "$1"
                return 1
        }
}
it "The first guest comes to rest" wait_until 60 at_rest one
it "The second guest comes to rest" wait_until 60 at_rest two
expect_eq "No QEMU is left" "$(pgrep -c qemu-system)" 0
expect_eq "And the host is as before" "$(host_snapshot)" "$before"
finished
