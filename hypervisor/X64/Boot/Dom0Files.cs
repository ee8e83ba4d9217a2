// SPDX-License-Identifier: MIT
// Dom0's kernel and ramdisk among the loader's modules: unpacked where needed, and refused with a sentence where unusable.

using System;
using XenSharp.Core;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Boot.Dom0;
using XenSharp.Core.Boot.Kernel;
using XenSharp.Edge;
using XenSharp.X64.Machine;

namespace XenSharp.X64.Boot;

// SAFETY: modules and the unpacking buffers are ranges of RAM that nothing else uses until Release.
internal static unsafe class Dom0Files
{
    private static ulong s_unpacked;
    private static ulong s_unpackedSize;

    /// <summary>Module 0 is the kernel, module 1 its ramdisk, as in Xen.</summary>
    public static bool Load(Host host, MachineTables tables, ulong keptPage, out Dom0Source source)
    {
        source = default;
        source.Tables = tables;
        source.KeptLowPage = keptPage;
        source.UartPort = EarlyConsole.SerialPort;
        if (BootInformation.ModuleCount == 0)
        {
            host.Console.Print("the loader brought no dom0 kernel: give it as the first module"u8);
            return false;
        }

        ref BootModule first = ref BootInformation.Module(0);
        source.CommandLine = BootInformation.Text(first.CommandLine, first.CommandLineLength);
        KernelImage kernel = KernelImage.Inspect(File(ref first));
        if (kernel.NeedsUnpacking)
            Unpack(ref kernel);
        if (kernel.Error != KernelError.None)
        {
            Span<byte> sentence = stackalloc byte[200];
            int length = kernel.Describe(sentence);
            host.Console.Begin().Text("dom0's kernel "u8).Text(sentence.Slice(0, length)).End();
            return false;
        }

        source.Kernel = kernel;
        if (BootInformation.ModuleCount > 1)
            source.Ramdisk = File(ref BootInformation.Module(1));
        return true;
    }

    /// <summary>Gives the modules' and buffers' memory to the allocator once dom0 holds its copy.</summary>
    public static void Release(Core.Memory.FrameAllocator allocator)
    {
        for (int i = 0; i < BootInformation.ModuleCount; i++)
        {
            ref BootModule module = ref BootInformation.Module(i);
            AddPages(allocator, module.Start, module.End);
        }

        if (s_unpackedSize != 0)
            AddPages(allocator, s_unpacked, s_unpacked + s_unpackedSize);
    }

    private static void AddPages(Core.Memory.FrameAllocator allocator, ulong start, ulong end)
    {
        start = (start + FrameSize.Mask) & ~FrameSize.Mask;
        end &= ~FrameSize.Mask;
        if (end > start)
            allocator.AddRange(Mfn.Containing(start), (end - start) >> FrameSize.Shift);
    }

    private static ReadOnlySpan<byte> File(ref BootModule module) => new(DirectMap.At(module.Start), (int)(module.End - module.Start));

    private static void Unpack(ref KernelImage kernel)
    {
        int size = (int)kernel.UnpackedSize;
        ulong scratchBytes = DecompressScratch.ByteCount, scratchShorts = DecompressScratch.ShortCount * 2, scratchWords = DecompressScratch.WordCount * 4;
        s_unpackedSize = ((uint)size + scratchBytes + scratchShorts + scratchWords + 3 * FrameSize.Bytes) & ~FrameSize.Mask;
        s_unpacked = EarlyMemory.AllocateHigh(s_unpackedSize, FrameSize.Bytes);
        if (s_unpacked == 0)
            EarlyConsole.Stop("the machine has too little memory to unpack dom0's kernel; give it more"u8);
        byte* output = DirectMap.At(s_unpacked);
        byte* words = output + (((uint)size + 15) & ~15u);
        byte* shorts = words + scratchWords;
        byte* bytes = shorts + scratchShorts;
        DecompressScratch scratch = new(new Span<byte>(bytes, (int)scratchBytes), new Span<ushort>(shorts, DecompressScratch.ShortCount), new Span<uint>(words, DecompressScratch.WordCount));
        kernel.Unpack(new Span<byte>(output, size), scratch);
        if (kernel.Error == KernelError.None)
            kernel.InspectUnpacked(new ReadOnlySpan<byte>(output, size));
    }
}
