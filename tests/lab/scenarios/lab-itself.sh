#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# The lab is what the other scenarios take it for: cards, groups, a guest with
# devices under KVM. The project has no part in it.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

# identity ADDRESS: vendor:device class driver
identity() {
        local at=/sys/bus/pci/devices/$1 vendor device class driver=none
        read -r vendor <"$at/vendor"
        read -r device <"$at/device"
        read -r class <"$at/class"
        [ ! -e "$at/driver" ] || driver=$(readlink "$at/driver")
        echo "${vendor#0x}:${device#0x} ${class:2:4} ${driver##*/}"
}

# group ADDRESS: the functions of its IOMMU group, bridges aside
group() {
        local function class
        for function in "/sys/bus/pci/devices/$1/iommu_group/devices"/*; do
                read -r class <"$function/class"
                [ "${class:2:4}" = 0604 ] || echo "${function##*/}"
        done | paste -sd' '
}

bind_by_hand() {
        local at=/sys/bus/pci/devices/$1
        echo vfio-pci >"$at/driver_override"
        [ ! -e "$at/driver" ] || echo "$1" >"$at/driver/unbind"
        echo "$1" >/sys/bus/pci/drivers_probe
}

restore_by_hand() {
        local at=/sys/bus/pci/devices/$1
        echo >"$at/driver_override"
        echo "$1" >"$at/driver/unbind"
        echo "$1" >/sys/bus/pci/drivers_probe
}

expect_eq "The host's own card shows its console" "$(identity "$HOST_VGA")" "1234:1111 0300 bochs-drm"
expect_eq "The GPU is a Radeon that no driver knows" "$(identity "$GPU")" "1002:5046 0300 none"
expect_eq "Its audio function is in use" "$(identity "$GPU_AUDIO")" "8086:2668 0403 snd_hda_intel"
expect_eq "The GPU has a twin" "$(identity "$TWIN")" "$(identity "$GPU")"
expect_eq "So has its audio function" "$(identity "$TWIN_AUDIO")" "$(identity "$GPU_AUDIO")"
expect_eq "A network card is there" "$(identity "$NIC")" "8086:10d3 0200 e1000e"
expect_eq "And another" "$(identity "$NIC2")" "1af4:1041 0200 virtio-pci"
expect_eq "An NVMe controller is there" "$(identity "$NVME")" "1b36:0010 0108 nvme"
expect_eq "And one with virtual functions" "$(identity "$SRIOV")" "1b36:0010 0108 nvme"
expect_eq "A network card is behind a bridge" "$(identity "$BRIDGED_A")" "8086:100e 0200 e1000"
expect_eq "With a sound card beside it" "$(identity "$BRIDGED_B")" "1274:5000 0401 snd_ens1370"
expect_eq "A USB controller is there" "$(identity "$XHCI")" "1b36:000d 0c03 xhci_hcd"
expect_eq "A card that no driver knows" "$(identity "$EDU")" "1234:11e8 00ff none"
expect_eq "A second display controller" "$(identity "$DISPLAY2")" "1234:1111 0380 bochs-drm"

expect_eq "The GPU shares its group with its audio function alone" "$(group "$GPU")" "$GPU $GPU_AUDIO"
expect_eq "The twin is in another group" "$(group "$TWIN")" "$TWIN $TWIN_AUDIO"
expect_eq "The two cards behind the bridge share a group" "$(group "$BRIDGED_A")" "$BRIDGED_A $BRIDGED_B"
expect_eq "The network card is alone in its group" "$(group "$NIC")" "$NIC"

expect_match "The default route goes over the network card" \
        "$(ip route show default)" "dev $(ls "/sys/bus/pci/devices/$NIC/net")"
expect_match "The NVMe disk can be opened" "$(lsblk -dno SIZE /dev/nvme0n1)" 64M
expect_match "The keyboard behind the USB controller is an input device" \
        "$(cat /sys/class/input/event*/device/name)" "QEMU USB Keyboard"
it "The second display controller has a DRM node" test -e "/sys/bus/pci/devices/$DISPLAY2/drm"

virtual_functions() {
        echo 2 >"/sys/bus/pci/devices/$SRIOV/sriov_numvfs"
        [ -e "/sys/bus/pci/devices/$SRIOV/virtfn1" ]
        echo 0 >"/sys/bus/pci/devices/$SRIOV/sriov_numvfs"
}
it "Virtual functions come and go" virtual_functions

modprobe vfio-pci
there_and_back() {
        bind_by_hand "$GPU"
        bind_by_hand "$GPU_AUDIO"
        [ "$(identity "$GPU")" = "1002:5046 0300 vfio-pci" ]
        [ "$(identity "$GPU_AUDIO")" = "8086:2668 0403 vfio-pci" ]
        restore_by_hand "$GPU"
        restore_by_hand "$GPU_AUDIO"
}
unchanged "Binding the GPU to vfio-pci and back leaves no trace" there_and_back

bind_by_hand "$GPU"
bind_by_hand "$GPU_AUDIO"
console=$lab_scratch/console
coproc QEMU {
        exec qemu-system-x86_64 -machine q35 -accel kvm -cpu host -m 256 -nodefaults -display none \
                -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -append "$GUEST_APPEND" \
                -serial "file:$console" -qmp stdio \
                -device pcie-root-port,id=gpu,addr=5.0,chassis=1 \
                -device "vfio-pci,host=$GPU,bus=gpu,addr=0.0,multifunction=on" \
                -device "vfio-pci,host=$GPU_AUDIO,bus=gpu,addr=0.1"
}
SECONDS=0
it "A guest under KVM gets ready" wait_until 120 grep -q 'usher-guest: ready' "$console"
echo "    ready after $SECONDS s" >&3
seen=$(tr -d '\r' <"$console")
expect_match "It sees the GPU" "$seen" '^pci [0-9a-f:]+:00\.0 1002:5046 030000 multi 0000:00:05\.0$'
expect_match "It sees the GPU's audio function" "$seen" '^pci [0-9a-f:]+:00\.1 8086:2668 040300 single 0000:00:05\.0$'

pid=$QEMU_PID
echo '{"execute":"qmp_capabilities"} {"execute":"system_powerdown"}' >&"${QEMU[1]}"
is_gone() {
        [ ! -e "/proc/$pid" ]
}
it "It powers off when its power button is pressed" wait_until 60 is_gone

restore_both() {
        restore_by_hand "$GPU"
        restore_by_hand "$GPU_AUDIO"
}
it "Its devices go back to the host" restore_both
expect_eq "The audio function has its driver again" "$(identity "$GPU_AUDIO")" "8086:2668 0403 snd_hda_intel"
finished
