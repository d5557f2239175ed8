# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The verbs of a scenario. A scenario is a bash script that sources this file,
# says what it does to the lab host, asserts with the verbs below, each with a
# sentence of its own, and ends with `finished`. What it prints besides goes to
# the lab host's console.

set -euo pipefail

SCENARIO=${SCENARIO:-by-hand}
PHASE=${PHASE:-1}
exec 3>>"${LAB_REPORT:-/dev/stdout}"
# The addresses of the cards: GPU, GPU_AUDIO, TWIN, … (README.md).
# shellcheck source=/dev/null
. /etc/usher-lab/cards

# What a guest of a scenario boots. Without `quiet` its serial port takes longer
# than the rest of the boot; there is no bus to be found beyond those of ACPI.
# shellcheck disable=SC2034 # for scenarios
GUEST_KERNEL=/usr/lib/usher-lab/vmlinuz
# shellcheck disable=SC2034
GUEST_INITRD=/usr/lib/usher-lab/guest.cpio
# shellcheck disable=SC2034
GUEST_APPEND='console=ttyS0 quiet pci=lastbus=0'

lab_scratch=$(mktemp -d /tmp/usher-lab.XXXXXX)
lab_finished=no
trap lab_exit EXIT
trap 'lab_failed_at="line $LINENO: ${BASH_COMMAND%%$'\''\n'\''*}"' ERR

lab_exit() {
        local status=$?
        # The next scenario shall not meet what this one left running.
        jobs -p | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
        rm -rf "$lab_scratch"
        [ "$lab_finished" = yes ] ||
                echo "%stopped $SCENARIO with status $status at ${lab_failed_at:-no failed command}" >&3
}

# lab_ok SENTENCE, lab_not_ok SENTENCE <DIAGNOSTICS
lab_ok() {
        echo "ok $SCENARIO: $1" >&3
}

lab_not_ok() {
        echo "not ok $SCENARIO: $1" >&3
        sed 's/^/    /' >&3
}

# lab_try COMMAND…
# Runs a command, or a function that stops at its first failure, in a subshell;
# its status is in lab_status, its output in the files lab_output and lab_errors,
# which are others in a try within a try. (A function that is called in a
# condition does not stop at a failure.)
lab_try() {
        lab_output=$lab_scratch/output.$BASH_SUBSHELL
        lab_errors=$lab_scratch/errors.$BASH_SUBSHELL
        set +e
        (
                set -e
                "$@"
        ) >"$lab_output" 2>"$lab_errors" </dev/null
        lab_status=$?
        set -e
}

# lab_tried COMMAND… prints what came of it, for diagnostics.
lab_tried() {
        echo "$* (status $lab_status)"
        cat "$lab_output" "$lab_errors" | tail -n 40
}

# it SENTENCE COMMAND…
# Runs the command; ok if it succeeds.
it() {
        local sentence=$1
        shift
        lab_try "$@"
        if [ $lab_status -eq 0 ]; then
                lab_ok "$sentence"
        else
                lab_not_ok "$sentence" < <(lab_tried "$@")
        fi
}

# refused SENTENCE REGEX COMMAND…
# ok if the command fails by itself, and a line of its stderr matches.
refused() {
        local sentence=$1 regex=$2
        shift 2
        lab_try "$@"
        if [ $lab_status -gt 0 ] && [ $lab_status -lt 126 ] && grep -Eq -e "$regex" "$lab_errors"; then
                lab_ok "$sentence"
        else
                lab_not_ok "$sentence" < <(
                        echo "not a refusal that matches: $regex"
                        lab_tried "$@"
                )
        fi
}

# expect_eq SENTENCE ACTUAL EXPECTED
expect_eq() {
        if [ "$2" = "$3" ]; then
                lab_ok "$1"
        else
                lab_not_ok "$1" < <(printf 'actual:\n%s\nexpected:\n%s\n' "$2" "$3")
        fi
}

# expect_match SENTENCE TEXT REGEX
# ok if a line of the text matches the extended regular expression.
expect_match() {
        if grep -Eq -e "$3" <<<"$2"; then
                lab_ok "$1"
        else
                lab_not_ok "$1" < <(printf 'no line matches: %s\n%s\n' "$3" "$2" | tail -n 60)
        fi
}

# skip REASON
# Ends the scenario; what could not be tried counts as failed.
skip() {
        lab_not_ok "skipped: $1" </dev/null
        finished
}

finished() {
        lab_finished=yes
        echo "%finished $SCENARIO" >&3
        exit 0
}

# reboot_host [COMMAND…]
# Reboots the lab host, in order unless a command is given (`reboot -f`). The
# scenario starts again after it, with PHASE one higher.
reboot_host() {
        lab_finished=yes
        echo "%reboot $SCENARIO" >&3
        sync
        if [ $# -gt 0 ]; then "$@"; else systemctl reboot; fi
        exec sleep infinity
}

# wait_until SECONDS COMMAND…
# Tries the command until it succeeds; fails when the time is over.
wait_until() {
        local started=$SECONDS deadline=$((SECONDS + $1))
        shift
        while :; do
                lab_try "$@"
                [ $lab_status -ne 0 ] || return 0
                [ $SECONDS -lt $deadline ] || break
                sleep 0.2
        done
        echo "not in $((deadline - started)) s, the last time:" >&2
        lab_tried "$@" >&2
        return 1
}

# host_snapshot
# Prints all that lending a device may change, sorted: of every PCI function
# its driver, override and power settings, of every VFIO node owner and mode.
host_snapshot() {
        local device driver override power d3cold
        for device in /sys/bus/pci/devices/*; do
                driver=none override=- power=- d3cold=-
                [ ! -e "$device/driver" ] || driver=$(readlink "$device/driver")
                read -r override <"$device/driver_override" || true
                read -r power <"$device/power/control" || true
                [ ! -e "$device/d3cold_allowed" ] || read -r d3cold <"$device/d3cold_allowed"
                echo "pci ${device##*/} driver=${driver##*/} override=$override power=$power d3cold=$d3cold"
        done
        find /dev/vfio -type c -printf 'node %p %U:%G %m\n' | LC_ALL=C sort
}

# host_as_before
# Whether host_snapshot prints what it did when the scenario set $before; else the difference.
host_as_before() {
        host_snapshot >"$lab_scratch/now"
        # shellcheck disable=SC2154 # the scenario set it
        diff <(echo "$before") "$lab_scratch/now"
}

# pci_state: host_snapshot's lines of PCI functions, also where nothing of VFIO's is loaded
pci_state() {
        host_snapshot 2>/dev/null | grep '^pci' || true
}

# unchanged SENTENCE COMMAND…
# ok if the command succeeds and the host is afterwards as it was before.
unchanged() {
        local sentence=$1
        shift
        host_snapshot >"$lab_scratch/before"
        lab_try "$@"
        host_snapshot >"$lab_scratch/after"
        if [ $lab_status -eq 0 ] && cmp -s "$lab_scratch/before" "$lab_scratch/after"; then
                lab_ok "$sentence"
        else
                lab_not_ok "$sentence" < <(
                        lab_tried "$@"
                        diff -U0 "$lab_scratch/before" "$lab_scratch/after"
                )
        fi
}

# driver_of ADDRESS: the name of the driver, or "none"
driver_of() {
        basename "$(readlink "/sys/bus/pci/devices/$1/driver" || echo none)"
}

# group_node ADDRESS: VFIO's node of the device's group
group_node() {
        echo "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")")"
}

# another_daemon PID
# Whether usherd runs, and as another process than that one.
another_daemon() {
        systemctl is-active -q usherd && [ "$(systemctl show -P MainPID usherd)" != "$1" ]
}

# qemu_by_hand ADDRESS [OPTION…]
# A QEMU that usher knows nothing of, and that opens the device. Its pid is $holder.
qemu_by_hand() {
        qemu-system-x86_64 -machine q35 -accel tcg -S -nodefaults -display none -m 64 "${@:2}" \
                -device "vfio-pci,host=$1" >/dev/null 2>&1 </dev/null &
        holder=$!
}

# Whether $holder has a device of VFIO's open.
holder_has_device() {
        find "/proc/$holder/fd" -lname '*vfio-device*' | grep -q .
}

# define_guest NAME <DEFINITION
define_guest() {
        mkdir -p /etc/usher/guests
        cat >"/etc/usher/guests/$1.guest"
}

# define_linux_guest NAME ADDRESS [WORD…]
# A small Linux guest with that device; the words go to its kernel's command
# line.
define_linux_guest() {
        local name=$1 address=$2
        shift 2
        define_linux_guest_with "$name" "$*" '[PCI gpu]' "Address=$address"
}

# define_linux_guest_with NAME WORDS LINE…
# The same with these lines of a definition.
define_linux_guest_with() {
        local name=$1 words=$2
        shift 2
        {
                printf '[Guest]\nDescription=A small Linux guest\n[CPU]\nCores=1\n[Memory]\nSize=256M\n'
                printf '[Kernel]\nImage=%s\nInitrd=%s\nCommandLine=%s\n' \
                        "$GUEST_KERNEL" "$GUEST_INITRD" "$GUEST_APPEND${words:+ $words}"
                printf '%s\n' "$@"
        } | define_guest "$name"
}

# define_tpm_guest NAME ADDRESS
# A guest with that device and a TPM, and nothing to boot.
define_tpm_guest() {
        define_guest "$1" <<EOF
[TPM]
Version=2.0
[CPU]
Cores=1
[Memory]
Size=256M
[PCI gpu]
Address=$2
[Stop]
PowerButtonSec=1
EOF
}

# stage_modules STAGE MODULE…
# Copies modules, and what they need, to STAGE/modules, where the init of a guest loads them in the order of
# their names: after those of its own.
stage_modules() {
        local stage=$1 file number=200
        shift
        mkdir -p "$stage/modules"
        for file in $(modprobe --show-depends --all "$@" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
                cp "$file" "$stage/modules/$number-${file##*/}"
                number=$((number + 1))
        done
}

# extend_initrd STAGE INITRD
# Makes INITRD of a guest's usual one and what is in the folder STAGE, which goes; STAGE/start runs once the
# guest is up.
extend_initrd() {
        (cd "$1" && find . | busybox cpio -o -H newc 2>/dev/null) | cat "$GUEST_INITRD" - >"$2"
        chmod 644 "$2"
        rm -r "$1"
}

# make_strange_image PATH
# A qcow2 image that looks right to usherd, and whose features QEMU does not know.
make_strange_image() {
        {
                printf 'QFI\373\0\0\0\3'
                head -c 12 /dev/zero
                printf '\0\0\0\020'
                head -c 48 /dev/zero
                printf '\0\0\001\0\0\0\0\0'
                head -c 16 /dev/zero
                printf '\0\0\0\004\0\0\0\150'
        } >"$1"
        truncate -s 1M "$1"
        chmod 644 "$1"
}

# guest_state NAME, guest_is NAME STATE
guest_state() {
        usherctl --json=short status "$1" | sed -n 's/.*"state":"\([a-z]*\)".*/\1/p'
}

guest_is() {
        [ "$(guest_state "$1")" = "$2" ]
}

# guest_pid NAME: of its QEMU; 0 if there is none
guest_pid() {
        systemctl show -P MainPID "usher-guest@$1"
}

# guest_said NAME TEXT: its serial console has it
guest_said() {
        guest_console "$1" | grep -e "$2" >/dev/null
}

# guest_console NAME: what it has written since it was started
guest_console() {
        sed '/^-- Started .* --$/h; //!H; $!d; x' "/var/log/usher/$1.console.log"
}
