// SPDX-License-Identifier: MIT
// From the `params` of a disk in xenstore, or a backing file's name, to an open image.

using System;
using System.IO;

namespace XenSharp.BlockBackend.Images;

internal static class ImageOpener
{
    private const int MaxBackingDepth = 16;

    /// <summary>
    /// <paramref name="parameters"/> is "FORMAT:PATH" as libxl writes it: aio, raw or qcow2. The format is never guessed: a guest could
    /// write a qcow2 header into its raw disk.
    /// </summary>
    public static DiskImage Open(string parameters, bool readOnly)
    {
        int colon = parameters.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || colon == parameters.Length - 1)
            throw new InvalidDataException($"the disk's parameters \"{parameters}\" are not of the form FORMAT:PATH");
        return Open(parameters[(colon + 1)..], parameters[..colon], readOnly, 0);
    }

    private static DiskImage Open(string path, string? format, bool readOnly, int depth)
    {
        if (depth > MaxBackingDepth)
            throw new InvalidDataException($"the image {path} lies more than {MaxBackingDepth} backing files deep");
        return format switch
        {
            "aio" or "raw" => new RawImage(path, readOnly),
            "qcow2" => new Qcow2Image(path, readOnly, (name, kind) => Open(name, kind, true, depth + 1)),
            null => throw new InvalidDataException($"the format of the backing file {path} is not recorded: set it with `qemu-img rebase -u -F FORMAT`"),
            _ => throw new InvalidDataException($"images of format {format} are not supported ({path}); raw and qcow2 are"),
        };
    }
}
