// SPDX-License-Identifier: MIT
// The 32-bit form of each structure against what a C compiler makes of the public headers (gcc -m32 and -m64, offsetof and sizeof).

using System;
using XenSharp.Core.Memory;
using Xunit;

namespace XenSharp.Tests.Unit.Hypercalls;

public class NarrowLayoutTests
{
    // Fields; their offsets and the size for 32 bits; the offsets for 64 bits. Substructures' ends have no offset.
    private static readonly (string Name, string Fields, int[] Narrow, int Size, int[] Wide)[] Structures =
    [
        ("xen_memory_reservation", Text(GuestLayout.MemoryReservation), [0, 4, 8, 12, 16], 20, [0, 8, 16, 20, 24]),
        ("xen_memory_exchange", Text(GuestLayout.MemoryExchange), [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40], 44, [0, 8, 16, 20, 24, 32, 40, 48, 52, 56, 64]),
        ("xen_add_to_physmap", Text(GuestLayout.AddToPhysmap), [0, 2, 4, 8, 12], 16, [0, 2, 4, 8, 16]),
        ("xen_add_to_physmap_batch", Text(GuestLayout.AddToPhysmapBatch), [0, 2, 4, 6, 8, 12, 16], 20, [0, 2, 4, 6, 8, 16, 24]),
        ("xen_remove_from_physmap", Text(GuestLayout.RemoveFromPhysmap), [0, 4], 8, [0, 8]),
        ("xen_memory_map", Text(GuestLayout.MemoryMap), [0, 4], 8, [0, 8]),
        ("xen_foreign_memory_map", Text(GuestLayout.ForeignMemoryMap), [0, 4, 8], 12, [0, 8, 16]),
        ("xen_pod_target", Text(GuestLayout.PopulateOnDemandTarget), [0, 8, 16, 24, 32], 36, [0, 8, 16, 24, 32]),
        ("xen_reserved_device_memory_map", Text(GuestLayout.ReservedDeviceMemoryMap), [0, 4, 8, 12, 14], 16, [0, 4, 8, 16, 18]),
        ("xen_mem_acquire_resource", Text(GuestLayout.AcquireResource), [0, 2, 4, 8, 12, 16, 24], 28, [0, 2, 4, 8, 12, 16, 24]),
        ("gnttab_setup_table", Text(GuestLayout.GrantTableSetupTable), [0, 4, 8, 12], 16, [0, 4, 8, 16]),
        ("gnttab_copy", Text(GuestLayout.GrantTableCopy), [0, 4, 6, 8, 12, 14, 16, 18, 20], 24, [0, 8, 10, 16, 24, 26, 32, 34, 36]),
        ("sched_poll", Text(GuestLayout.SchedulerPoll), [0, 4, 8], 16, [0, 8, 16]),
        ("vcpu_runstate_info", Text(GuestLayout.RunstateInfo), [0, 4, 12, 20, 28, 36], 44, [0, 8, 16, 24, 32, 40]),
        ("vcpu_set_singleshot_timer", Text(GuestLayout.SingleShotTimer), [0, 8], 12, [0, 8]),
        ("multicall_entry", Text(GuestLayout.MulticallEntry), [0, 4, 8, 12, 16, 20, 24], 28, [0, 8, 16, 24, 32, 40, 48]),
        ("xenpf_read_memtype", Text(GuestLayout.ReadMemoryType), [0, 4, 8, 16], 20, [0, 8, 16, 24]),
        ("xenpf_microcode_update", Text(GuestLayout.MicrocodeUpdate), [0, 4], 8, [0, 8]),
        ("xenpf_resource_op", Text(GuestLayout.ResourceOperation), [0, 4, 8], 12, [0, 4, 8]),
        ("xenpf_symdata", Text(GuestLayout.SymbolData), [0, 4, 8, 12, 20], 24, [0, 4, 8, 16, 24]),
    ];

    [Fact]
    public void EachFieldGoesWhereTheHeadersHaveIt()
    {
        foreach ((string name, string text, int[] narrowOffsets, int size, int[] wideOffsets) in Structures)
        {
            byte[] fields = System.Text.Encoding.ASCII.GetBytes(text);
            Assert.True(size == GuestLayout.NarrowSize(fields), name);
            for (int field = 0; field < narrowOffsets.Length; field++)
            {
                byte[] narrow = new byte[size], wide = new byte[128], back = new byte[size];
                narrow[narrowOffsets[field]] = 0xa5;
                GuestLayout.Widen(narrow, fields, wide);
                Assert.True(wide[wideOffsets[field]] == 0xa5 && wide.AsSpan().Count((byte)0) == 127, name + " field " + field);
                GuestLayout.Tighten(wide, fields, back);
                Assert.Equal(narrow, back);
            }
        }
    }

    private static string Text(ReadOnlySpan<byte> fields) => System.Text.Encoding.ASCII.GetString(fields);
}
