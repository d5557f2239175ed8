# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The machines a lab host can be. `machine_NAME WORK` appends to the array
# `machine` what makes QEMU that machine; WORK is a directory for its small
# disks. Slots are fixed: inside/host-init names the cards by them.
# Sourced by run.sh and shell.sh.

# machine_exists NAME
machine_exists() {
        declare -F "machine_$1" >/dev/null
}

# machine_card SLOT
# A root port for the card in that slot, called pSLOT.
machine_card() {
        machine+=(-device "pcie-root-port,id=p$1,bus=pcie.0,addr=0x$1,chassis=0x$1,slot=0x$1")
}

# machine_disk WORK NAME SIZE
# An empty disk, the drive called NAME.
machine_disk() {
        truncate -s "$3" "$1/$2.img"
        machine+=(-drive "file=$1/$2.img,if=none,id=$2,format=raw")
}

# The CPU calls itself a Zen: a guest's kernel looks for the AGP bridges of the
# older AMD that QEMU makes of `max`, for two seconds.
machine_board() {
        machine+=(
                -machine "q35,kernel-irqchip=split" -accel "tcg,thread=multi"
                -cpu "max,family=23,model=49,stepping=0" -smp 2 -m 4G
                -nodefaults -display none -vga none
                -audiodev "none,id=silence"
                -netdev "user,id=lan,restrict=on" -netdev "user,id=lan2,restrict=on"
                -netdev "user,id=lan3,restrict=on"
        )
}

# Every slot but the root disk's is a card of lab.md's table, behind a port of
# its own so that each is an IOMMU group of its own.
machine_cards() {
        local work=$1 slot
        machine_card 2 # the host's own graphics card, its console on it
        machine+=(-device "VGA,bus=p2,addr=0.0")

        for slot in 3 4; do # GPU and TWIN: a Radeon and its audio, twice
                machine_card $slot
                machine+=(
                        -device "ati-vga,bus=p$slot,addr=0.0,multifunction=on"
                        -device "intel-hda,id=hda$slot,bus=p$slot,addr=0.1"
                        -device "hda-output,bus=hda$slot.0,audiodev=silence"
                )
        done

        machine_card 5 # NIC, with the default route
        machine+=(-device "e1000e,bus=p5,addr=0.0,netdev=lan,mac=52:54:00:00:00:05")
        machine_card 6 # NIC2, idle
        machine+=(-device "virtio-net-pci,bus=p6,addr=0.0,netdev=lan2,mac=52:54:00:00:00:06")

        machine_card 7 # NVME
        machine_disk "$work" nvme 64M
        machine+=(-device "nvme,bus=p7,addr=0.0,drive=nvme,serial=usher-nvme")
        machine_card 8 # SRIOV
        machine_disk "$work" sriov 64M
        machine+=(
                -device "nvme-subsys,id=subsys"
                -device "nvme,bus=p8,addr=0.0,subsys=subsys,serial=usher-sriov,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4,max_ioqpairs=18,msix_qsize=20"
                -device "nvme-ns,drive=sriov"
        )

        machine_card 9 # BRIDGED_A and BRIDGED_B: one group
        machine+=(
                -device "pcie-pci-bridge,id=bridge,bus=p9,addr=0.0"
                -device "e1000,bus=bridge,addr=1.0,netdev=lan3,mac=52:54:00:00:00:09"
                -device "ES1370,bus=bridge,addr=2.0,audiodev=silence"
        )

        machine_card a # XHCI
        machine+=(-device "qemu-xhci,id=xhci,bus=pa,addr=0.0" -device "usb-kbd,bus=xhci.0" -device "usb-mouse,bus=xhci.0")
        machine_card b # EDU, which no driver knows
        machine+=(-device "edu,bus=pb,addr=0.0")
        machine_card c # DISPLAY2
        machine+=(-device "secondary-vga,bus=pc,addr=0.0")
}

machine_default() {
        machine_board
        machine+=(-device "intel-iommu,intremap=on")
        machine_cards "$1"
        machine_append="intel_iommu=on iommu=pt"
}

machine_no-iommu() {
        machine_board
        machine_cards "$1"
        machine_append=""
}

# machine_command NAME WORK BASE BOOT APPEND
# Fills `machine` with all of QEMU's command line but its serial ports; the disk
# is BASE's, the kernel BOOT's, the initrd WORK/initrd; the disk's changes are
# forgotten at the end. On a busy machine the emulated timer comes late, and the
# kernel would panic for it ("timer doesn't work through Interrupt-remapped
# IO-APIC"): no_timer_check, as check_timer() of arch/x86/kernel/apic/io_apic.c
# has it.
machine_command() {
        local name=$1 work=$2 base=$3 boot=$4 append=$5
        machine=()
        "machine_$name" "$work"
        machine=(
                qemu-system-x86_64 "${machine[@]}"
                -drive "file=$base/disk.img,if=none,id=root,format=raw,snapshot=on"
                -device "virtio-blk-pci,drive=root,bus=pcie.0,addr=1.0"
                -kernel "$boot/vmlinux" -initrd "$work/initrd"
                -append "console=ttyS0 quiet loglevel=4 mitigations=off nokaslr audit=0 cryptomgr.notests=1 no_timer_check $machine_append $append"
        )
}
