// SPDX-License-Identifier: MIT
// Where `new` gets its memory. At boot: a bump pointer in pages that are never given back. While serving: the region that the CPU has begun.

using System.Runtime;
using System.Runtime.CompilerServices;
using System.Threading;
using Internal.Runtime.CompilerHelpers;
using XenSharp.Edge;
using XenSharp.X64.Boot;

namespace XenSharp.X64.Runtime;

/// <summary>Once the heap is sealed, `new` is a fault outside a region (<see cref="ObjectPools"/>).</summary>
internal static unsafe class ManagedHeap
{
    private const ulong ChunkSize = 0x40000;

    private static ulong s_next;
    private static ulong s_end;
    private static int s_lock;
    private static bool s_sealed;

    /// <summary>Bytes handed out since boot.</summary>
    public static ulong BytesUsed { get; private set; }

    /// <summary>From now on objects are made in regions only.</summary>
    public static void Seal() => Volatile.Write(ref s_sealed, true);

    /// <summary>Lets this CPU make objects in a piece of memory, which is cleared.</summary>
    public static void BeginRegion(ulong address, ulong length, ulong slot)
    {
        // SAFETY: the caller has taken the piece for objects, and nobody reaches what was there.
        new System.Span<byte>((void*)address, (int)length).Clear();
        PerCpu* block = Assembly.PerCpu();
        block->RegionSlot = slot;
        block->RegionUsed = 0;
        block->RegionEnd = address + length;
        block->RegionNext = address;
    }

    /// <summary>Ends this CPU's region; returns how many bytes of it are used.</summary>
    public static ulong EndRegion()
    {
        PerCpu* block = Assembly.PerCpu();
        ulong used = block->RegionUsed;
        block->RegionNext = block->RegionEnd = block->RegionSlot = 0;
        return used;
    }

    /// <summary>The entry is abandoned: gives back the region in which it made objects, which nobody else has seen; false: it made none.</summary>
    public static bool AbandonRegion()
    {
        PerCpu* block = Assembly.PerCpu();
        ulong slot = block->RegionSlot;
        EndRegion();
        if (slot == 0)
            return false;
        Root.Host.Regions.Recycle(new RegionSlot(slot), block->Processor);
        return true;
    }

    // SAFETY: ilc passes a MethodTable whose 32-bit word at offset 4 is the object's size including the 8-byte header before it.
    [RuntimeExport("RhpNewFast")]
    private static void* NewObject(byte* methodTable)
    {
        uint size = *(uint*)(methodTable + 4);
        void** result = (void**)(Allocate(size) + 8);
        *result = methodTable;
        return result;
    }

    // SAFETY: the element size is the 16-bit word at offset 0; a length that does not fit an array faults before it is used.
    [RuntimeExport("RhpNewArrayFast")]
    private static void* NewArray(byte* methodTable, long length)
    {
        if ((ulong)length > 0x1000_0000)
            ThrowHelpers.ThrowOverflowException();
        ulong size = 24 + ((ulong)length * *(ushort*)methodTable);
        byte* result = Allocate(size) + 8;
        *(void**)result = methodTable;
        *(int*)(result + 8) = (int)length;
        return result;
    }

    [RuntimeExport("RhpNewPtrArrayFast")]
    private static void* NewReferenceArray(byte* methodTable, long length) => NewArray(methodTable, length);

    [RuntimeExport("RhpNewArray")]
    private static void* NewArraySlow(byte* methodTable, long length) => NewArray(methodTable, length);

    private static byte* Allocate(ulong size)
    {
        if (Volatile.Read(ref s_sealed))
            return AllocateInRegion(size);
        while (Interlocked.Exchange(ref s_lock, 1) != 0)
            Assembly.Pause();
        size = (size + 15) & ~15UL;
        if (size > s_end - s_next)
            AddChunk(size);
        byte* result = (byte*)s_next;
        s_next += size;
        BytesUsed += size;
        Volatile.Write(ref s_lock, 0);
        return result;
    }

    private static byte* AllocateInRegion(ulong size)
    {
        PerCpu* block = Assembly.PerCpu();
        size = (size + 15) & ~15UL;
        if (size > block->RegionEnd - block->RegionNext)
            Fault();
        byte* result = (byte*)block->RegionNext;
        block->RegionNext += size;
        block->RegionUsed += size;
        return result;
    }

    private static void AddChunk(ulong size)
    {
        ulong bytes = size > ChunkSize ? (size + ChunkSize - 1) & ~(ChunkSize - 1) : ChunkSize;
        ulong address;
        if (!EarlyMemory.IsHandedOver)
        {
            address = EarlyMemory.Allocate(bytes, FrameSize.Bytes);
        }
        else
        {
            int order = 0;
            while ((4096UL << order) < bytes)
                order++;
            if (!Root.Host.Allocator.TryAllocate(order, Assembly.PerCpu()->Processor, out Mfn frame))
                Fault();
            address = frame.Address;
        }

        s_next = (ulong)DirectMap.At(address);
        s_end = s_next + bytes;
        new System.Span<byte>((void*)s_next, (int)bytes).Clear();
    }

    private static void Fault() => ThrowFault((int)FaultKind.Allocation);

    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "xs_managed_fault")]
    private static extern void ThrowFault(int kind);
}
