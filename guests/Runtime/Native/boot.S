# SPDX-License-Identifier: MIT
# From the PVH entry (32-bit, flat, paging off) to C# in long mode, and the same for further vCPUs.
# xen/docs/misc/pvh.pandoc; AMD APM vol. 2, 14.6 and 15.27.

.set CR0_VALUE, 0x80010033              # PG, WP, NE, ET, MP, PE
.set CR4_VALUE, 0x6a0                   # PAE, PGE, OSFXSR, OSXMMEXCPT
.set EFER_ENABLE, 0x900                 # LME, NXE
.set TRAMPOLINE, 0x8000

.section .note.Xen, "a", @note
    .long 4, 4, 18                      # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long xs_pvh_entry

.section .text
.code32
.globl xs_pvh_entry
xs_pvh_entry:
    cld
    cli
    movl %ebx, xs_start_info
    movl $xs_boot_stack_top, %esp

    # 4 GiB identity mapped by 2 MiB pages, open to ring 3; the 2 MiB behind them map page by page.
    movl $page_directories, %edi
    movl $0x87, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    movl $(xs_window + 7), (%edi)

    # The first 2 MiB by 4 KiB pages, so that a null pointer points to nothing.
    movl $low_pages, %edi
    movl $7, %eax
    movl $512, %ecx
3:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    decl %ecx
    jnz 3b
    movl $0, low_pages
    movl $(low_pages + 7), page_directories
    movl $(page_directories + 7), %eax
    movl $page_pointers, %edi
    movl $5, %ecx
2:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    decl %ecx
    jnz 2b
    movl $(page_pointers + 7), xs_page_root

    movl $CR4_VALUE, %eax
    movl %eax, %cr4
    movl $xs_page_root, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $EFER_ENABLE, %eax
    wrmsr
    movl $CR0_VALUE, %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $boot_long

.code64
boot_long:
    call xs_set_task_state
    call load_segments
    movw $0x30, %ax                     # task state, for entries from ring 3
    ltr %ax
    xorl %ebp, %ebp
    call xs_guest_start
1:  cli
    hlt
    jmp 1b

load_segments:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    ret

.weak xs_guest_vcpu_main
# Entry of a further vCPU in long mode with our page tables: from the trampoline, or straight by VCPUOP_initialise.
.balign 16
.globl xs_ap_entry
xs_ap_entry:
    cld
    cli
    lgdt gdt_pointer
    movq xs_ap_stack, %rsp
    pushq $8
    pushq $1f
    lretq
1:  call load_segments
    lidt xs_idt_pointer
    xorl %ebp, %ebp
    call xs_guest_ap
    movl $xs_guest_vcpu_main, %ecx      # kernels without work for further vCPUs do not define it
    testl %ecx, %ecx
    jz 2f
    movl %eax, %edi
    call *%rcx
2:  cli
    hlt
    jmp 2b

# Copied to TRAMPOLINE; a start-up IPI enters it in real mode with cs = TRAMPOLINE >> 4.
.code16
.globl xs_trampoline, xs_trampoline_end
xs_trampoline:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl (trampoline_gdt - xs_trampoline)
    movl $CR4_VALUE, %eax
    movl %eax, %cr4
    movl $xs_page_root, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $EFER_ENABLE, %eax
    wrmsr
    movl $CR0_VALUE, %eax
    movl %eax, %cr0
    ljmpl $8, $xs_ap_entry
    .balign 8
trampoline_gdt:
    .short gdt_end - gdt - 1
    .long gdt
xs_trampoline_end:

.section .data
    .balign 16
gdt:
    .quad 0
    .quad 0x00af9b000000ffff            # 0x08 code, 64-bit
    .quad 0x00cf93000000ffff            # 0x10 data
    .quad 0x00cf9b000000ffff            # 0x18 code, 32-bit
    .quad 0x00cff3000000ffff            # 0x20 data, ring 3
    .quad 0x00affb000000ffff            # 0x28 code, 64-bit, ring 3
.globl task_descriptor
task_descriptor:
    .quad 0x0000890000000067            # 0x30 task state, base filled in by xs_set_task_state
    .quad 0
gdt_end:
.globl gdt_pointer
gdt_pointer:
    .short gdt_end - gdt - 1
    .quad gdt
    .balign 8
.globl xs_idt_pointer
xs_idt_pointer:
    .short 4095
    .quad xs_idt
    .balign 8
.globl xs_start_info, xs_ap_stack
xs_start_info: .quad 0
xs_ap_stack: .quad 0

.section .bss
    .balign 4096
.globl xs_page_root, xs_window, xs_idt, xs_scratch, xs_stacks
xs_page_root: .skip 4096
page_pointers: .skip 4096
page_directories: .skip 4096 * 5
xs_window: .skip 4096
low_pages: .skip 4096
xs_idt: .skip 4096
.globl xs_boot_stack_top
    .skip 65536
xs_boot_stack_top:
xs_scratch: .skip 4096 * 64             # pages handed out by Page
xs_stacks: .skip 16384 * 64             # one for each further vCPU
