// SPDX-License-Identifier: MIT
// What hypercalls keep with a domain.

using XenSharp.Core.Console;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    private GuestConsoleLine? _consoleLine;

    /// <summary>xen_domain_handle_t: the toolstack's name of the domain; all zero for dom0.</summary>
    public byte[] Handle { get; } = new byte[16];

    /// <summary>Own frames have gfn == mfn and stay allocated when the domain gives them up, for a machine without IOMMU.</summary>
    public bool IsDirectMapped { get; set; }

    /// <summary>May write lines to the hypervisor's console though it is not dom0.</summary>
    public bool MayWriteConsole { get; set; }

    /// <summary>The line that the domain is writing; exists when <see cref="MayWriteConsole"/> or the debug port needs it.</summary>
    public GuestConsoleLine ConsoleLine => _consoleLine!;

    /// <summary>What XENMEM_memory_map answers (XENMEM_set_memory_map, or the dom0 builder).</summary>
    public GuestMemoryMap MemoryMap { get; } = new();

    /// <summary>Where the shared-info page is mapped in the guest; see <see cref="NoFrame"/>.</summary>
    public ulong SharedInfoGfn { get; set; } = NoFrame;

    /// <summary>
    /// log2 of the bits in a word of the shared structures: 6, or 5 while the domain has their 32-bit form (has_32bit_shinfo of Xen). Places
    /// in them follow from it.
    /// </summary>
    public int EventWordShift { get; private set; } = 6;

    /// <summary>
    /// The form of the shared structures becomes that of the code that runs: called for the vCPU that writes the hypercall page's MSR or sets
    /// the callback, which is what a kernel does first. Nothing but the wall clock is moved, as in Xen.
    /// </summary>
    public void LatchSharedForm(Vcpu running)
    {
        EventWordShift = running.Context.Is64Bit ? 6 : 5;
        WallClock.Publish(this, running.Processor);
    }

    /// <summary>One more than the highest guest frame in use (XENMEM_maximum_gpfn).</summary>
    public ulong HighestGfn { get; set; }

    public const ulong NoFrame = Mfn.InvalidValue;

    /// <summary>Allows console lines; called when the domain is built.</summary>
    public void CreateConsoleLine() => _consoleLine = new GuestConsoleLine(Host, Id);
}
