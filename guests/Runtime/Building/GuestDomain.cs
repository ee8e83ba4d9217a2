// SPDX-License-Identifier: MIT
// One guest from its creation to its end, by the calls that libxl makes, in its order.

using System;

namespace XenSharp.Guests.Building;

/// <summary>One of several guests; what is to be remembered of it lies in a scratch page.</summary>
public readonly struct GuestDomain(int index)
{
    /// <summary>Steps after which a construction may be given up.</summary>
    public const int Steps = 9;

    private const ulong LowPages = 16, InfoFrame = 9;

    /// <summary>Memory of a guest on demand beside its kernel's, and how many of these pages it can have at once.</summary>
    public const ulong DemandFrame = 0x2000, DemandBlocks = 2, SparePages = 64;

    private const uint OnDemand = 1 << 16;

    // Where the guest's frames appear in our own address space: nothing of the machine is there.
    private const ulong MapFrame = 0x90000;

    private static Page Memory => new(16);

    public ushort Id => Memory.Get16(index * 16);

    /// <summary>Our end of the event channel whose other end is the guest's port 1.</summary>
    public uint Port => Memory.Get32((index * 16) + 4);

    private bool Exists => Memory.Get8((index * 16) + 8) != 0;

    /// <summary>Builds the guest, or the first so many steps of it; false (and a line on the console) when a step failed. It is left paused.</summary>
    /// <param name="isOnDemand">Its memory is populated when it is used, and is less than its map shows.</param>
    public bool Build(ReadOnlySpan<byte> commandLine, uint vcpus, int steps = Steps, bool isOnDemand = false)
    {
        ulong blocks = (GuestImage.Size + 0x1f_ffff) >> 21;
        uint flags = isOnDemand ? OnDemand : 0;
        bool made = Check("createdomain"u8, Toolstack.Create(vcpus, out ushort id));
        Memory.Put16(index * 16, id).Put32((index * 16) + 4, 0).Put8((index * 16) + 8, made ? (byte)1 : (byte)0);
        if (!made || steps < 1)
            return made;
        if (!Check("max_vcpus"u8, Toolstack.MaxVcpus(Id, vcpus)) || steps < 2)
            return steps < 2;
        if (!Check("max_mem"u8, Toolstack.MaxMemory(Id, 8192)) || steps < 3)
            return steps < 3;
        Toolstack.AllocateUnbound(Id, out uint remote);
        Toolstack.SetPagingPool(Id, 2 << 20);
        if (steps < 4)
            return true;
        if (isOnDemand && !Check("target"u8, Toolstack.SetTarget(Id, LowPages + (blocks << 9) + SparePages)))
            return false;
        if (!Check("populate low"u8, Toolstack.Populate(Id, 0, (int)LowPages, 0, flags) - (long)LowPages) || steps < 5)
            return steps < 5;
        if (!Check("populate"u8, Toolstack.Populate(Id, GuestImage.Start >> 12, (int)blocks, 9, flags) - (long)blocks) || steps < 6)
            return steps < 6;
        if (isOnDemand && !Check("mark"u8, Toolstack.Populate(Id, DemandFrame, (int)DemandBlocks, 9, flags) - (long)DemandBlocks))
            return false;
        if (!LoadImage() || steps < 7)
            return steps < 7;
        if (!WriteStartInfo(commandLine) || steps < 8)
            return steps < 8;
        if (!Check("bind_interdomain"u8, Toolstack.BindInterdomain(Id, remote, out uint port)))
            return false;
        Memory.Put32((index * 16) + 4, port);
        return SetRegisters();
    }

    /// <summary>As libxl ends a domain: paused first, repeated while the hypervisor asks for that.</summary>
    public bool Destroy()
    {
        if (!Exists)
            return true;
        Memory.Put8((index * 16) + 8, 0);
        Toolstack.Pause(Id);
        long result;
        do
            result = Toolstack.Destroy(Id);
        while (result == Toolstack.Again);
        if (Port != 0)
            Toolstack.Close(Port);
        return Check("destroydomain"u8, result);
    }

    /// <summary>Whether the hypervisor still knows the domain.</summary>
    public bool IsKnown() => Toolstack.GetInfo(Id, out ushort found, out _) == 0 && found == Id;

    public bool HasShutDown(out uint reason)
    {
        const uint shutdown = 1 << 2;
        long result = Toolstack.GetInfo(Id, out ushort found, out uint flags);
        reason = flags >> 16 & 255;
        return result == 0 && found == Id && (flags & shutdown) != 0;
    }

    private bool LoadImage()
    {
        ulong pages = (GuestImage.FileSize + 4095) >> 12;
        for (ulong page = 0; page < pages; page += Toolstack.Batch)
        {
            int count = (int)Math.Min(Toolstack.Batch, pages - page);
            if (!Check("map foreign frames"u8, Toolstack.MapForeign(Id, (GuestImage.Start >> 12) + page, MapFrame, count)))
                return false;
            for (int i = 0; i < count; i++)
                GuestImage.PageOf(page + (ulong)i).CopyTo(Mapped(i));
            Toolstack.Unmap(MapFrame, count);
        }

        return true;
    }

    // struct hvm_start_info, and the command line behind it.
    private bool WriteStartInfo(ReadOnlySpan<byte> commandLine)
    {
        if (!Check("map start info"u8, Toolstack.MapForeign(Id, InfoFrame, MapFrame, 1)))
            return false;
        Page info = new Page(4).Clear().Put32(0, 0x336ec578).Put32(4, 1).Put64(24, (InfoFrame << 12) + 128);
        commandLine.CopyTo(info.Bytes.Slice(128));
        info.Bytes.CopyTo(Mapped(0));
        Toolstack.Unmap(MapFrame, 1);
        return true;
    }

    // The header record of the domain's own context, then vCPU 0 as xen/docs/misc/pvh.pandoc wants it.
    private bool SetRegisters()
    {
        const int headerRecord = 8 + 24, cpu = headerRecord + 8, cpuSize = 1032, end = cpu + cpuSize;
        Page context = new(8);
        for (int i = 0; i < 4; i++)
            new Page(8 + i).Clear();
        long size = Toolstack.GetContext(Id, context, 4 * 4096);
        if (!Check("gethvmcontext"u8, size))
            return false;
        Page image = new Page(12).Clear();
        context.Bytes.Slice(0, headerRecord).CopyTo(image.Bytes);
        image.Put16(headerRecord, 2).Put32(headerRecord + 4, cpuSize);
        image.Put64(cpu + 520, InfoFrame << 12).Put64(cpu + 640, GuestImage.Entry).Put64(cpu + 648, 2).Put64(cpu + 656, 0x11);
        image.Put64(cpu + 720, 0xffff0ff0).Put64(cpu + 728, 0x400);
        foreach (int limit in (ReadOnlySpan<int>)[768, 772, 776, 788])
            image.Put32(cpu + limit, uint.MaxValue);
        image.Put32(cpu + 792, 0x67);
        image.Put32(cpu + 888, 0xc9b).Put32(cpu + 892, 0xc93).Put32(cpu + 896, 0xc93).Put32(cpu + 908, 0xc93).Put32(cpu + 912, 0x8b);
        return Check("sethvmcontext"u8, Toolstack.SetContext(Id, image, end + 8));
    }

    // SAFETY of the address: the window is identity mapped and its frames were mapped just before.
    private static Span<byte> Mapped(int index) => Machine.Writable((MapFrame + (ulong)index) << 12, 4096);

    private static bool Check(ReadOnlySpan<byte> step, long result)
    {
        if (result >= 0)
            return true;
        Report.Begin("builder: "u8);
        Report.Add(step);
        Report.Signed("failed"u8, result);
        Report.Flush();
        return false;
    }
}
