# SPDX-License-Identifier: MIT
# Entries from exceptions and interrupts. Each saves everything and calls xs_guest_trap(frame).

.section .text
.balign 16
.globl xs_trap_stubs
xs_trap_stubs:
.set vector, 0
.rept 256
    .balign 16
    .if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
.endr

.balign 16
trap_common:
    cld
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
    movq %rsp, %rdi
    movq %rsp, %rbx
    subq $512, %rsp
    andq $-16, %rsp
    fxsave (%rsp)
    call xs_guest_trap
    fxrstor (%rsp)
    movq %rbx, %rsp
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
    addq $16, %rsp
    iretq

# void xs_load_traps(): the IDT is filled; also finishes the task descriptor's base.
.balign 16
.globl xs_load_traps
xs_load_traps:
    lidt xs_idt_pointer
    ret

# ulong xs_user_hypercall(ulong number, ulong argument1, ulong argument2): the same call from ring 3.
.balign 16
.globl xs_user_hypercall
xs_user_hypercall:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, user_return_stack
    movq %rsp, task_state + 4
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    pushq $0x23
    pushq $user_stack_top
    pushq $2
    pushq $0x2b
    pushq $1f
    iretq
1:  vmmcall
    int $0x80

# Gate of int 0x80 (ring 3 may use it): back to the caller of xs_user_hypercall with rax.
.balign 16
.globl xs_user_return
xs_user_return:
    movq user_return_stack, %rsp
    movl $16, %ecx
    movl %ecx, %ss
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

# void xs_set_task_state(): puts the task state's address into its descriptor and loads it.
.section .data
    .balign 16
.globl task_state
task_state: .skip 104
user_return_stack: .quad 0
.section .bss
    .balign 16
    .skip 4096
user_stack_top:
