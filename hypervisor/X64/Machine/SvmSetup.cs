// SPDX-License-Identifier: MIT
// Turning SVM on (AMD APM vol. 2, 15.4).

using System;
using XenSharp.Edge;
using XenSharp.X64.Boot;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

// SAFETY: the two pages are taken for this CPU and kept for good.
internal static unsafe class SvmSetup
{
    /// <summary>One sentence saying why this machine cannot run guests, or empty.</summary>
    public static ReadOnlySpan<byte> Refusal()
    {
        if (!CpuFeatures.HasSvm)
            return "this CPU has no AMD SVM (hardware virtualisation), which XenSharp needs; use a machine or an emulated CPU with it"u8;
        if (!CpuFeatures.HasNestedPaging)
            return "this CPU has AMD SVM but no nested paging, which XenSharp needs; use a machine or an emulated CPU with it"u8;
        ulong control;
        if (Assembly.TryReadMsr(Msr.VmCr, &control) != 0 && (control & 16) != 0)
            return "AMD SVM is switched off by the firmware; enable it in the firmware's set-up"u8;
        return default;
    }

    /// <summary>Enables SVM on the calling CPU and saves what VMLOAD restores after each guest's run.</summary>
    public static void Enable(PerCpu* block)
    {
        Assembly.WriteMsr(Msr.Efer, Assembly.ReadMsr(Msr.Efer) | Msr.EferSvm);
        block->HostSaveArea = EarlyMemory.Allocate(FrameSize.Bytes, FrameSize.Bytes);
        block->HostVmcb = EarlyMemory.Allocate(FrameSize.Bytes, FrameSize.Bytes);
        new Span<byte>(DirectMap.At(block->HostVmcb), FrameSize.Bytes).Clear();
        Assembly.WriteMsr(Msr.VmHsavePa, block->HostSaveArea);
        Assembly.Vmsave(block->HostVmcb);
    }
}
