// SPDX-License-Identifier: MIT
// The page of hypercall stubs that a guest asks for by writing MSR 40000000 (xen/include/public/arch-x86/xen.h).

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.CpuPolicy;

/// <summary>Stub n, 32 bytes from n * 32: mov eax, n; vmmcall; ret. The stub of iret is an invalid instruction, as in Xen.</summary>
public static class HypercallStubs
{
    private const int StubSize = 32;
    private const int StubCount = FrameSize.Bytes / StubSize;
    private const int Iret = 23;

    /// <summary>Fills the guest page at an address; false (#GP) when the address is not page aligned or no writable memory is there.</summary>
    public static bool Write(Vcpu vcpu, ulong guestPhysicalAddress)
    {
        if ((guestPhysicalAddress & FrameSize.Mask) != 0 || !FillPage(vcpu.Domain, Gfn.Containing(guestPhysicalAddress), vcpu.Processor))
        {
            vcpu.Host.Console.BeginGuest(LogLevel.Warning, vcpu.Processor).Text("d"u8).Decimal(vcpu.Domain.Id).Text(": no hypercall page possible at "u8)
                .Hex(guestPhysicalAddress).End();
            return false;
        }

        vcpu.Domain.LatchSharedForm(vcpu);
        return true;
    }

    /// <summary>Fills a domain's page (also XEN_DOMCTL_hypercall_init); false when it is not writable memory.</summary>
    public static bool FillPage(Domain domain, Gfn guestFrame, Cpu caller)
    {
        Span<byte> stub = stackalloc byte[StubSize];
        if (domain.P2m.Lookup(guestFrame).Type == P2mType.OnDemand)
            domain.OnDemand.TryPopulate(guestFrame, caller);
        caller.BeginCopy();
        P2mEntry entry = domain.P2m.Lookup(guestFrame);
        for (int i = 0; i < StubCount && entry.Type == P2mType.Ram; i++)
        {
            Fill(stub, i);
            domain.Host.Memory.Write(entry.Frame, i * StubSize, stub);
        }

        caller.EndCopy();
        return entry.Type == P2mType.Ram;
    }

    private static void Fill(Span<byte> stub, int number)
    {
        const byte trap = 0xcc;
        stub.Fill(trap);
        if (number == Iret)
        {
            stub[0] = 0x0f;
            stub[1] = 0x0b;
            return;
        }

        ReadOnlySpan<byte> code = [0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3];
        code.CopyTo(stub);
        stub[1] = (byte)number;
    }
}
