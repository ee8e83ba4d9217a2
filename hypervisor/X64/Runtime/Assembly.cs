// SPDX-License-Identifier: MIT
// The assembly functions (Native/*.S), one declaration each.

using System.Runtime;
using System.Runtime.CompilerServices;

namespace XenSharp.X64.Runtime;

// SAFETY: bare calls; what each instruction does to the machine is the caller's responsibility.
internal static unsafe class Assembly
{
    private const MethodImplOptions Call = MethodImplOptions.InternalCall;

    [MethodImpl(Call), RuntimeImport("*", "xs_in8")]
    internal static extern byte In8(ushort port);

    [MethodImpl(Call), RuntimeImport("*", "xs_in16")]
    internal static extern ushort In16(ushort port);

    [MethodImpl(Call), RuntimeImport("*", "xs_in32")]
    internal static extern uint In32(ushort port);

    [MethodImpl(Call), RuntimeImport("*", "xs_out8")]
    internal static extern void Out8(ushort port, byte value);

    [MethodImpl(Call), RuntimeImport("*", "xs_out16")]
    internal static extern void Out16(ushort port, ushort value);

    [MethodImpl(Call), RuntimeImport("*", "xs_out32")]
    internal static extern void Out32(ushort port, uint value);

    [MethodImpl(Call), RuntimeImport("*", "xs_read_msr")]
    internal static extern ulong ReadMsr(uint index);

    [MethodImpl(Call), RuntimeImport("*", "xs_write_msr")]
    internal static extern void WriteMsr(uint index, ulong value);

    [MethodImpl(Call), RuntimeImport("*", "xs_try_read_msr")]
    internal static extern int TryReadMsr(uint index, ulong* value);

    [MethodImpl(Call), RuntimeImport("*", "xs_try_write_msr")]
    internal static extern int TryWriteMsr(uint index, ulong value);

    [MethodImpl(Call), RuntimeImport("*", "xs_cpuid")]
    internal static extern void Cpuid(uint leaf, uint subleaf, uint* result);

    [MethodImpl(Call), RuntimeImport("*", "xs_read_tsc")]
    internal static extern ulong ReadTsc();

    [MethodImpl(Call), RuntimeImport("*", "xs_pause")]
    internal static extern void Pause();

    [MethodImpl(Call), RuntimeImport("*", "xs_read_cr2")]
    internal static extern ulong ReadCr2();

    [MethodImpl(Call), RuntimeImport("*", "xs_invalidate_page")]
    internal static extern void InvalidatePage(ulong address);

    [MethodImpl(Call), RuntimeImport("*", "xs_read_cr3")]
    internal static extern ulong ReadCr3();

    [MethodImpl(Call), RuntimeImport("*", "xs_read_cr4")]
    internal static extern ulong ReadCr4();

    [MethodImpl(Call), RuntimeImport("*", "xs_write_cr3")]
    internal static extern void WriteCr3(ulong value);

    [MethodImpl(Call), RuntimeImport("*", "xs_write_cr4")]
    internal static extern void WriteCr4(ulong value);

    [MethodImpl(Call), RuntimeImport("*", "xs_read_xcr0")]
    internal static extern ulong ReadXcr0();

    [MethodImpl(Call), RuntimeImport("*", "xs_write_xcr0")]
    internal static extern void WriteXcr0(ulong value);

    [MethodImpl(Call), RuntimeImport("*", "xs_xsave")]
    internal static extern void Xsave(byte* area, ulong mask, Svm.GuestFrame* frame);

    [MethodImpl(Call), RuntimeImport("*", "xs_xrstor")]
    internal static extern void Xrstor(byte* area, ulong mask, Svm.GuestFrame* frame);

    [MethodImpl(Call), RuntimeImport("*", "xs_fxsave")]
    internal static extern void Fxsave(byte* area, Svm.GuestFrame* frame);

    [MethodImpl(Call), RuntimeImport("*", "xs_fxrstor")]
    internal static extern void Fxrstor(byte* area, Svm.GuestFrame* frame);

    [MethodImpl(Call), RuntimeImport("*", "xs_save_breakpoints")]
    internal static extern void SaveBreakpoints(ref Svm.GuestFrame.BreakpointAddresses four);

    [MethodImpl(Call), RuntimeImport("*", "xs_restore_breakpoints")]
    internal static extern void RestoreBreakpoints(ref Svm.GuestFrame.BreakpointAddresses four);

    [MethodImpl(Call), RuntimeImport("*", "xs_load_tables")]
    internal static extern void LoadTables(void* gdtPointer, void* idtPointer, ushort taskSelector);

    [MethodImpl(Call), RuntimeImport("*", "xs_percpu")]
    internal static extern PerCpu* PerCpu();

    [MethodImpl(Call), RuntimeImport("*", "xs_interrupt_window")]
    internal static extern void InterruptWindow();

    [MethodImpl(Call), RuntimeImport("*", "xs_halt_until_interrupt")]
    internal static extern void HaltUntilInterrupt();

    [MethodImpl(Call), RuntimeImport("*", "xs_halt_forever")]
    internal static extern void HaltForever();

    [MethodImpl(Call), RuntimeImport("*", "xs_run_on_stack")]
    internal static extern void RunOnStack(ulong stackTop, ulong function);

    [MethodImpl(Call), RuntimeImport("*", "xs_triple_fault")]
    internal static extern void TripleFault();

    [MethodImpl(Call), RuntimeImport("*", "xs_vmsave")]
    internal static extern void Vmsave(ulong vmcb);

    [MethodImpl(Call), RuntimeImport("*", "xs_get_trampoline")]
    internal static extern ulong Trampoline();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_trampoline_end")]
    internal static extern ulong TrampolineEnd();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_trampoline_cr3")]
    internal static extern ulong TrampolineParameters();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_text_start")]
    internal static extern ulong TextStart();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_text_end")]
    internal static extern ulong TextEnd();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_rodata_end")]
    internal static extern ulong ReadOnlyEnd();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_image_end")]
    internal static extern ulong ImageEnd();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_boot_pml4")]
    internal static extern ulong BootPageTable();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_trap_stubs")]
    internal static extern ulong* TrapStubs();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_symbol_table")]
    internal static extern ulong* SymbolTable();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_build_id")]
    internal static extern byte* BuildId();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_probe_rdmsr")]
    internal static extern ulong ProbeReadMsr();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_probe_wrmsr")]
    internal static extern ulong ProbeWriteMsr();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_msr_failed")]
    internal static extern ulong MsrFailed();

    [MethodImpl(Call), RuntimeImport("*", "xs_get_run_loop")]
    internal static extern ulong RunLoopEntry();
}
