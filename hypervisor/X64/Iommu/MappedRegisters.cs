// SPDX-License-Identifier: MIT
// Registers of a device in the machine's physical address space.

using System.Threading;
using Internal.Runtime.CompilerHelpers;
using XenSharp.Edge;
using XenSharp.X64.Paging;

namespace XenSharp.X64.Iommu;

/// <summary>Mapped uncached for good.</summary>
// SAFETY: the offset is checked against what was mapped; each access is one volatile load or store.
internal sealed unsafe class MappedRegisters(ulong machineAddress, int bytes) : RegisterWindow
{
    private readonly byte* _registers = HostPageTables.MapDevice(machineAddress, (ulong)bytes);

    public override ulong Read64(int offset) => Volatile.Read(ref *At(offset));

    public override void Write64(int offset, ulong value) => Volatile.Write(ref *At(offset), value);

    private ulong* At(int offset)
    {
        if ((uint)offset > (uint)(bytes - sizeof(ulong)))
            ThrowHelpers.ThrowIndexOutOfRangeException();
        return (ulong*)(_registers + offset);
    }
}
