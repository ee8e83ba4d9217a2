// SPDX-License-Identifier: MIT
// A guest as a part of dom0's ramdisk: its configuration and files below /guest. Used by the run command and by end-to-end tests.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Lab.Guests;

/// <param name="Name">The guest's name.</param>
/// <param name="Configuration">xl's configuration with dom0's paths.</param>
/// <param name="Files">What the paths mean: the name below /guest and the file of this machine.</param>
/// <param name="CreateAtStart">Whether dom0 creates the guest before its shell.</param>
public sealed record GuestSegment(string Name, string Configuration, IReadOnlyList<(string Name, string Source)> Files, bool CreateAtStart)
{
    /// <summary>Where the files are in dom0.</summary>
    public const string Folder = "/guest";

    /// <summary>Whether a disk is served by our block backend, which <see cref="BackendSegment"/> brings.</summary>
    public bool UsesBackend { get; init; }

    public long Size => Files.Sum(file => new FileInfo(file.Source).Length);

    /// <param name="kernel">The metapackage of the guest's kernel, if not the usual one.</param>
    public static GuestSegment Sample(bool createAtStart, string? kernel = null)
    {
        SampleGuest sample = kernel is null ? SampleGuest.Obtain() : SampleGuest.Obtain(kernel);
        return new GuestSegment(
            SampleGuest.Name, SampleGuest.Configuration(Folder), [("vmlinuz", sample.Kernel), ("initrd", sample.Ramdisk), ("disk.img", sample.Disk)], createAtStart);
    }

    public byte[] Archive()
    {
        CpioWriter archive = new();
        foreach ((string name, string source) in Files)
            archive.AddFile($"guest/{name}", File.ReadAllBytes(source));
        archive.AddFile($"guest/{FileName}", Configuration);
        if (CreateAtStart)
            archive.AddFile("guest/create", $"name='{Name.Replace("'", "'\\''")}'\nconfig={Folder}/{FileName}\n");
        return archive.Finish();
    }

    private string FileName => Name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') ? $"{Name}.cfg" : "guest.cfg";
}
