// SPDX-License-Identifier: MIT
// Firmware tables in the machine's memory, read once at boot. One implementation per port.

using System;

namespace XenSharp.Edge;

/// <summary>Read access to memory that firmware has filled and nobody changes any more.</summary>
public abstract class FirmwareMemory
{
    /// <summary>The bytes at a machine address; the port maps them first where that is needed. They stay valid for good.</summary>
    public abstract ReadOnlySpan<byte> Map(ulong address, int length);
}
