// SPDX-License-Identifier: MIT
// A disk as a plain file or a block device.

using System;
using System.IO;
using Microsoft.Win32.SafeHandles;
using XenSharp.Interop;

namespace XenSharp.BlockBackend.Images;

internal sealed class RawImage : DiskImage
{
    private readonly SafeFileHandle _file;

    public RawImage(string path, bool readOnly)
    {
        IsReadOnly = readOnly;
        _file = File.OpenHandle(path, FileMode.Open, readOnly ? FileAccess.Read : FileAccess.ReadWrite, FileShare.ReadWrite);
        Length = FileSpace.End(_file) & -SectorSize;
    }

    public override long Length { get; }

    public override bool IsReadOnly { get; }

    public override void Read(long offset, Span<byte> destination) => FileRange.Read(_file, offset, destination);

    public override void Write(long offset, ReadOnlySpan<byte> source) => RandomAccess.Write(_file, source, offset);

    public override void Flush() => RandomAccess.FlushToDisk(_file);

    public override void Discard(long offset, long length) => FileSpace.TryPunchHole(_file, offset, length);

    public override void Dispose() => _file.Dispose();
}
