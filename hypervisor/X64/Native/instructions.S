# SPDX-License-Identifier: MIT
# Single instructions that C# cannot express, in the order of Runtime/Assembly.cs.

.section .text

.macro function name
    .balign 16
    .globl \name
\name:
.endm

function xs_in8
    movl %edi, %edx
    xorl %eax, %eax
    inb %dx, %al
    ret
function xs_in16
    movl %edi, %edx
    xorl %eax, %eax
    inw %dx, %ax
    ret
function xs_in32
    movl %edi, %edx
    inl %dx, %eax
    ret
function xs_out8
    movl %edi, %edx
    movl %esi, %eax
    outb %al, %dx
    ret
function xs_out16
    movl %edi, %edx
    movl %esi, %eax
    outw %ax, %dx
    ret
function xs_out32
    movl %edi, %edx
    movl %esi, %eax
    outl %eax, %dx
    ret

function xs_read_msr
    movl %edi, %ecx
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    ret
function xs_write_msr
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    wrmsr
    ret

# bool xs_try_read_msr(uint index, ulong* value), bool xs_try_write_msr(uint index, ulong value):
# a general protection fault resumes at xs_msr_failed (the trap handler compares rip).
function xs_try_read_msr
    movl %edi, %ecx
.globl xs_probe_rdmsr
xs_probe_rdmsr:
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, (%rsi)
    movl $1, %eax
    ret
function xs_try_write_msr
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
.globl xs_probe_wrmsr
xs_probe_wrmsr:
    wrmsr
    movl $1, %eax
    ret
function xs_msr_failed
    xorl %eax, %eax
    ret

# void xs_cpuid(uint leaf, uint subleaf, uint* result)   result[0..3] = eax, ebx, ecx, edx
function xs_cpuid
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

function xs_read_tsc
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    ret
function xs_pause
    pause
    ret
function xs_read_cr2
    movq %cr2, %rax
    ret
function xs_invalidate_page
    invlpg (%rdi)
    ret
function xs_read_cr3
    movq %cr3, %rax
    ret
function xs_read_cr4
    movq %cr4, %rax
    ret
function xs_write_cr3
    movq %rdi, %cr3
    ret
function xs_write_cr4
    movq %rdi, %cr4
    ret
function xs_read_xcr0
    xorl %ecx, %ecx
    xgetbv
    shlq $32, %rdx
    orq %rdx, %rax
    ret
function xs_write_xcr0
    xorl %ecx, %ecx
    movl %edi, %eax
    movq %rdi, %rdx
    shrq $32, %rdx
    xsetbv
    ret
# void xs_save_breakpoints(ulong* four), void xs_restore_breakpoints(ulong* four): DR0..DR3
function xs_save_breakpoints
    movq %dr0, %rax
    movq %rax, (%rdi)
    movq %dr1, %rax
    movq %rax, 8(%rdi)
    movq %dr2, %rax
    movq %rax, 16(%rdi)
    movq %dr3, %rax
    movq %rax, 24(%rdi)
    ret
function xs_restore_breakpoints
    movq (%rdi), %rax
    movq %rax, %dr0
    movq 8(%rdi), %rax
    movq %rax, %dr1
    movq 16(%rdi), %rax
    movq %rax, %dr2
    movq 24(%rdi), %rax
    movq %rax, %dr3
    ret

# void xs_load_tables(gdt pointer, idt pointer, ushort tss selector): also reloads the segment registers.
function xs_load_tables
    lgdt (%rdi)
    lidt (%rsi)
    ltr %dx
    pushq $8
    leaq 1f(%rip), %rax
    pushq %rax
    lretq
1:  xorl %eax, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    ret

# PerCpu* xs_percpu()
function xs_percpu
    movq %gs:0, %rax
    ret

# Lets waiting interrupts in; the caller keeps nothing in caller-saved registers across a call.
function xs_interrupt_window
    sti
    nop
    cli
    ret
function xs_halt_until_interrupt
    sti
    hlt
    cli
    ret
function xs_halt_forever
    cli
    hlt
    jmp xs_halt_forever

# void xs_run_on_stack(ulong stackTop, delegate* function): leaves the current stack for good.
function xs_run_on_stack
    movq %rdi, %rsp
    xorl %ebp, %ebp
    pushq $0
    jmp *%rsi

# Resets the machine by a triple fault: an empty IDT and an exception.
function xs_triple_fault
    lidt empty_idt(%rip)
    int3
.section .rodata
empty_idt: .short 0
    .quad 0
