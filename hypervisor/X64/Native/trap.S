# SPDX-License-Identifier: MIT
# Exceptions and interrupts. C# runs with interrupts off; they are taken only inside xs_interrupt_window and
# xs_halt_until_interrupt, where no register of the caller's is live, so interrupt stubs save nothing.

.section .text

.macro save_registers
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm
.macro restore_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
.endm

# Exceptions 0..31: TrapFrame on the stack, then xs_trap(TrapFrame*), which may change the frame.
.altmacro
.macro exception_stub n
    .balign 16
exception_\n:
    .if (\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21) || (\n == 29) || (\n == 30)
    .else
    pushq $0
    .endif
    pushq $\n
    jmp exception_common
.endm
.set i, 0
.rept 32
    exception_stub %i
    .set i, i + 1
.endr

exception_common:
    save_registers
    cld
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call xs_trap
    movq %rbp, %rsp
    restore_registers
    addq $16, %rsp
    iretq

# Interrupts 32..255: xs_interrupt(vector).
.macro interrupt_stub n
    .balign 16
interrupt_\n:
    pushq $\n
    jmp interrupt_common
.endm
.set i, 32
.rept 224
    interrupt_stub %i
    .set i, i + 1
.endr

interrupt_common:
    movq (%rsp), %rdi
    movq %rbp, (%rsp)
    movq %rsp, %rbp
    andq $-16, %rsp
    call xs_interrupt
    movq %rbp, %rsp
    popq %rbp
    iretq

# void xs_managed_fault(int kind): a failed check in C#, as an exception with vector 256 + kind at the caller.
.balign 16
.globl xs_managed_fault
xs_managed_fault:
    popq %rax                           # the faulting method
    movq %rsp, %rcx
    pushq $0
    pushq %rcx
    pushfq
    pushq $8
    pushq %rax
    pushq $0
    addl $256, %edi
    pushq %rdi
    jmp exception_common

.section .rodata
.balign 8
.globl xs_trap_stubs
xs_trap_stubs:                          # 32 exceptions, 224 interrupts
.macro stub_address prefix n
    .quad \prefix\()_\n
.endm
.set i, 0
.rept 32
    stub_address exception %i
    .set i, i + 1
.endr
.rept 224
    stub_address interrupt %i
    .set i, i + 1
.endr
