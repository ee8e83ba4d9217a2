// SPDX-License-Identifier: MIT
// Further vCPUs: started by INIT and start-up IPIs or by VCPUOP_initialise, each on a stack of its own.

using System;
using System.Runtime;
using System.Threading;

namespace XenSharp.Guests;

public static unsafe class Smp
{
    public const int MaxVcpus = 64;
    private const ulong StackSize = 16384, Trampoline = 0x8000;

    private static ulong s_online;

    /// <summary>The running vCPU's number, told from its stack.</summary>
    public static int Current
    {
        get
        {
            byte here;
            ulong offset = (ulong)&here - Native.Stacks();
            return offset < StackSize * MaxVcpus ? (int)(offset / StackSize) + 1 : 0;
        }
    }

    /// <summary>Bit n: vCPU n has entered C# since it was started last.</summary>
    public static ulong Online => Volatile.Read(ref s_online);

    public static void MarkOffline(int vcpu) => Interlocked.And(ref s_online, ~(1UL << vcpu));

    /// <summary>By INIT and start-up IPI; the local APIC of the caller is on.</summary>
    public static void StartByIpi(int vcpu)
    {
        Prepare(vcpu);
        // SAFETY: page 8 is RAM below 1 MiB that nothing else of this kernel uses.
        new ReadOnlySpan<byte>((void*)Native.Trampoline(), (int)(Native.TrampolineEnd() - Native.Trampoline())).CopyTo(new Span<byte>((void*)Trampoline, 4096));
        LocalApic.SendInit((uint)vcpu * 2);
        LocalApic.SendStartup((uint)vcpu * 2, (byte)(Trampoline >> 12));
    }

    /// <summary>VCPUOP_initialise with a 64-bit context (`xen/include/public/hvm/hvm_vcpu.h`), then VCPUOP_up.</summary>
    public static long StartByHypercall(int vcpu)
    {
        Prepare(vcpu);
        byte* context = stackalloc byte[512];
        new Span<byte>(context, 512).Clear();
        FillContext(new Span<byte>(context, 512));
        long result = Native.Hypercall(Call.VcpuOp, 0, (ulong)vcpu, (ulong)context, 0, 0);
        return result < 0 ? result : Native.Hypercall(Call.VcpuOp, 1, (ulong)vcpu, 0, 0, 0);
    }

    /// <summary>The 64-bit context that enters <see cref="StartByHypercall"/>'s code, for tests that spoil it.</summary>
    public static void FillContext(Span<byte> context)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(context, 1);
        Span<byte> registers = context.Slice(8);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 4), Native.ImageEnd());
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 8), Native.ApEntry());
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 9), 2);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 10), 0x80010033);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 11), Native.PageRoot());
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 12), 0x6a0);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(8 * 13), 0xd00);
    }

    private static void Prepare(int vcpu)
    {
        if (vcpu < 1 || vcpu > MaxVcpus)
            Machine.Fail("no such vCPU"u8);
        *(ulong*)Native.ApStack() = Native.Stacks() + (StackSize * (ulong)vcpu);
    }

    [RuntimeExport("xs_guest_ap")]
    private static int Enter()
    {
        int vcpu = Current;
        LocalApic.Enable();
        Interlocked.Or(ref s_online, 1UL << vcpu);
        return vcpu;
    }
}
