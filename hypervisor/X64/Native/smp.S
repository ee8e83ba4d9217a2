# SPDX-License-Identifier: MIT
# How further CPUs reach long mode: a page below 1 MiB that STARTUP names, copied from here.

.section .text
.balign 16
.globl xs_trampoline, xs_trampoline_end, xs_trampoline_cr3
xs_trampoline:
.code16
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    xorl %ebx, %ebx
    movw %cs, %bx
    shll $4, %ebx                       # where this page lies
    leal (trampoline_32 - xs_trampoline)(%ebx), %eax
    movl %eax, (trampoline_far - xs_trampoline)
    movw $8, (trampoline_far - xs_trampoline + 4)   # the CPU before this one has left 24 here
    leal (trampoline_gdt - xs_trampoline)(%ebx), %eax
    movl %eax, (trampoline_gdt_pointer - xs_trampoline + 2)
    lgdtl (trampoline_gdt_pointer - xs_trampoline)
    movl $0x11, %eax
    movl %eax, %cr0
    ljmpl *(trampoline_far - xs_trampoline)
.code32
trampoline_32:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %ss
    movl $0x6a0, %eax
    movl %eax, %cr4
    movl (xs_trampoline_cr3 - xs_trampoline)(%ebx), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    leal (trampoline_64 - xs_trampoline)(%ebx), %eax
    movl %eax, (trampoline_far - xs_trampoline)(%ebx)
    movw $24, (trampoline_far - xs_trampoline + 4)(%ebx)
    ljmpl *(trampoline_far - xs_trampoline)(%ebx)
.code64
trampoline_64:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl %ebx, %ebx
    movq (xs_trampoline_root - xs_trampoline)(%rbx), %rcx
    movq (xs_trampoline_stack - xs_trampoline)(%rbx), %rdx
    movabsq $secondary_high, %rax       # leaves this page, which the final tables do not map
    jmp *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            # 8: code, 32-bit
    .quad 0x00cf93000000ffff            # 16: data
    .quad 0x00af9b000000ffff            # 24: code, 64-bit
trampoline_gdt_pointer:
    .short 31
    .long 0
    .balign 4
trampoline_far:
    .long 0
    .short 8
    .balign 8
xs_trampoline_cr3: .quad 0              # tables that map this page, below 4 GiB
xs_trampoline_root: .quad 0             # the final tables
xs_trampoline_stack: .quad 0
xs_trampoline_end:

secondary_high:
    movq %rcx, %cr3
    movq %rdx, %rsp
    xorl %ebp, %ebp
    pushq $0
    jmp xs_secondary_start

# What C# needs to know of the image, as functions so that no relocation type is assumed.
.macro address name symbol
    .balign 16
    .globl \name
\name:
    leaq \symbol(%rip), %rax
    ret
.endm
address xs_get_trampoline xs_trampoline
address xs_get_trampoline_end xs_trampoline_end
address xs_get_trampoline_cr3 xs_trampoline_cr3
address xs_get_text_start xs_text_start
address xs_get_text_end xs_text_end
address xs_get_rodata_end xs_rodata_end
address xs_get_image_end xs_image_end
address xs_get_boot_pml4 boot_pml4
address xs_get_trap_stubs xs_trap_stubs
address xs_get_symbol_table xs_symbol_table
address xs_get_build_id xs_build_id
address xs_get_probe_rdmsr xs_probe_rdmsr
address xs_get_probe_wrmsr xs_probe_wrmsr
address xs_get_msr_failed xs_msr_failed
address xs_get_run_loop xs_run_loop
