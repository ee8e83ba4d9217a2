// SPDX-License-Identifier: MIT
// What a vCPU has been doing (struct vcpu_runstate_info, xen/include/public/vcpu.h), and the copy of it in guest memory.
// The scheduler changes the state under the run queue's lock.

using System;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>struct vcpu_runstate_info with its array of times spelt out.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct RunstateRecord
{
    public uint State;
    public uint Padding;
    public ulong EntryTimeNs;
    public ulong RunningNs;
    public ulong RunnableNs;
    public ulong BlockedNs;
    public ulong OfflineNs;
}

public sealed partial class Vcpu
{
    private const int RunstateSize = 48;
    private const int RunstateEntryTimeOffset = 8, NarrowEntryTimeOffset = 4;

    private RunstateKind _runstate = RunstateKind.Offline;
    private ulong _runstateSinceNs;
    private ulong _runningNs;
    private ulong _runnableNs;
    private ulong _blockedNs;
    private ulong _offlineNs;

    public RunstateKind Runstate => _runstate;

    /// <summary>Guest-virtual address of the area that VCPUOP_register_runstate_memory_area named; 0: none.</summary>
    public ulong RunstateArea { get; set; }

    /// <summary>Guest-virtual address of the second struct vcpu_time_info (VCPUOP_register_vcpu_time_memory_area); 0: none.</summary>
    public ulong TimeArea { get; set; }

    /// <summary>The state of the clock that the guest has been told last.</summary>
    internal uint TimeGeneration { get; set; } = uint.MaxValue;

    /// <summary>Stopped by the domain's shutdown, so that a resume lets it go on.</summary>
    internal bool IsPausedForShutdown { get; set; }

    /// <summary>Time on a CPU, ns, without the current stretch.</summary>
    public ulong RunningNs => _runningNs;

    /// <summary>Starts the account: the vCPU has just been made.</summary>
    internal void StartRunstate(ulong nowNs) => _runstateSinceNs = nowNs;

    /// <summary>Enters another state; the time until now goes to the old one.</summary>
    internal void ChangeRunstate(RunstateKind state, ulong nowNs)
    {
        if (state == _runstate)
            return;
        if (nowNs > _runstateSinceNs)
        {
            Charge(nowNs - _runstateSinceNs);
            _runstateSinceNs = nowNs;
        }

        _runstate = state;
    }

    /// <summary>The state and its times; with <paramref name="nowNs"/> not 0 the current stretch is included.</summary>
    internal void CopyRunstate(out RunstateRecord info, ulong nowNs)
    {
        info = default;
        info.State = (uint)_runstate;
        info.EntryTimeNs = _runstateSinceNs;
        info.RunningNs = _runningNs;
        info.RunnableNs = _runnableNs;
        info.BlockedNs = _blockedNs;
        info.OfflineNs = _offlineNs;
        if (nowNs <= _runstateSinceNs)
            return;
        ulong stretch = nowNs - _runstateSinceNs;
        switch (_runstate)
        {
            case RunstateKind.Running:
                info.RunningNs += stretch;
                break;
            case RunstateKind.Runnable:
                info.RunnableNs += stretch;
                break;
            case RunstateKind.Blocked:
                info.BlockedNs += stretch;
                break;
            default:
                info.OfflineNs += stretch;
                break;
        }
    }

    /// <summary>
    /// Writes the guest's copy, as seen through the vCPU's present page tables. A guest that has asked for it
    /// (VMASST_TYPE_runstate_update_flag) finds XEN_RUNSTATE_UPDATE set in the entry time while the rest changes.
    /// An area that is not mapped is left alone.
    /// </summary>
    internal void WriteRunstateArea(in RunstateRecord info)
    {
        ulong address = RunstateArea;
        Span<byte> bytes = stackalloc byte[RunstateSize];
        RunstateRecord copy = info;
        bool announce = (Domain.VmAssist & (1u << (int)VmAssistType.RunstateUpdateFlag)) != 0;
        if (announce)
            copy.EntryTimeNs |= RunstateConstants.Update;
        AbiBytes.OfReadOnly(in copy).CopyTo(bytes);
        if (Domain.EventWordShift != 6)
        {
            GuestLayout.Tighten(AbiBytes.OfReadOnly(in copy), GuestLayout.RunstateInfo, bytes);
            bytes = bytes.Slice(0, GuestLayout.NarrowSize(GuestLayout.RunstateInfo));
            WriteSplitRunstateArea(address, bytes, NarrowEntryTimeOffset, announce, info.EntryTimeNs);
            return;
        }

        int offset = (int)(address & FrameSize.Mask);
        if ((address & 7) != 0 || offset > FrameSize.Bytes - RunstateSize)
        {
            WriteSplitRunstateArea(address, bytes, RunstateEntryTimeOffset, announce, info.EntryTimeNs);
            return;
        }

        Processor.BeginCopy();
        Mfn frame = GuestPageWalk.Translate(this, address, GuestPageAccess.Write);
        if (frame != Mfn.Invalid)
        {
            PhysicalMemory memory = Host.Memory;
            if (announce)
                memory.Write64(frame, offset + RunstateEntryTimeOffset, copy.EntryTimeNs);
            memory.Write(frame, offset, bytes);
            if (announce)
                memory.Write64(frame, offset + RunstateEntryTimeOffset, info.EntryTimeNs);
        }

        Processor.EndCopy();
    }

    private void WriteSplitRunstateArea(ulong address, Span<byte> bytes, int entryTimeOffset, bool announce, ulong entryTime)
    {
        // The mark is the top bit of the entry time, so that its last byte alone carries it.
        ulong mark = address + (uint)entryTimeOffset + 7;
        ReadOnlySpan<byte> last = bytes.Slice(entryTimeOffset + 7, 1);
        if (announce && !GuestAccess.Write(this, mark, last))
            return;
        if (!GuestAccess.Write(this, address, bytes) || !announce)
            return;
        bytes[entryTimeOffset + 7] = (byte)(entryTime >> 56);
        GuestAccess.Write(this, mark, last);
    }

    private void Charge(ulong elapsedNs)
    {
        switch (_runstate)
        {
            case RunstateKind.Running:
                _runningNs += elapsedNs;
                break;
            case RunstateKind.Runnable:
                _runnableNs += elapsedNs;
                break;
            case RunstateKind.Blocked:
                _blockedNs += elapsedNs;
                break;
            default:
                _offlineNs += elapsedNs;
                break;
        }
    }
}
