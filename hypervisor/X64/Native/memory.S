# SPDX-License-Identifier: MIT
# Block moves for CoreLib, write barriers and other helpers that compiled C# calls by name.

.section .text

# void xs_memmove(byte* destination, byte* source, nuint count)
.balign 16
.globl xs_memmove
xs_memmove:
    movq %rdi, %rax
    subq %rsi, %rax
    cmpq %rdx, %rax                     # destination inside [source, source + count): copy backwards
    jb 1f
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
    rep movsb
    ret
1:  testq %rax, %rax
    jz 2f
    leaq -1(%rdi, %rdx), %rdi
    leaq -1(%rsi, %rdx), %rsi
    movq %rdx, %rcx
    std
    rep movsb
    cld
2:  ret

# void xs_memset(byte* destination, byte value, nuint count)
.balign 16
.globl xs_memset
xs_memset:
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep stosq
    movl %edx, %ecx
    andl $7, %ecx
    rep stosb
    ret

# Reference stores: no collector, so a plain store.
.balign 16
.globl RhpAssignRef, RhpCheckedAssignRef
RhpAssignRef:
RhpCheckedAssignRef:
    movq %rsi, (%rdi)
    ret
.balign 16
.globl RhpByRefAssignRef
RhpByRefAssignRef:
    movq (%rsi), %rcx
    movq %rcx, (%rdi)
    addq $8, %rdi
    addq $8, %rsi
    ret

# Frames of more than a page: touch each page so that a guard page is met. r11 = new rsp.
.balign 16
.globl RhpStackProbe
RhpStackProbe:
    pushq %rax
    leaq (%rsp), %rax
1:  subq $4096, %rax
    testq %rax, (%rax)
    cmpq %r11, %rax
    ja 1b
    popq %rax
    ret

.balign 16
.globl RhpFallbackFailFast
RhpFallbackFailFast:
    movl $9, %edi
    jmp xs_managed_fault

# The generated program entry is linked but never called.
.globl RhpReversePInvoke, RhpReversePInvokeReturn
RhpReversePInvoke:
RhpReversePInvokeReturn:
    ret

.section .data
.globl __security_cookie
__security_cookie: .quad 0x7a3c19e2b45d08f6
