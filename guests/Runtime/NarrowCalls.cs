// SPDX-License-Identifier: MIT
// Hypercalls of a 64-bit kernel made as a 32-bit one: from compatibility mode, with the structures laid out in 32-bit words
// (xen/include/public/arch-x86/xen-x86_32.h). Called by Hypercall when a kernel asks for that.

using System;

namespace XenSharp.Guests;

/// <summary>
/// Callers keep to the 64-bit form. A structure that lies in scratch pages, and the lists of words that it names, are copied in the 32-bit form into
/// pages kept for that; what the hypervisor changed there is copied back. All else is handed over as it is, cut to 32 bits.
/// </summary>
internal static unsafe class NarrowCalls
{
    // Kept out of the hands of tests: the last scratch pages but that of shared info.
    private const int StructurePage = Page.Count - 6, FirstListPage = Page.Count - 5;

    private struct Shape
    {
        // Which argument points to it: 1 to 3; 0: there is none. How many there are.
        public int Argument;
        public ulong Count;

        // The fields that point to lists of words, and those that count them.
        public int List0;
        public int Count0;
        public int List1;
        public int Count1;

        // The offset of the structure behind the pointer.
        public uint Offset;
    }

    public static long Make(ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5)
    {
        if (number == Call.SetTimerOp)
            return Raw(number, (uint)a1, a1 >> 32, 0, 0, 0);
        ReadOnlySpan<byte> fields = Find(number, a1, a2, a3, out Shape shape);
        ulong address = shape.Argument switch { 1 => a1, 2 => a2, 3 => a3, _ => 0 };
        ulong wide = WideSize(fields), narrow = NarrowSize(fields), count = shape.Count;
        if (fields.Length == 0 || count == 0 || !IsScratch(address, shape.Offset + (wide * count)))
            return Raw(number, a1, a2, a3, a4, a5);
        count = Math.Min(count, (4096 - shape.Offset) / narrow);
        byte* source = (byte*)address;
        byte* copy = (byte*)new Page(StructurePage).Clear().Address;
        Copy(copy, source, shape.Offset);
        for (ulong i = 0; i < count; i++)
            Convert(source + shape.Offset + (i * wide), copy + shape.Offset + (i * narrow), fields);
        byte* before = stackalloc byte[4096];
        ConvertLists(source + shape.Offset, copy + shape.Offset, fields, in shape);
        Copy(before, copy, 4096);
        ulong at = (ulong)copy;
        long result = Raw(number, shape.Argument == 1 ? at : a1, shape.Argument == 2 ? at : a2, shape.Argument == 3 ? at : a3, a4, a5);
        CopyChanged(source, copy, before, shape.Offset);
        for (ulong i = 0; i < count; i++)
            Return(source + shape.Offset + (i * wide), copy + shape.Offset + (i * narrow), before + shape.Offset + (i * narrow), fields);
        ReturnLists(source + shape.Offset, fields, in shape);
        return result;
    }

    private static long Raw(ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5) =>
        (int)Native.CompatHypercall((uint)number, (uint)a1, (uint)a2, (uint)a3, (uint)a4, (uint)a5);

    private static ReadOnlySpan<byte> Find(ulong number, ulong a1, ulong a2, ulong a3, scoped out Shape shape)
    {
        shape = default;
        shape.Count = 1;
        shape.Argument = 2;
        shape.List0 = shape.List1 = -1;
        switch ((uint)number)
        {
            case Call.MemoryOp:
                return FindMemory((uint)a1 & 63, ref shape);
            case Call.Multicall:
                shape.Argument = 1;
                shape.Count = Math.Min(a2, 128);
                return "WWWWWWWW"u8;
            case Call.XenVersion:
                return (uint)a1 == 5 ? "W"u8 : default;
            case Call.GrantTableOp:
                shape.Count = Math.Min(a3, 64);
                switch ((uint)a1)
                {
                    case 2:
                        NameLists(ref shape, 3, 1, -1, 0);
                        return "HDHW"u8;
                    case 4: return "WHDH"u8;
                    case 5: return "WHH|WHH|HHH"u8;
                    case 9: return "DHHW"u8;
                    default: return default;
                }

            case Call.VcpuOp:
                shape.Argument = 3;
                return (uint)a1 switch { 4 => "DQQQQQ"u8, 8 => "QD"u8, _ => default };
            case Call.MmuextOp:
                shape.Argument = 1;
                shape.Count = Math.Min(a2, 64);
                return "DWW"u8;
            case Call.SchedOp:
                return (uint)a1 == 3 ? "WDQ"u8 : default;
            case Call.DmOp:
                shape.Argument = 3;
                shape.Count = Math.Min(a2, 64);
                return "WW"u8;
            case Call.PlatformOp:
                shape.Argument = 1;
                shape.Offset = 8;
                return IsScratch(a1, 8) ? *(uint*)a1 switch { 35 => "WD"u8, 61 => "DDW"u8, 63 => "DDWQB"u8, _ => default } : default;
            default:
                return default;
        }
    }

    private static ReadOnlySpan<byte> FindMemory(uint operation, scoped ref Shape shape)
    {
        switch (operation)
        {
            case 0 or 1 or 6:
                NameLists(ref shape, 0, 1, -1, 0);
                return "WWDDH"u8;
            case 5: return "DWD"u8;
            case 7: return "HHDWW"u8;
            case 9 or 10: return "DW"u8;
            case 11:
                NameLists(ref shape, 0, 1, 6, 7);
                return "WWDDH|WWDDH|W"u8;
            case 12: return "WWW"u8;
            case 13: return "H|DW"u8;
            case 15: return "HW"u8;
            case 16 or 17: return "QQQQH"u8;
            case 23:
                NameLists(ref shape, 4, 2, 5, 2);
                return "HHHHWWW"u8;
            case 24: return "WWDDH"u8;
            case 27: return "DDWHH"u8;
            case 28:
                NameLists(ref shape, 6, 3, -1, 0);
                return "HHDDDQW"u8;
            default: return default;
        }
    }

    private static void NameLists(scoped ref Shape shape, int list0, int count0, int list1, int count1)
    {
        shape.List0 = list0;
        shape.Count0 = count0;
        shape.List1 = list1;
        shape.Count1 = count1;
    }

    private static void ConvertLists(byte* wide, byte* narrow, ReadOnlySpan<byte> fields, in Shape shape)
    {
        for (int which = 0; which < 2; which++)
        {
            int list = which == 0 ? shape.List0 : shape.List1;
            if (list < 0 || !TryList(wide, fields, list, which == 0 ? shape.Count0 : shape.Count1, out ulong* words, out ulong count))
                continue;
            uint* copy = (uint*)ListPage(which).Clear().Address;
            uint* before = (uint*)ListPage(which + 2).Clear().Address;
            for (ulong i = 0; i < count; i++)
                before[i] = copy[i] = (uint)words[i];
            *(uint*)(narrow + Offset(fields, list, isWide: false)) = (uint)(ulong)copy;
        }
    }

    private static void ReturnLists(byte* wide, ReadOnlySpan<byte> fields, in Shape shape)
    {
        for (int which = 0; which < 2; which++)
        {
            int list = which == 0 ? shape.List0 : shape.List1;
            if (list < 0 || !TryList(wide, fields, list, which == 0 ? shape.Count0 : shape.Count1, out ulong* words, out ulong count))
                continue;
            uint* copy = (uint*)ListPage(which).Address;
            uint* before = (uint*)ListPage(which + 2).Address;
            for (ulong i = 0; i < count; i++)
            {
                if (copy[i] != before[i])
                    words[i] = copy[i];
            }
        }
    }

    private static Page ListPage(int which) => new(FirstListPage + which);

    private static bool TryList(byte* wide, ReadOnlySpan<byte> fields, int list, int counter, out ulong* words, out ulong count)
    {
        const ulong most = 512;
        words = *(ulong**)(wide + Offset(fields, list, isWide: true));
        byte* at = wide + Offset(fields, counter, isWide: true);
        count = fields[counter] switch { (byte)'W' => *(ulong*)at, (byte)'D' => *(uint*)at, _ => *(ushort*)at };
        count = Math.Min(count, most);
        return count != 0 && IsScratch((ulong)words, count * 8);
    }

    private static void Convert(byte* wide, byte* narrow, ReadOnlySpan<byte> fields)
    {
        for (int i = 0; i < fields.Length; i++)
            Copy(narrow + Offset(fields, i, isWide: false), wide + Offset(fields, i, isWide: true), (uint)NarrowBytes(fields[i]));
    }

    // Only what has changed: the rest may be a pointer to what stands elsewhere here.
    private static void Return(byte* wide, byte* narrow, byte* before, ReadOnlySpan<byte> fields)
    {
        for (int i = 0; i < fields.Length; i++)
        {
            uint from = Offset(fields, i, isWide: false), size = (uint)NarrowBytes(fields[i]);
            bool isSame = true;
            for (uint k = 0; k < size; k++)
                isSame &= narrow[from + k] == before[from + k];
            if (isSame)
                continue;
            byte* target = wide + Offset(fields, i, isWide: true);
            if (fields[i] == (byte)'W')
                *(ulong*)target = *(uint*)(narrow + from);
            else
                Copy(target, narrow + from, size);
        }
    }

    private static void Copy(byte* target, byte* source, uint count)
    {
        for (uint i = 0; i < count; i++)
            target[i] = source[i];
    }

    private static void CopyChanged(byte* target, byte* source, byte* before, uint count)
    {
        for (uint i = 0; i < count; i++)
        {
            if (source[i] != before[i])
                target[i] = source[i];
        }
    }

    private static bool IsScratch(ulong address, ulong size)
    {
        ulong start = Native.Scratch(), end = start + ((ulong)StructurePage << 12);
        return address >= start && size <= end - start && address <= end - size;
    }

    private static ulong WideSize(ReadOnlySpan<byte> fields) => Offset(fields, fields.Length, isWide: true);

    private static ulong NarrowSize(ReadOnlySpan<byte> fields) => Offset(fields, fields.Length, isWide: false);

    // Of a field; of the one behind the last: the size of the structure.
    private static uint Offset(ReadOnlySpan<byte> fields, int index, bool isWide)
    {
        uint offset = 0, largest = 1;
        for (int i = 0; i < fields.Length; i++)
        {
            uint bytes = isWide && fields[i] == (byte)'W' ? 8 : (uint)NarrowBytes(fields[i]);
            uint alignment = fields[i] == (byte)'|' ? (isWide ? 8u : 4u) : fields[i] == (byte)'Q' && !isWide ? 4 : bytes;
            largest = Math.Max(largest, alignment);
            offset = (offset + alignment - 1) & ~(alignment - 1);
            if (i == index)
                return offset;
            offset += bytes;
        }

        return (offset + largest - 1) & ~(largest - 1);
    }

    private static int NarrowBytes(byte field) => field switch
    {
        (byte)'Q' => 8,
        (byte)'W' or (byte)'D' => 4,
        (byte)'H' => 2,
        (byte)'B' => 1,
        _ => 0,
    };
}
