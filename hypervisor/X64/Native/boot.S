# SPDX-License-Identifier: MIT
# From a multiboot loader (32-bit, paging off) to C# in long mode on the boot CPU.
# Multiboot specification 0.6.96 and 2.0; AMD APM vol. 2, 14.6 "Enabling and activating long mode".

.set VIRTUAL, 0xffff82d040000000
.set MB1_MAGIC, 0x1BADB002
.set MB1_FLAGS, 3                       # modules page-aligned, memory information wanted
.set MB2_MAGIC, 0xE85250D6

.section .multiboot, "a"
    .balign 4
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
    .balign 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + 0 + (mb2_end - mb2_header))
    .balign 8
    .short 1, 0                         # information request: command line, modules, memory map, ACPI RSDP (old, new)
    .long 8 + 4 * 5
    .long 1, 3, 6, 14, 15
    .balign 8
    .short 6, 0                         # modules page-aligned
    .long 8
    .balign 8
    .short 0, 0
    .long 8
mb2_end:

.section .boot, "awx"
.code32
.globl xs_boot_entry
xs_boot_entry:
    cld
    cli
    movl %eax, %ebp                     # magic and information pointer survive in ebp, ebx
    movl $(boot_stack_top - VIRTUAL), %esp

    pushfl                              # CPUID exists when EFLAGS.ID can be changed
    popl %eax
    movl %eax, %ecx
    xorl $0x200000, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %ecx, %eax
    je no_long_mode
    pushl %ebx
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    popl %ebx
    testl $(1 << 29), %edx
    jz no_long_mode

    # 4 GiB identity and direct map by 2 MiB pages; the image's window maps the first GiB.
    movl $(boot_pd - VIRTUAL), %edi
    movl $0x83, %eax
    xorl %edx, %edx
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    movl $(boot_pdpt - VIRTUAL), %edi
    movl $(boot_pd - VIRTUAL + 3), %eax
    movl %eax, (%edi)
    addl $0x1000, %eax
    movl %eax, 8(%edi)
    addl $0x1000, %eax
    movl %eax, 16(%edi)
    addl $0x1000, %eax
    movl %eax, 24(%edi)
    movl $(boot_pd - VIRTUAL + 3), (boot_pdpt_image - VIRTUAL + 8 * 321)
    movl $(boot_pdpt - VIRTUAL + 3), (boot_pml4 - VIRTUAL)
    movl $(boot_pdpt_image - VIRTUAL + 3), (boot_pml4 - VIRTUAL + 8 * 261)
    movl $(boot_pdpt - VIRTUAL + 3), (boot_pml4 - VIRTUAL + 8 * 262)

    movl $0x6a0, %eax                   # CR4: PAE, PGE, MCE off; OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $(boot_pml4 - VIRTUAL), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax                    # SCE, LME, NXE
    wrmsr
    movl $0x80010033, %eax              # PG, WP, NE, ET, MP, PE
    movl %eax, %cr0
    lgdt (boot_gdt_pointer)
    ljmp $8, $boot_long_mode

no_long_mode:
    movl $no_long_mode_text, %esi
2:  lodsb
    testb %al, %al
    jz 4f
    movb %al, %cl
    movw $0x3fd, %dx
3:  inb %dx, %al
    testb $0x20, %al
    jz 3b
    movb %cl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    movl screen_cursor, %edi
    movb %cl, (%edi)
    movb $0x0c, 1(%edi)
    addl $2, screen_cursor
    jmp 2b
4:  hlt
    jmp 4b

.code64
boot_long_mode:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movabsq $boot_stack_top, %rsp
    movl %ebp, %edi
    movl %ebx, %esi
    movabsq $boot_high, %rax
    jmp *%rax

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            # code, 64-bit
    .quad 0x00cf93000000ffff            # data
boot_gdt_pointer:
    .short 23
    .long boot_gdt
screen_cursor:
    .long 0xb8000
no_long_mode_text:
    .asciz "XenSharp: this CPU has no 64-bit long mode, which XenSharp needs; boot it on an x86-64 machine\r\n"

.section .text
boot_high:
    xorl %ebp, %ebp
    call xs_main                        # the stack's top is 16-byte aligned, as compiled code expects before a call
1:  cli
    hlt
    jmp 1b

.section .bss
    .balign 4096
.globl boot_pml4
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pdpt_image: .skip 4096
boot_pd: .skip 4096 * 4
.globl boot_stack, boot_stack_top
boot_stack: .skip 16384
boot_stack_top:
