// SPDX-License-Identifier: MIT
// Sets of CPUs in guest memory (struct xenctl_bitmap of xen/include/public/domctl.h).

using System;
using XenSharp.Abi;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Memory;

/// <summary>Copies between a guest's bitmap of any length and the 64 CPUs that we know.</summary>
public static class GuestBitmap
{
    // More bytes than any real machine has CPUs for: what a longer map holds beyond them is left alone.
    private const uint MaxBytes = 4096;
    private const int ClearChunk = 64;

    /// <summary>Writes the set, and zeroes for all further bits of the guest's map.</summary>
    public static bool TryWrite(Vcpu caller, in XenctlBitmap map, ulong bits, int known)
    {
        uint bytes = Math.Min((map.BitCount / 8) + (map.BitCount % 8 != 0 ? 1u : 0), MaxBytes);
        if (map.BitCount < 64)
            bits &= (1UL << (int)map.BitCount) - 1;
        Span<byte> chunk = stackalloc byte[ClearChunk];
        for (uint done = 0; done < bytes;)
        {
            chunk.Clear();
            for (int i = 0; i < 8 && done == 0; i++)
                chunk[i] = (byte)(bits >> (8 * i));
            int length = (int)Math.Min(bytes - done, ClearChunk);
            if (!GuestAccess.Write(caller, map.Bitmap + done, chunk.Slice(0, length)))
                return false;
            done += (uint)length;
        }

        return true;
    }

    /// <summary>Reads the part of the set that names CPUs that we know.</summary>
    public static bool TryRead(Vcpu caller, in XenctlBitmap map, out ulong bits)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        uint length = Math.Min((map.BitCount / 8) + (map.BitCount % 8 != 0 ? 1u : 0), 8);
        bool read = GuestAccess.Read(caller, map.Bitmap, bytes.Slice(0, (int)length));
        bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (map.BitCount < 64)
            bits &= (1UL << (int)map.BitCount) - 1;
        return read;
    }
}
