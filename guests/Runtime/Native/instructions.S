# SPDX-License-Identifier: MIT
# Instructions that C# has no words for. Those that may fault have a fixup: Traps continues at the second address.

.macro fixup from, to
    .section .fixups, "a"
    .quad \from, \to
    .section .text
.endm

.macro export name
    .balign 16
    .globl \name
\name:
.endm

.section .text

# long xs_hypercall(ulong number, ulong a1, a2, a3, a4, a5)
export xs_hypercall
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    vmmcall
    ret

# long xs_hypercall_by_page(byte* page, ulong number, ulong a1, a2)
export xs_hypercall_by_page
    shlq $5, %rsi
    addq %rdi, %rsi
    movq %rsi, %rax
    movq %rdx, %rdi
    movq %rcx, %rsi
    call *%rax
    ret

# long xs_compat_hypercall(uint number, uint a1, a2, a3, a4, a5): from 32-bit compatibility mode
export xs_compat_hypercall
    pushq %rbx
    pushq %rbp
    movl %edi, %eax
    movl %esi, %ebx
    movl %r8d, %esi
    movl %r9d, %edi
    xchgl %ecx, %edx
    pushq $0x18
    pushq $1f
    lretq
.code32
1:  vmmcall
    ljmp $8, $2f
.code64
2:  movl %eax, %eax
    popq %rbp
    popq %rbx
    ret

# ulong xs_hypercall_changes(): makes a null hypercall; bit n of the result: general register n (in encoding order)
# changed, bit 16 + n: xmm register n changed. rax and rsp are not tested.
export xs_hypercall_changes
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $256, %rsp
    movabsq $0x1122334455667788, %rax
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq %rax, %xmm\n
    punpcklqdq %xmm\n, %xmm\n
    addq $0x01010101, %rax
    .endr
    movl $0xc1c1c1c1, %ecx
    movl $0xd1d1d1d1, %edx
    movl $0xb1b1b1b1, %ebx
    movl $0xb2b2b2b2, %ebp
    movl $0xe1e1e1e1, %r8d
    movl $0xe2e2e2e2, %r9d
    movl $0xe3e3e3e3, %r10d
    movl $0xe4e4e4e4, %r11d
    movl $0xe5e5e5e5, %r12d
    movl $0xe6e6e6e6, %r13d
    movl $0xe7e7e7e7, %r14d
    movl $0xe8e8e8e8, %r15d
    xorl %edi, %edi
    xorl %esi, %esi
    movl $17, %eax
    vmmcall
    xorl %eax, %eax
    .macro differs register, value, bit
    cmpl $\value, %\register
    je 1f
    orl $(1 << \bit), %eax
1:
    .endm
    differs ecx, 0xc1c1c1c1, 1
    differs edx, 0xd1d1d1d1, 2
    differs ebx, 0xb1b1b1b1, 3
    differs ebp, 0xb2b2b2b2, 5
    differs esi, 0, 6
    differs edi, 0, 7
    differs r8d, 0xe1e1e1e1, 8
    differs r9d, 0xe2e2e2e2, 9
    differs r10d, 0xe3e3e3e3, 10
    differs r11d, 0xe4e4e4e4, 11
    differs r12d, 0xe5e5e5e5, 12
    differs r13d, 0xe6e6e6e6, 13
    differs r14d, 0xe7e7e7e7, 14
    differs r15d, 0xe8e8e8e8, 15
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\n, 16*\n(%rsp)
    .endr
    movabsq $0x1122334455667788, %rdx
    xorl %ecx, %ecx
2:  movl %ecx, %esi
    shll $4, %esi
    cmpq %rdx, (%rsp, %rsi)
    jne 3f
    cmpq %rdx, 8(%rsp, %rsi)
    je 4f
3:  leal 16(%rcx), %esi
    btsl %esi, %eax
4:  addq $0x01010101, %rdx
    incl %ecx
    cmpl $16, %ecx
    jb 2b
    addq $256, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

export xs_cpuid                         # void (uint leaf, uint subleaf, uint* out)
    pushq %rbx
    movq %rdx, %r8
    movl %edi, %eax
    movl %esi, %ecx
    cpuid
    movl %eax, (%r8)
    movl %ebx, 4(%r8)
    movl %ecx, 8(%r8)
    movl %edx, 12(%r8)
    popq %rbx
    ret

export xs_rdtsc
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    ret

export xs_try_rdmsr                     # int (uint msr, ulong* value): 0, or 1 after a fault
    movl %edi, %ecx
1:  rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, (%rsi)
    xorl %eax, %eax
    ret
2:  movl $1, %eax
    ret
    fixup 1b, 2b

export xs_try_wrmsr                     # int (uint msr, ulong value)
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
1:  wrmsr
    xorl %eax, %eax
    ret
2:  movl $1, %eax
    ret
    fixup 1b, 2b

export xs_try_vmcall                    # int (): the instruction of the other vendor
    movl $17, %eax
    xorl %edi, %edi
    xorl %esi, %esi
1:  vmcall
    xorl %eax, %eax
    ret
2:  movl $1, %eax
    ret
    fixup 1b, 2b

export xs_try_read32                    # int (ulong address, uint* value)
1:  movl (%rdi), %eax
    movl %eax, (%rsi)
    xorl %eax, %eax
    ret
2:  movl $1, %eax
    ret
    fixup 1b, 2b

export xs_try_write32                   # int (ulong address, uint value)
1:  movl %esi, (%rdi)
    xorl %eax, %eax
    ret
2:  movl $1, %eax
    ret
    fixup 1b, 2b

export xs_in8
    movl %edi, %edx
    xorl %eax, %eax
    inb %dx, %al
    ret
export xs_in16
    movl %edi, %edx
    xorl %eax, %eax
    inw %dx, %ax
    ret
export xs_in32
    movl %edi, %edx
    inl %dx, %eax
    ret
export xs_out8
    movl %edi, %edx
    movl %esi, %eax
    outb %al, %dx
    ret
export xs_out16
    movl %edi, %edx
    movl %esi, %eax
    outw %ax, %dx
    ret
export xs_out32
    movl %edi, %edx
    movl %esi, %eax
    outl %eax, %dx
    ret

export xs_enable_interrupts
    sti
    ret
export xs_disable_interrupts
    cli
    ret
export xs_halt                          # sleeps until an interrupt has been handled; interrupts are off afterwards
    sti
    hlt
    cli
    ret
export xs_halt_forever
    cli
1:  hlt
    jmp 1b
export xs_pause
    pause
    ret
export xs_undefined
    ud2
export xs_triple_fault
    pushq $0
    pushq $0
    lidt (%rsp)
    ud2
export xs_invalidate                    # void (ulong address)
    invlpg (%rdi)
    ret
export xs_reload_cr3
    movq %cr3, %rax
    movq %rax, %cr3
    ret
export xs_set_task_state
    movl $task_state, %eax
    movw %ax, task_descriptor + 2
    shrl $16, %eax
    movb %al, task_descriptor + 4
    movb %ah, task_descriptor + 7
    ret

# void xs_empty_loop(ulong n): two instructions each turn, for calibration
export xs_empty_loop
1:  decq %rdi
    jnz 1b
    ret

# void xs_load_floating_point(ulong n): FXRSTOR n times of what FXSAVE has stored; n is not 0
export xs_load_floating_point
    movq %rsp, %rax
    subq $528, %rsp
    andq $-16, %rsp
    fxsaveq (%rsp)
1:  fxrstorq (%rsp)
    decq %rdi
    jnz 1b
    movq %rax, %rsp
    ret

.macro address name
export xs_address_of_\name
    movq $\name, %rax
    ret
.endm
    address xs_start_info
    address xs_idt
    address xs_trap_stubs
    address xs_user_return
    address xs_fixups_start
    address xs_fixups_end
    address xs_scratch
    address xs_window
    address xs_stacks
    address xs_ap_stack
    address xs_ap_entry
    address xs_trampoline
    address xs_trampoline_end
    address xs_page_root
    address xs_image_end
    address xs_symbol_table

# void xs_breakpoint(): a breakpoint, and behind it instructions whose lengths DebuggedGuest of guests/Builder knows
export xs_breakpoint
    pushq %rbx
    int3
    xorl %eax, %eax
    cpuid
    nop
    popq %rbx
    ret
