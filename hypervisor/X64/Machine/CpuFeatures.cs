// SPDX-License-Identifier: MIT
// What this CPU can do, as far as the port uses it, and the switch of its extended state.

using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>Read once on the boot CPU.</summary>
internal static unsafe class CpuFeatures
{
    // "TCGTCGTCGTCG" in EBX, ECX, EDX of leaf 0x40000000: QEMU without hardware virtualization.
    private const uint Tcgt = 0x54474354, Cgtc = 0x43544743, Gtcg = 0x47435447;

    public static bool HasGigabytePages { get; private set; }

    public static bool HasX2Apic { get; private set; }

    public static bool HasXsave { get; private set; }

    public static bool HasSmep { get; private set; }

    public static bool HasSmap { get; private set; }

    public static bool HasSvm { get; private set; }

    public static bool HasNestedPaging { get; private set; }

    /// <summary>The CPU tells where the next instruction starts.</summary>
    public static bool HasNextRip { get; private set; }

    /// <summary>
    /// An interrupt that arrives during VMRUN with V_IRQ set may stay unseen until the local APIC looks again: `helper_vmrun` of QEMU 7.2 (TCG) sets
    /// a bit of `interrupt_request` with no lock, and may undo what another thread has set there meanwhile.
    /// </summary>
    public static bool VirtualInterruptsHideOthers { get; private set; }

    public static int AddressSpaceIds { get; private set; }

    public static int PhysicalAddressBits { get; private set; } = 36;

    /// <summary>The XCR0 bits that the hypervisor saves and a guest may set.</summary>
    public static ulong ExtendedStateMask { get; private set; } = 3;

    /// <summary>CR4 bits that this CPU has and a guest may set.</summary>
    public static ulong GuestCr4Bits { get; private set; }

    public static void Detect()
    {
        uint* r = stackalloc uint[4];
        Assembly.Cpuid(0, 0, r);
        uint maxLeaf = r[0];
        Assembly.Cpuid(1, 0, r);
        HasX2Apic = (r[2] & (1 << 21)) != 0;
        HasXsave = (r[2] & (1 << 26)) != 0;
        // VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT
        GuestCr4Bits = 0x7ff;
        if (HasXsave)
            GuestCr4Bits |= 1 << 18;
        if (maxLeaf >= 7)
        {
            Assembly.Cpuid(7, 0, r);
            HasSmep = (r[1] & (1 << 7)) != 0;
            HasSmap = (r[1] & (1 << 20)) != 0;
            if ((r[1] & 1) != 0)
                GuestCr4Bits |= 1 << 16;
            if (HasSmep)
                GuestCr4Bits |= 1 << 20;
            if (HasSmap)
                GuestCr4Bits |= 1 << 21;
            if ((r[2] & (1 << 2)) != 0)
                GuestCr4Bits |= 1 << 11;
        }

        Assembly.Cpuid(0x80000000, 0, r);
        uint maxExtended = r[0];
        Assembly.Cpuid(0x80000001, 0, r);
        HasSvm = (r[2] & 4) != 0;
        HasGigabytePages = (r[3] & (1 << 26)) != 0;
        if (maxExtended >= 0x80000008)
        {
            Assembly.Cpuid(0x80000008, 0, r);
            PhysicalAddressBits = (int)(r[0] & 0xff);
        }

        if (HasSvm && maxExtended >= 0x8000000a)
        {
            Assembly.Cpuid(0x8000000a, 0, r);
            AddressSpaceIds = (int)r[1];
            HasNestedPaging = (r[3] & 1) != 0;
            HasNextRip = (r[3] & 8) != 0;
        }

        if (HasXsave)
        {
            Assembly.Cpuid(0xd, 0, r);
            // x87, SSE, AVX: what the save area of a vCPU has room for.
            ExtendedStateMask = r[0] & 7;
        }

        Assembly.Cpuid(0x40000000, 0, r);
        VirtualInterruptsHideOthers = r[1] == Tcgt && r[2] == Cgtc && r[3] == Gtcg;
    }

    /// <summary>Turns on what the hypervisor uses, on each CPU.</summary>
    public static void Enable()
    {
        ulong cr4 = Assembly.ReadCr4() | (1 << 7);
        if (HasXsave)
            cr4 |= 1 << 18;
        if (HasSmep)
            cr4 |= 1 << 20;
        if (HasSmap)
            cr4 |= 1 << 21;
        Assembly.WriteCr4(cr4);
        if (HasXsave)
            Assembly.WriteXcr0(ExtendedStateMask);
    }

    // SAFETY: the area is 3 KiB at 1 KiB alignment and holds at least the components of ExtendedStateMask.
    public static void SaveExtendedState(byte* area, Svm.GuestFrame* frame)
    {
        if (!HasXsave)
        {
            Assembly.Fxsave(area, frame);
            return;
        }

        Assembly.WriteXcr0(ExtendedStateMask);
        Assembly.Xsave(area, ExtendedStateMask, frame);
    }

    public static void RestoreExtendedState(byte* area, ulong xcr0, Svm.GuestFrame* frame)
    {
        if (!HasXsave)
        {
            Assembly.Fxrstor(area, frame);
            return;
        }

        Assembly.WriteXcr0(ExtendedStateMask);
        Assembly.Xrstor(area, ExtendedStateMask, frame);
        Assembly.WriteXcr0(xcr0);
    }
}
