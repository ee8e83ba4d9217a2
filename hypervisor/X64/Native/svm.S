# SPDX-License-Identifier: MIT
# The world switch (AMD APM vol. 2, 15.5 "VMRUN instruction").

.include "xmm.inc"                      # SAVE_XMM, RESTORE_XMM: the registers that compiled code uses

# Offsets in struct GuestFrame (X64/Svm/GuestFrame.cs).
.set RBX, 0
.set RCX, 8
.set RDX, 16
.set RSI, 24
.set RDI, 32
.set RBP, 40
.set R8, 48
.set R9, 56
.set R10, 64
.set R11, 72
.set R12, 80
.set R13, 88
.set R14, 96
.set R15, 104
.set VMCB, 112                          # machine address of the guest's VMCB
.set HOST_VMCB, 120                     # machine address of this CPU's VMCB for VMLOAD
.set XMM, 128

.section .text

# The CPU's loop: never returns. C# chooses a guest (xs_next_guest), the guest runs until its next exit, C# serves that (xs_guest_left). Nothing is
# kept in registers or on the stack, so compiled code's registers need not be saved over the guest's run. Interrupts are off outside the guest.
.set RUNNER, 16                         # offset in struct PerCpu (X64/Runtime/PerCpu.cs)
.balign 16
.globl xs_run_loop
xs_run_loop:
    subq $8, %rsp                       # the guest's frame; the stack is aligned for calls
1:  movq %gs:RUNNER, %rdi
    call xs_next_guest
    movq %rax, %rdi
    movq %rax, (%rsp)
    RESTORE_XMM
    movq VMCB(%rdi), %rax
    movq RBX(%rdi), %rbx
    movq RCX(%rdi), %rcx
    movq RDX(%rdi), %rdx
    movq RSI(%rdi), %rsi
    movq RBP(%rdi), %rbp
    movq R8(%rdi), %r8
    movq R9(%rdi), %r9
    movq R10(%rdi), %r10
    movq R11(%rdi), %r11
    movq R12(%rdi), %r12
    movq R13(%rdi), %r13
    movq R14(%rdi), %r14
    movq R15(%rdi), %r15
    movq RDI(%rdi), %rdi
    clgi                                # from here to VMRUN nothing intervenes; IF=1 lets interrupts end the guest's run
    sti
    vmload %rax
    vmrun %rax
    vmsave %rax
    pushq %rdi
    movq 8(%rsp), %rdi
    movq HOST_VMCB(%rdi), %rax
    vmload %rax
    cli
    stgi
    movq %rbx, RBX(%rdi)
    movq %rcx, RCX(%rdi)
    movq %rdx, RDX(%rdi)
    movq %rsi, RSI(%rdi)
    popq RDI(%rdi)
    movq %rbp, RBP(%rdi)
    movq %r8, R8(%rdi)
    movq %r9, R9(%rdi)
    movq %r10, R10(%rdi)
    movq %r11, R11(%rdi)
    movq %r12, R12(%rdi)
    movq %r13, R13(%rdi)
    movq %r14, R14(%rdi)
    movq %r15, R15(%rdi)
    SAVE_XMM
    cld
    xorl %ebp, %ebp                     # the guest's is no frame
    movq %gs:RUNNER, %rdi
    call xs_guest_left
    jmp 1b

# The extended state of a vCPU goes to memory and back. The registers that compiled code uses are in the frame while the hypervisor runs.

# void xs_xsave(byte* area, ulong mask, GuestFrame*)
.balign 16
.globl xs_xsave
xs_xsave:
    movq %rdi, %rcx
    movq %rdx, %rdi
    RESTORE_XMM
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    xsave64 (%rcx)
    ret

# void xs_xrstor(byte* area, ulong mask, GuestFrame*)
.balign 16
.globl xs_xrstor
xs_xrstor:
    movq %rdi, %rcx
    movq %rdx, %rdi
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    xrstor64 (%rcx)
    SAVE_XMM
    ret

# void xs_fxsave(byte* area, GuestFrame*)
.balign 16
.globl xs_fxsave
xs_fxsave:
    movq %rdi, %rcx
    movq %rsi, %rdi
    RESTORE_XMM
    fxsave64 (%rcx)
    ret

# void xs_fxrstor(byte* area, GuestFrame*)
.balign 16
.globl xs_fxrstor
xs_fxrstor:
    fxrstor64 (%rdi)
    movq %rsi, %rdi
    SAVE_XMM
    ret

# void xs_vmsave(ulong vmcbAddress): stores the host's FS, GS, TR, LDTR and system-call MSRs.
.balign 16
.globl xs_vmsave
xs_vmsave:
    movq %rdi, %rax
    vmsave %rax
    ret
