// SPDX-License-Identifier: MIT
// A domain's memory by the addresses that a vCPU uses: its page tables are walked here, as libxenctrl's xc_translate_foreign_address does. Used by xenctx.

using System;
using System.Buffers.Binary;
using System.IO;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Inspection;

/// <param name="map">Maps one guest frame for reading; throws <see cref="IOException"/> where there is no memory.</param>
internal sealed class GuestMemory(Func<ulong, SharedPages> map, ulong cr0, ulong cr3, ulong cr4, ulong efer) : IDisposable
{
    private const int PageShift = 12, PageSize = 1 << PageShift;
    private const ulong PagingEnabled = 1UL << 31, PhysicalAddressExtension = 1UL << 5, FiveLevels = 1UL << 12, LongModeActive = 1UL << 10;
    private const ulong Present = 1, LargePage = 1UL << 7, AddressMask = 0x000F_FFFF_FFFF_F000;

    private readonly byte[] _page = new byte[PageSize];
    private ulong _frame = ulong.MaxValue;
    private SharedPages? _mapped;

    public static GuestMemory Of(Func<ulong, SharedPages> map, in HvmHwCpu cpu) => new(map, cpu.Cr0, cpu.Cr3, cpu.Cr4, cpu.MsrEfer);

    /// <summary>One byte; false if nothing is mapped there.</summary>
    public bool TryRead(ulong address, out byte value)
    {
        value = 0;
        if (!TryTranslate(address, out ulong physical) || !TryLoad(physical >> PageShift))
            return false;
        value = _page[(int)(physical % PageSize)];
        return true;
    }

    /// <summary>A word of 2, 4 or 8 bytes; bytes that are not mapped are ones.</summary>
    public ulong ReadWord(ulong address, int width)
    {
        ulong word = 0;
        for (int index = 0; index < width; index++)
            word |= (ulong)(TryRead(address + (ulong)index, out byte value) ? value : (byte)0xFF) << (8 * index);
        return word;
    }

    /// <summary>The guest's physical address.</summary>
    public bool TryTranslate(ulong address, out ulong physical)
    {
        physical = address;
        if ((cr0 & PagingEnabled) == 0)
            return true;
        bool isLong = (efer & LongModeActive) != 0, isWide = isLong || (cr4 & PhysicalAddressExtension) != 0;
        int levels = isLong ? (cr4 & FiveLevels) != 0 ? 5 : 4 : isWide ? 3 : 2;
        int bits = isWide ? 9 : 10, entrySize = isWide ? 8 : 4;
        if (!isLong)
            address &= uint.MaxValue;
        ulong table = cr3 & (levels == 3 ? 0xFFFF_FFE0UL : levels == 2 ? 0xFFFF_F000UL : AddressMask);
        for (int level = levels; level > 0; level--)
        {
            int shift = PageShift + ((level - 1) * bits);
            ulong index = (address >> shift) & ((1UL << bits) - 1);
            ulong place = table + (index * (ulong)entrySize);
            if (!TryLoad(place >> PageShift))
                return false;
            ReadOnlySpan<byte> bytes = _page.AsSpan((int)(place % PageSize), entrySize);
            ulong entry = isWide ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            if ((entry & Present) == 0)
                return false;
            bool isLeaf = level == 1 || ((entry & LargePage) != 0 && level < 4 && !(levels == 3 && level == 3));
            ulong mask = (1UL << shift) - 1;
            if (isLeaf)
            {
                physical = (entry & AddressMask & ~mask) | (address & mask);
                return true;
            }
            table = entry & AddressMask;
        }
        return false;
    }

    public void Dispose() => _mapped?.Dispose();

    private bool TryLoad(ulong frame)
    {
        if (frame == _frame)
            return true;
        try
        {
            _mapped?.Dispose();
            _mapped = null;
            _frame = ulong.MaxValue;
            _mapped = map(frame);
            _mapped.Read(0, _page);
            _frame = frame;
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
