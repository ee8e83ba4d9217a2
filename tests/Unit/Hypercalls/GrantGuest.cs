// SPDX-License-Identifier: MIT
// A domain that grants and uses grants through its hypercalls.

using XenSharp.Abi;
using XenSharp.Core.Grants;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Hypercalls;

internal static class GrantGuest
{
    public const ushort Permit = 1, Transitive = 3, ReadOnly = 4, Reading = 8, Writing = 16, SubPage = 256;
    public const uint HostMap = 2, MapReadOnly = 4;

    /// <summary>Where a guest has the first frame of its grant table, and its arguments.</summary>
    public const ulong Table = 200, Arguments = 0x1000;

    public static void ShowTable(this TestDomain guest, ulong index = 0)
    {
        guest.WriteWords(Arguments, (1UL << 32) | DomainIds.Self, index, Table + index);
        Assert.Equal(0, guest.Hypercall(HypercallGuest.Memory, 7, Arguments));
    }

    public static long SetVersion(this TestDomain guest, uint version)
    {
        guest.Write(Arguments, version);
        return guest.Hypercall(HypercallGuest.Grants, 8, Arguments, 1);
    }

    public static void Grant(this TestDomain guest, uint reference, ushort user, ulong gfn, ushort flags = Permit) =>
        guest.Write((Table << 12) + (reference * 8), flags | ((ulong)user << 16) | (gfn << 32));

    public static void GrantV2(this TestDomain guest, uint reference, ushort user, ulong frame, ushort flags = Permit, uint second = 0) =>
        guest.WriteWords((Table << 12) + (reference * 16), flags | ((ulong)user << 16) | ((ulong)second << 32), frame);

    public static ushort Flags(this TestDomain guest, uint reference) => guest.Read<ushort>((Table << 12) + (reference * 8));

    public static ushort StatusV2(this TestDomain guest, uint reference)
    {
        Mfn frame = guest.Domain.Grants.StatusFrame(0);
        return (ushort)(guest.Machine.Memory.Read32(frame, (int)(reference / 2) * 4) >> ((int)(reference & 1) * 16));
    }

    public static (GrantStatus Status, uint Handle) Map(this TestDomain guest, ushort granter, uint reference, ulong gfn, uint flags = HostMap, int vcpu = 0)
    {
        ulong address = Arguments + ((ulong)vcpu * 256);
        guest.Write(address, new GrantTableMapGrantRef { HostAddress = gfn << 12, Flags = (GrantMapFlags)flags, Ref = reference, Domain = granter, Handle = 0x5a5a });
        Assert.Equal(0, guest.Call(Core.Hypercalls.GrantTableOp.Call, vcpu, 0, address, 1));
        var result = guest.Read<GrantTableMapGrantRef>(address);
        return (result.Status, result.Handle);
    }

    public static GrantStatus Unmap(this TestDomain guest, uint handle, ulong gfn, int vcpu = 0)
    {
        ulong address = Arguments + ((ulong)vcpu * 256);
        guest.Write(address, new GrantTableUnmapGrantRef { HostAddress = gfn << 12, Handle = handle, Status = (GrantStatus)0x5a5a });
        Assert.Equal(0, guest.Call(Core.Hypercalls.GrantTableOp.Call, vcpu, 1, address, 1));
        return guest.Read<GrantTableUnmapGrantRef>(address).Status;
    }

    public static GrantTableCopyPointer Ref(ushort domain, uint reference, ushort offset = 0) => new() { U = reference, DomainId = domain, Offset = offset };

    public static GrantTableCopyPointer Own(ulong gfn, ushort offset = 0) => new() { U = gfn, DomainId = DomainIds.Self, Offset = offset };

    public static GrantStatus Copy(this TestDomain guest, GrantTableCopyPointer source, GrantTableCopyPointer destination, int length, int flags, int vcpu = 0)
    {
        ulong address = Arguments + ((ulong)vcpu * 256);
        guest.Write(address, new GrantTableCopy
        {
            Source = source, Destination = destination, Length = (ushort)length, Flags = (GrantCopyFlags)flags, Status = (GrantStatus)0x5a5a,
        });
        Assert.Equal(0, guest.Call(Core.Hypercalls.GrantTableOp.Call, vcpu, 5, address, 1));
        return guest.Read<GrantTableCopy>(address).Status;
    }

    public static void IsConsistent(this TestHost machine, uint mappings)
    {
        GrantCheckResult result = GrantCheck.Run(machine.Host);
        Assert.Equal((mappings, mappings, 0u), (result.Uses, result.Mappings, result.Faults));
    }

    public static int References(this TestHost machine, Mfn frame) => machine.Frames[frame].References;
}
