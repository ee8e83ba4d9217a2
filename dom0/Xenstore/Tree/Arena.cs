// SPDX-License-Identifier: MIT
// Memory of the tree: blocks in large byte arrays, named by 32-bit handles. Used by everything below Tree/.

using System;
using System.Diagnostics;

namespace XenSharp.Xenstore.Tree;

/// <summary>
/// An allocator of size classes over chunks of 1 MiB. The chunks hold no references, so the garbage collector neither scans nor moves them: a store of
/// a million nodes costs it a hundred objects. A handle is the block's place in units of 16 bytes; 0 names no block.
/// </summary>
internal sealed class Arena
{
    public const int LargestBlock = MostGrains * Grain;

    private const int Grain = 16;
    private const int ChunkShift = 16;
    private const int ChunkGrains = 1 << ChunkShift;
    private const int MostGrains = 1024;

    // Every step up to 256 bytes, then four steps to each doubling.
    private static readonly ushort[] s_classGrains = MakeClasses();
    private static readonly byte[] s_classOfGrains = MakeClassTable();

    private readonly uint[] _free = new uint[s_classGrains.Length];
    private byte[][] _chunks = new byte[16][];
    private int _chunkCount;
    private int _next = ChunkGrains;    // The first unused grain of the last chunk.

    /// <summary>Bytes in blocks that are in use.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Bytes taken from the runtime.</summary>
    public long ReservedBytes => (long)_chunkCount * ChunkGrains * Grain;

    /// <summary>What a block for so many bytes holds.</summary>
    public static int Capacity(int bytes) => s_classGrains[s_classOfGrains[Grains(bytes)]] * Grain;

    /// <summary>A block of at least so many bytes, its contents undefined.</summary>
    public uint Allocate(int bytes)
    {
        int sizeClass = s_classOfGrains[Grains(bytes)];
        int grains = s_classGrains[sizeClass];
        UsedBytes += grains * Grain;
        uint handle = _free[sizeClass];
        if (handle != 0)
        {
            _free[sizeClass] = BitConverter.ToUInt32(Block(handle, sizeof(uint)));
            return handle;
        }
        if (_next + grains > ChunkGrains)
            AddChunk();
        handle = (uint)((_chunkCount - 1) << ChunkShift | _next);
        _next += grains;
        return handle;
    }

    /// <param name="bytes">As it was allocated, or its capacity.</param>
    public void Free(uint handle, int bytes)
    {
        Debug.Assert(handle != 0);
        int sizeClass = s_classOfGrains[Grains(bytes)];
        UsedBytes -= s_classGrains[sizeClass] * Grain;
        BitConverter.TryWriteBytes(Block(handle, sizeof(uint)), _free[sizeClass]);
        _free[sizeClass] = handle;
    }

    public Span<byte> Block(uint handle, int bytes) => _chunks[handle >> ChunkShift].AsSpan((int)(handle & (ChunkGrains - 1)) * Grain, bytes);

    /// <summary>From the block's start to the end of its chunk: for blocks whose header tells their length.</summary>
    public Span<byte> From(uint handle) => _chunks[handle >> ChunkShift].AsSpan((int)(handle & (ChunkGrains - 1)) * Grain);

    private static int Grains(int bytes) => (bytes + Grain - 1) / Grain;

    private void AddChunk()
    {
        // What is left of the last chunk serves smaller requests.
        for (int sizeClass = s_classGrains.Length - 1; sizeClass >= 0 && _chunkCount > 0; sizeClass--)
        {
            while (_next + s_classGrains[sizeClass] <= ChunkGrains)
            {
                UsedBytes += s_classGrains[sizeClass] * Grain;
                Free((uint)((_chunkCount - 1) << ChunkShift | _next), s_classGrains[sizeClass] * Grain);
                _next += s_classGrains[sizeClass];
            }
        }
        if (_chunkCount == 1 << (32 - ChunkShift))
            throw new InvalidOperationException("The store has used all of its 64 GiB of handles.");
        if (_chunkCount == _chunks.Length)
            Array.Resize(ref _chunks, _chunkCount * 2);
        _chunks[_chunkCount++] = GC.AllocateUninitializedArray<byte>(ChunkGrains * Grain);
        _next = _chunkCount == 1 ? 1 : 0;
    }

    private static ushort[] MakeClasses()
    {
        ushort[] classes = new ushort[16 + 4 * 6];
        for (int index = 0; index < 16; index++)
            classes[index] = (ushort)(index + 1);
        for (int index = 16; index < classes.Length; index++)
            classes[index] = (ushort)(((index & 3) + 5) << ((index - 16) / 4 + 2));
        return classes;
    }

    private static byte[] MakeClassTable()
    {
        byte[] table = new byte[MostGrains + 1];
        int sizeClass = 0;
        for (int grains = 1; grains <= MostGrains; grains++)
        {
            if (s_classGrains[sizeClass] < grains)
                sizeClass++;
            table[grains] = (byte)sizeClass;
        }
        return table;
    }
}
