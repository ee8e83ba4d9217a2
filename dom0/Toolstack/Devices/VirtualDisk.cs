// SPDX-License-Identifier: MIT
// Names of virtual disks and their numbers: docs/man/xen-vbd-interface.7.pandoc. Used by DiskDevice and commands.

using System;
using System.Globalization;

namespace XenSharp.Toolstack.Devices;

public static class VirtualDisk
{
    /// <summary>The device number for a name such as xvda, hdb2, sdc, d5p1 or a plain number.</summary>
    public static bool TryGetNumber(string name, out int number)
    {
        number = 0;
        if (TrySplitNumbered(name, out int disk, out int partition) || TrySplit(name, "xvd", (1 << 20) - 1, 255, out disk, out partition))
            number = disk <= 15 && partition <= 15 ? (202 << 8) | (disk << 4) | partition : (1 << 28) | (disk << 8) | partition;
        else if (TryParseNumber(name, out int plain))
            number = plain;
        else if (TrySplit(name, "hd", 3, 63, out disk, out partition))
            number = ((disk < 2 ? 3 : 22) << 8) | ((disk & 1) << 6) | partition;
        else if (TrySplit(name, "sd", 15, 15, out disk, out partition))
            number = (8 << 8) | (disk << 4) | partition;
        else
            return false;
        return true;
    }

    /// <summary>d5p1.</summary>
    private static bool TrySplitNumbered(string name, out int disk, out int partition)
    {
        disk = partition = 0;
        int p = name.IndexOf('p');
        return name.StartsWith('d') && p > 1 && int.TryParse(name.AsSpan(1, p - 1), NumberStyles.None, CultureInfo.InvariantCulture, out disk)
            && int.TryParse(name.AsSpan(p + 1), NumberStyles.None, CultureInfo.InvariantCulture, out partition) && disk < 1 << 20 && partition < 256;
    }

    private static bool TryParseNumber(string name, out int number) => name.StartsWith("0x", StringComparison.Ordinal)
        ? int.TryParse(name.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
        : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>Letters count disks (a to z, aa, ab, ...), digits behind them partitions.</summary>
    private static bool TrySplit(string name, string prefix, int mostDisk, int mostPartition, out int disk, out int partition)
    {
        disk = partition = 0;
        if (!name.StartsWith(prefix, StringComparison.Ordinal))
            return false;
        int place = prefix.Length;
        long letters = 0;
        for (; place < name.Length && char.IsAsciiLetterLower(name[place]) && letters <= 1 << 21; place++)
            letters = (letters * 26) + (name[place] - 'a' + 1);
        if (letters == 0 || letters - 1 > mostDisk)
            return false;
        disk = (int)letters - 1;
        if (place == name.Length)
            return true;
        return name[place] != '0' && int.TryParse(name.AsSpan(place), NumberStyles.None, CultureInfo.InvariantCulture, out partition) && partition <= mostPartition;
    }
}
