// SPDX-License-Identifier: MIT
// What lies behind device memory in a test.

namespace XenSharp.Edge;

/// <summary>Answers the platform's accesses to device memory and to the ports of PCI configuration.</summary>
public abstract class VirtualDevices
{
    public abstract ulong Read(ulong address, int size);

    public abstract void Write(ulong address, int size, ulong value);

    /// <summary>Whether a port is theirs.</summary>
    public abstract bool Decodes(ushort port);

    public abstract uint In(ushort port, int size);

    public abstract void Out(ushort port, int size, uint value);
}
