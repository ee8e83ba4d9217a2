.section .text
.balign 16
.globl xs_out8
xs_out8: movl %edi, %edx
 movl %esi, %eax
 outb %al, %dx
 ret
