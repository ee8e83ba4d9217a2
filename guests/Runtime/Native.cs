// SPDX-License-Identifier: MIT
// The assembly functions of Native/*.S, for this assembly only.

using System.Runtime;
using System.Runtime.CompilerServices;

namespace XenSharp.Guests;

internal static unsafe class Native
{
    [RuntimeImport("*", "xs_hypercall"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern long Hypercall(ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5);

    [RuntimeImport("*", "xs_hypercall_by_page"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern long HypercallByPage(ulong page, ulong number, ulong a1, ulong a2);

    [RuntimeImport("*", "xs_compat_hypercall"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern long CompatHypercall(uint number, uint a1, uint a2, uint a3, uint a4, uint a5);

    [RuntimeImport("*", "xs_user_hypercall"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern long UserHypercall(ulong number, ulong a1, ulong a2);

    [RuntimeImport("*", "xs_hypercall_changes"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint HypercallChanges();

    [RuntimeImport("*", "xs_cpuid"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Cpuid(uint leaf, uint subleaf, uint* result);

    [RuntimeImport("*", "xs_breakpoint"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Breakpoint();

    [RuntimeImport("*", "xs_rdtsc"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Rdtsc();

    [RuntimeImport("*", "xs_try_rdmsr"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern int TryReadMsr(uint msr, ulong* value);

    [RuntimeImport("*", "xs_try_wrmsr"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern int TryWriteMsr(uint msr, ulong value);

    [RuntimeImport("*", "xs_try_vmcall"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern int TryVmcall();

    [RuntimeImport("*", "xs_try_read32"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern int TryRead32(ulong address, uint* value);

    [RuntimeImport("*", "xs_try_write32"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern int TryWrite32(ulong address, uint value);

    [RuntimeImport("*", "xs_in8"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint In8(uint port);

    [RuntimeImport("*", "xs_in16"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint In16(uint port);

    [RuntimeImport("*", "xs_in32"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint In32(uint port);

    [RuntimeImport("*", "xs_out8"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Out8(uint port, uint value);

    [RuntimeImport("*", "xs_out16"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Out16(uint port, uint value);

    [RuntimeImport("*", "xs_out32"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Out32(uint port, uint value);

    [RuntimeImport("*", "xs_enable_interrupts"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void EnableInterrupts();

    [RuntimeImport("*", "xs_disable_interrupts"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void DisableInterrupts();

    [RuntimeImport("*", "xs_halt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Halt();

    [RuntimeImport("*", "xs_halt_forever"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void HaltForever();

    [RuntimeImport("*", "xs_pause"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Pause();

    [RuntimeImport("*", "xs_undefined"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Undefined();

    [RuntimeImport("*", "xs_triple_fault"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void TripleFault();

    [RuntimeImport("*", "xs_invalidate"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Invalidate(ulong address);

    [RuntimeImport("*", "xs_reload_cr3"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void ReloadPageTables();

    [RuntimeImport("*", "xs_load_traps"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void LoadTraps();

    [RuntimeImport("*", "xs_empty_loop"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void EmptyLoop(ulong turns);

    [RuntimeImport("*", "xs_load_floating_point"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void LoadFloatingPoint(ulong times);

    [RuntimeImport("*", "xs_address_of_xs_start_info"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong StartInfo();

    [RuntimeImport("*", "xs_address_of_xs_idt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Idt();

    [RuntimeImport("*", "xs_address_of_xs_trap_stubs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong TrapStubs();

    [RuntimeImport("*", "xs_address_of_xs_user_return"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong UserReturn();

    [RuntimeImport("*", "xs_address_of_xs_fixups_start"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong FixupsStart();

    [RuntimeImport("*", "xs_address_of_xs_fixups_end"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong FixupsEnd();

    [RuntimeImport("*", "xs_address_of_xs_scratch"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Scratch();

    [RuntimeImport("*", "xs_address_of_xs_window"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Window();

    [RuntimeImport("*", "xs_address_of_xs_stacks"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Stacks();

    [RuntimeImport("*", "xs_address_of_xs_ap_stack"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ApStack();

    [RuntimeImport("*", "xs_address_of_xs_ap_entry"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ApEntry();

    [RuntimeImport("*", "xs_address_of_xs_trampoline"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Trampoline();

    [RuntimeImport("*", "xs_address_of_xs_trampoline_end"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong TrampolineEnd();

    [RuntimeImport("*", "xs_address_of_xs_page_root"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong PageRoot();

    [RuntimeImport("*", "xs_address_of_xs_image_end"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ImageEnd();

    [RuntimeImport("*", "xs_address_of_xs_symbol_table"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong SymbolTable();
}
