// SPDX-License-Identifier: MIT
// What a guest's disk is kept in. One implementation per format; opened by ImageOpener, used by the queues of a disk.

using System;

namespace XenSharp.BlockBackend.Images;

/// <summary>
/// A disk of <see cref="Length"/> bytes. Ranges are checked by the caller and are whole sectors; several threads may call at once.
/// Errors of the file are IOException.
/// </summary>
internal abstract class DiskImage : IDisposable
{
    public const int SectorSize = 512;

    public abstract long Length { get; }

    public abstract bool IsReadOnly { get; }

    public abstract void Read(long offset, Span<byte> destination);

    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Everything written so far survives a loss of power.</summary>
    public abstract void Flush();

    /// <summary>The range's content is no longer needed; a hint.</summary>
    public abstract void Discard(long offset, long length);

    public abstract void Dispose();
}
