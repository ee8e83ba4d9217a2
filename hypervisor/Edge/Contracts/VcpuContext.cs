// SPDX-License-Identifier: MIT
// The registers of one virtual CPU while it is not running guest code. One implementation per port.

using System;

namespace XenSharp.Edge;

/// <summary>Guest register state, valid between an exit and the next entry, or while the vCPU is descheduled.</summary>
public abstract class VcpuContext
{
    public abstract ulong Rax { get; set; }

    public abstract ulong Rbx { get; set; }

    public abstract ulong Rcx { get; set; }

    public abstract ulong Rdx { get; set; }

    public abstract ulong Rsi { get; set; }

    public abstract ulong Rdi { get; set; }

    public abstract ulong R8 { get; set; }

    public abstract ulong R9 { get; set; }

    public abstract ulong R10 { get; set; }

    /// <summary>General register by its encoding (0 = rax, 1 = rcx, 2 = rdx, 3 = rbx, 4 = rsp, 5 = rbp, 6 = rsi, 7 = rdi, 8..15).</summary>
    public abstract ulong GetRegister(int number);

    public abstract void SetRegister(int number, ulong value);

    public abstract ulong Rip { get; set; }

    public abstract ulong Rflags { get; set; }

    public abstract ulong Cr0 { get; }

    public abstract ulong Cr3 { get; }

    public abstract ulong Cr4 { get; }

    public abstract ulong Efer { get; }

    /// <summary>Current privilege level, 0..3.</summary>
    public abstract int PrivilegeLevel { get; }

    /// <summary>True when the code segment is 64-bit and long mode is active.</summary>
    public abstract bool Is64Bit { get; }

    /// <summary>Base of the code segment (0 in 64-bit mode), for instruction fetches by the emulator.</summary>
    public abstract ulong CodeBase { get; }

    /// <summary>Base of data segments as the emulator must add it: 0 except fs/gs in 64-bit mode. 0 es, 1 cs, 2 ss, 3 ds, 4 fs, 5 gs.</summary>
    public abstract ulong SegmentBase(int segment);

    /// <summary>Loads the control registers of a vCPU that has not run; false when the guest may not have these values.</summary>
    public virtual bool TrySetControlRegisters(ulong cr0, ulong cr3, ulong cr4, ulong efer) => false;

    /// <summary>
    /// Loads the hidden part of a segment register, selector 0. Numbers as in <see cref="SegmentBase"/>, and 6 = tr; attributes as in
    /// xen/include/public/hvm/hvm_vcpu.h. Follows a successful <see cref="TrySetControlRegisters"/>.
    /// </summary>
    public virtual void SetSegment(int segment, ulong segmentBase, uint limit, ushort attributes) { }

    /// <summary>Reads a segment register: 0 es, 1 cs, 2 ss, 3 ds, 4 fs, 5 gs, 6 tr, 7 ldtr, 8 gdtr, 9 idtr.</summary>
    public abstract void GetSegment(int segment, out SegmentState state);

    /// <summary>Loads a segment register of a vCPU that does not run; the privilege level follows ss.</summary>
    public abstract void LoadSegment(int segment, in SegmentState state);

    public abstract void GetSystem(out SystemState state);

    /// <summary>Loads values that have been checked into a vCPU that does not run. What the CPU refuses all the same ends its domain.</summary>
    public abstract void LoadSystem(in SystemState state);

    /// <summary>
    /// The x87, SSE and further extended state of a vCPU that does not run (its CPU has saved it): an image in the standard format of
    /// XSAVE. Without XSAVE only its first 512 bytes mean anything.
    /// </summary>
    public abstract Span<byte> ExtendedImage { get; }

    /// <summary>Breakpoints and single steps are exits, for the debugger, and not the guest's. Set while the vCPU does not run.</summary>
    public abstract bool StopsForDebugger { get; set; }

    /// <summary>The PVH entry state: 32-bit flat, paging off, ebx = start info (docs/misc/pvh.pandoc).</summary>
    public abstract void ResetToPvhEntry(uint entry, uint startInfo);

    /// <summary>The state after INIT and SIPI: real mode at <paramref name="vector"/> &lt;&lt; 12.</summary>
    public abstract void ResetToStartup(byte vector);

    /// <summary>Injects an exception at the next entry. <paramref name="errorCode"/> below 0: none.</summary>
    public abstract void InjectException(int vector, int errorCode);
}
