// SPDX-License-Identifier: MIT
// A disk of a guest.
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary><c>libxl_device_disk</c>: a disk (<c>disk=</c>, xl-disk-configuration(5)).</summary>
public sealed record DeviceDisk
{
    public uint BackendDomid { get; init; }
    /// <summary>The domain that serves it, by name or number; null for dom0.</summary>
    public string? BackendDomname { get; init; }
    /// <summary>The image or device; null or empty for an empty drive.</summary>
    public string? PdevPath { get; init; }
    /// <summary>The name that the guest is told: <c>xvda</c>, <c>hda2</c>, <c>d5p1</c>, a number.</summary>
    public string? Vdev { get; init; }
    public DiskBackend Backend { get; init; }
    public DiskFormat Format { get; init; }
    public string? Script { get; init; }
    /// <summary>0 or 1.</summary>
    public int Removable { get; init; }
    /// <summary>0 or 1.</summary>
    public int Readwrite { get; init; }
    /// <summary>0 or 1.</summary>
    public int IsCdrom { get; init; }
    public bool DirectIoSafe { get; init; }
    public bool? DiscardEnable { get; init; }
    public DiskSpecification Specification { get; init; }
    public DiskTransport Transport { get; init; }
    public uint Irq { get; init; }
    [JsonPropertyName("base")] public ulong Base { get; init; }
    public bool? ColoEnable { get; init; }
    public bool? ColoRestoreEnable { get; init; }
    public string? ColoHost { get; init; }
    public int ColoPort { get; init; }
    public string? ColoExport { get; init; }
    public string? ActiveDisk { get; init; }
    public string? HiddenDisk { get; init; }
    /// <summary>Whether the frontend may trust the backend.</summary>
    public bool? Trusted { get; init; }
}
