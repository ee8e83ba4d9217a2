// SPDX-License-Identifier: MIT
// PCI configuration space of a domain: one function, a host bridge without resources. Called by PortAccess.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Emulation;

/// <summary>Configuration mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2); everything is read-only.</summary>
public sealed class PciConfiguration
{
    public const int HeaderSize = 64;

    private const int Status = 0x06, HeaderType = 0x0e, FirstBase = 0x10, Subsystem = 0x2c, ExpansionRom = 0x30;
    private const uint Enable = 1U << 31;

    private readonly byte[] _header = new byte[HeaderSize];

    public PciConfiguration() => _header.AsSpan().Fill(0xff);

    /// <summary>The address latch at port CF8.</summary>
    public uint Address { get; set; }

    /// <summary>
    /// Shows function 00:00.0 with the identity of the machine's: ids, class, revision. Resources, capabilities and the mark of a
    /// device with several functions are left out.
    /// </summary>
    public void ShowHostBridge(ReadOnlySpan<byte> realHeader)
    {
        realHeader.Slice(0, HeaderSize).CopyTo(_header);
        _header[Status] = (byte)(_header[Status] & ~0x10);
        _header[HeaderType] = 0;
        _header.AsSpan(FirstBase, Subsystem - FirstBase).Clear();
        _header.AsSpan(ExpansionRom).Clear();
    }

    /// <summary>A read at CFC + <paramref name="offset"/>.</summary>
    public uint Read(int offset, int size)
    {
        uint ones = size == 4 ? uint.MaxValue : (1U << (size * 8)) - 1;
        uint address = Address;
        if ((address & Enable) == 0 || (address & 0x00ff_ff00) != 0 || offset + size > 4)
            return ones;
        int register = (int)(address & 0xfc);
        uint value = register < HeaderSize ? BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(register)) : 0;
        return (value >> (offset * 8)) & ones;
    }
}
