// SPDX-License-Identifier: MIT
// The last lines of the console, for XEN_SYSCTL_readconsole.

using System;

namespace XenSharp.Core.Console;

/// <summary>A ring of bytes with an ever-growing producer index; the console lock guards it.</summary>
public sealed class ConsoleRing
{
    /// <summary>A power of two (`conring_size=` default of Xen: 16 KiB).</summary>
    public const int Size = 32768;

    private readonly byte[] _bytes = new byte[Size];

    /// <summary>Index of the oldest byte still held.</summary>
    public uint Consumer { get; private set; }

    /// <summary>Index behind the newest byte.</summary>
    public uint Producer { get; private set; }

    public byte this[uint index] => _bytes[(int)(index & (Size - 1))];

    public void Append(ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
        {
            _bytes[(int)(Producer & (Size - 1))] = character;
            Producer++;
        }

        if (Producer - Consumer > Size)
            Consumer = Producer - Size;
    }

    /// <summary>Forgets what lies before an index that has been read.</summary>
    public void DiscardTo(uint index) => Consumer = Producer - index > Size ? Producer - Size : index;
}
