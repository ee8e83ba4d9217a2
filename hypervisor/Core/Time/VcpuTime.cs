// SPDX-License-Identifier: MIT
// The clock that a guest reads without asking: struct vcpu_time_info in the vCPU's vcpu_info and, if it wants, in a second place.
// Called by the scheduler when it has chosen a vCPU, by the port after a recalibration, and when the guest moves one of the areas.

using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>
/// Both copies are changed by the same protocol (xen/include/public/xen.h): version odd, contents, version even. The guest's cycle
/// counter is the machine's.
/// </summary>
public static class VcpuTime
{
    /// <summary>Offset of the record in struct vcpu_info.</summary>
    private const int InfoOffset = 32;

    private const int SystemTimeOffset = 16;
    private const int TscOffset = 8;
    private const int ScaleOffset = 24;

    /// <summary>Brings the guest's copies up to date if the clock has changed since; on the vCPU's CPU.</summary>
    public static void Update(Vcpu vcpu)
    {
        if (vcpu.TimeGeneration != vcpu.Host.Clock.Generation)
            Write(vcpu, vcpu);
    }

    /// <summary>Writes the copies of <paramref name="vcpu"/> (VCPUOP_register_vcpu_info, _time_memory_area), seen through the caller's page tables.</summary>
    public static void Force(Vcpu vcpu, Vcpu caller) => Write(vcpu, caller);

    private static void Write(Vcpu vcpu, Vcpu view)
    {
        SystemClock clock = vcpu.Host.Clock;
        clock.Read(out ClockStamp stamp, out uint generation);
        uint version;
        using (vcpu.Lock.Enter(view.Processor))
        {
            GuestArea info = vcpu.Info;
            if (!info.IsMapped)
                return;
            vcpu.TimeGeneration = generation;
            version = WriteInfo(vcpu.Host.Memory, info.Frame, info.Offset + InfoOffset, in stamp, Flags(clock));
        }

        if (vcpu.TimeArea != 0)
            WriteSecond(view, vcpu.TimeArea, in stamp, Flags(clock), version);
    }

    private static uint Flags(SystemClock clock) => clock.IsTscStable ? (uint)PvclockFlags.TscStableBit : 0;

    private static uint Scaling(in ClockStamp stamp, uint flags) => (byte)stamp.Shift | (flags << 8);

    // Returns the even version at the end.
    private static uint WriteInfo(PhysicalMemory memory, Mfn frame, int offset, in ClockStamp stamp, uint flags)
    {
        uint version = (memory.Read32(frame, offset) + 1) | 1;
        memory.Write32(frame, offset, version);
        Put(memory, frame, offset + TscOffset, stamp.Tsc);
        Put(memory, frame, offset + SystemTimeOffset, stamp.SystemNs);
        Put(memory, frame, offset + ScaleOffset, ((ulong)Scaling(in stamp, flags) << 32) | stamp.Multiplier);
        version++;
        memory.Write32(frame, offset, version);
        return version;
    }

    // A 32-bit guest may have its vcpu_info aligned to 4.
    private static void Put(PhysicalMemory memory, Mfn frame, int offset, ulong value)
    {
        if ((offset & 7) == 0)
        {
            memory.Write64(frame, offset, value);
            return;
        }

        memory.Write32(frame, offset, (uint)value);
        memory.Write32(frame, offset + sizeof(uint), (uint)(value >> 32));
    }

    private static void WriteSecond(Vcpu view, ulong address, in ClockStamp stamp, uint flags, uint version)
    {
        uint odd = version - 1;
        if (!GuestAccess.TryWrite(view, address, in odd))
            return;
        VcpuTimeInfo record = default;
        record.Version = odd;
        record.TscTimestamp = stamp.Tsc;
        record.SystemTime = stamp.SystemNs;
        record.TscToSystemMul = stamp.Multiplier;
        record.TscShift = stamp.Shift;
        record.Flags = (PvclockFlags)flags;
        if (GuestAccess.TryWrite(view, address, in record))
            GuestAccess.TryWrite(view, address, in version);
    }
}
