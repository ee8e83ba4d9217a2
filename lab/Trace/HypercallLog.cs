// SPDX-License-Identifier: MIT
// Reads what the preloaded library (lab/Trace/Files/hypercalls.c) wrote about a tool's hypercalls and tells it with names, so that logs from two
// hypervisors can be compared line by line. Used by end-to-end tests.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace XenSharp.Lab.Trace;

public static partial class HypercallLog
{
    private const int DomctlHeader = 16;
    private const int SysctlHeader = 8;
    private const int MemoryOp = 12, XenVersion = 17, GrantTableOp = 20, EventChannelOp = 32, PhysdevOp = 33, HvmOp = 34, Sysctl = 35, Domctl = 36;

    /// <summary>Where a Linux program's own memory lies; such addresses differ from run to run.</summary>
    private const ulong LowestPointer = 0x5500_0000_0000, HighestPointer = 0x7FFF_FFFF_FFFF;

    private static readonly string s_domctlNames =
        "- createdomain destroydomain pausedomain unpausedomain getdomaininfo - - - setvcpuaffinity shadow_op max_mem setvcpucontext getvcpucontext getvcpuinfo max_vcpus scheduler_op "
        + "setdomainhandle setdebugging irq_permission iomem_permission ioport_permission hypercall_init - settimeoffset getvcpuaffinity - resumedomain sendtrigger subscribe - - - gethvmcontext sethvmcontext "
        + "set_address_size get_address_size assign_device bind_pt_irq memory_mapping ioport_mapping - set_ext_vcpucontext get_ext_vcpucontext - test_assign_device set_target deassign_device "
        + "unbind_pt_irq - get_device_group - - - debug_op gethvmcontext_partial vm_event_op mem_sharing_op disable_migrate gettscinfo settscinfo getpageframeinfo3 setvcpuextstate getvcpuextstate "
        + "set_access_required audit_p2m set_virq_handler set_broken_page_p2m setnodeaffinity getnodeaffinity - cacheflush get_vcpu_msrs set_vcpu_msrs setvnumainfo psr_cmt_op - monitor_op psr_alloc soft_reset "
        + "- vuart_op get_cpu_policy set_cpu_policy vmtrace_op get_paging_mempool_size set_paging_mempool_size";

    private static readonly string s_memoryNames =
        "increase_reservation decrease_reservation - - - machphys_mapping populate_physmap add_to_physmap - memory_map machine_memory_map exchange machphys_mfn_list set_memory_map - - set_pod_target get_pod_target "
        + "get_sharing_freed_pages get_sharing_shared_pages - - - add_to_physmap_batch claim_pages - get_vnumainfo reserved_device_memory_map acquire_resource";

    /// <summary>The calls of the first process in the log, one a line. Copies in a row are one: how many there are says how large the guest's kernel is.</summary>
    public static IReadOnlyList<string> Decode(string log)
    {
        string[] lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string? process = lines.FirstOrDefault()?.Split(' ')[0];
        string[] calls = lines.Where(line => line.StartsWith(process + " ", StringComparison.Ordinal)).Select(DecodeLine).ToArray();
        return calls.Where((call, index) => index == 0 || call != calls[index - 1] || !call.StartsWith("copy ", StringComparison.Ordinal)).ToArray();
    }

    private static string DecodeLine(string line)
    {
        string[] words = line.Split(' ');
        if (words.Length < 6 || words[1] != "call")
            return WithoutKernelSize(line[(line.IndexOf(' ') + 1)..]);
        int operation = int.Parse(words[2], CultureInfo.InvariantCulture);
        int equals = Array.IndexOf(words, "=");
        ulong[] arguments = words[3..(equals - 1)].Select(word => ulong.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
        byte[] input = Convert.FromHexString(words[equals - 1]["in=".Length..]);
        string result = words[equals + 1] + (words[equals + 2] == "0" ? "" : $" errno {words[equals + 2]}");
        return $"{Name(operation, arguments, input)} = {result}";
    }

    private static string Name(int operation, ulong[] arguments, byte[] input)
    {
        ulong first = arguments.Length > 0 ? arguments[0] : 0;
        return operation switch
        {
            Domctl when input.Length > DomctlHeader =>
                $"domctl {Named(s_domctlNames, BinaryPrimitives.ReadUInt32LittleEndian(input))} domain={BinaryPrimitives.ReadUInt16LittleEndian(input.AsSpan(8))}{Words(input.AsSpan(DomctlHeader, PayloadOf(BinaryPrimitives.ReadUInt32LittleEndian(input))))}",
            Sysctl when input.Length > SysctlHeader => $"sysctl {BinaryPrimitives.ReadUInt32LittleEndian(input)}",
            MemoryOp when (first & 0x3F) is 7 or 13 && input.Length > 24 => $"memory_op {Named(s_memoryNames, first & 0x3F)}{Words(input.AsSpan(0, 24))}",
            MemoryOp => $"memory_op {Named(s_memoryNames, first & 0x3F)}{Words(input)}",
            HvmOp => $"hvm_op {first}{Words(input)}",
            EventChannelOp => $"event_channel_op {first}{Words(input)}",
            GrantTableOp => $"grant_table_op {first}{Words(input)}",
            PhysdevOp => $"physdev_op {first}{Words(input)}",
            XenVersion => $"xen_version {first}",
            _ => $"hypercall {operation} {string.Join(' ', arguments.Select(Masked))}",
        };
    }

    /// <summary>Eight bytes at a time, in hex, without the zeros at the end.</summary>
    private static string Words(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new();
        int end = bytes.Length / 8;
        while (end > 0 && BinaryPrimitives.ReadUInt64LittleEndian(bytes[((end - 1) * 8)..]) == 0)
            end--;
        for (int index = 0; index < end; index++)
            text.Append(' ').Append(Masked(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(index * 8)..])));
        if (bytes.Length % 8 == 4)
            text.Append(' ').Append(Masked(BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..])));
        return text.ToString();
    }

    private static string Masked(ulong value) => value is >= LowestPointer and <= HighestPointer ? "pointer" : value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>A mapping of the frames where the guest's kernel lies says how large that kernel is; only those of special pages are told.</summary>
    private static string WithoutKernelSize(string mapping) => LowFrames().Replace(mapping, "pages=some first=low");

    [GeneratedRegex("pages=[0-9]+ first=[0-9a-f]{1,4}(?= )")]
    private static partial Regex LowFrames();

    /// <summary>How much of a domctl's structure the caller has filled in; what follows is whatever lay on its stack.</summary>
    private static int PayloadOf(uint command) => command switch
    {
        1 => 64,                                // createdomain, up to its flags of x86
        9 or 11 or 83 or 86 => 8,               // setvcpuaffinity, max_mem, set_cpu_policy, set_paging_mempool_size
        10 or 20 => 16,                         // shadow_op, iomem_permission
        15 or 60 => 4,                          // max_vcpus, settscinfo
        _ => 0,
    };

    private static string Named(string names, ulong number)
    {
        string[] all = names.Split(' ');
        return number < (ulong)all.Length && all[number] != "-" ? all[number] : number.ToString(CultureInfo.InvariantCulture);
    }
}
