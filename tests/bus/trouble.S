/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's whole system, in a boot sector: says "boot" on its serial port; then panics (-DPANIC), so that pvpanic hears of
 * it, or starts its watchdog (-DWATCHDOG) and hangs, or puts itself to sleep (-DSLEEP, ACPI S3), whence it boots again as it has
 * left no place to go on from; or reboots (-DREBOOT), or powers off (-DPOWEROFF). Registers: docs/specs/pvpanic.txt, hw/watchdog/wdt_i6300esb.c and, of PM1_CNT, acpi_pm1_cnt_write()
 * in hw/acpi/core.c of QEMU. Where the devices sit: daemon/core/qemu/builder.h. */
#ifdef PANIC
#define DEVICE 0x19
#else
#define DEVICE 0x17
#endif
#define CONFIG(reg) (0x80000000 | DEVICE << 11 | (reg))

        .code16
        .globl  _start
_start: cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    $words, %si
        movw    $0x3f8, %dx
1:      lodsb
        testb   %al, %al
        jz      2f
        outb    %al, %dx
        jmp     1b
2:
#ifdef SLEEP
        movw    $0x604, %dx
        movw    $0x2400, %ax
        outw    %ax, %dx
#endif
#ifdef REBOOT
        movw    $0xcf9, %dx
        movb    $6, %al
        outb    %al, %dx
#endif
#ifdef POWEROFF
        movw    $0x604, %dx
        movw    $0x2000, %ax
        outw    %ax, %dx
#endif
        lgdt    gdt_pointer
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $8, $flat

        .code32
flat:   movw    $16, %ax
        movw    %ax, %ds
        movl    $CONFIG(0x10), %eax
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfc, %dx
        inl     %dx, %eax
        andl    $~0xf, %eax
        movl    %eax, %ebx
#ifdef PANIC
        movb    $1, (%ebx)
#endif
#ifdef WATCHDOG
        /* Each value has to be unlocked. */
        movw    $0x80, 0xc(%ebx)
        movw    $0x86, 0xc(%ebx)
        movl    $100, (%ebx)
        movw    $0x80, 0xc(%ebx)
        movw    $0x86, 0xc(%ebx)
        movl    $100, 4(%ebx)
        movl    $CONFIG(0x68), %eax
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfc, %dx
        movb    $2, %al
        outb    %al, %dx
#endif
3:      hlt
        jmp     3b

words:  .asciz  "boot\n"
        .align  8
gdt:    .quad   0
        .quad   0x00cf9a000000ffff
        .quad   0x00cf92000000ffff
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .org    510
        .word   0xaa55
