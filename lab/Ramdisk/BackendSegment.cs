// SPDX-License-Identifier: MIT
// Our block backend as a part of dom0's ramdisk, for guests with qcow2 disks. Used by the run command and by end-to-end tests.

using System.IO;
using XenSharp.Lab.Build;

namespace XenSharp.Lab.Ramdisk;

/// <summary>An archive of its own, so that a dom0 whose guests have raw disks needs no linker on the host.</summary>
public static class BackendSegment
{
    /// <summary>Where the program is in dom0.</summary>
    public const string Program = "/usr/lib/xensharp/bin/xensharp-blkback";

    /// <summary>What a disk's specification says so that xl leaves it to the device model.</summary>
    public const string DiskSetting = "backendtype=qdisk";

    /// <summary>What the guest's configuration says so that the device model is ours.</summary>
    public const string Settings = $"device_model_version = \"qemu-xen\"\ndevice_model_override = \"{Program}\"\n";

    public static byte[] Archive()
    {
        CpioWriter archive = new();
        archive.AddFile(Program[1..], File.ReadAllBytes(ProjectBuild.BlockBackend()), isProgram: true);
        return archive.Finish();
    }
}
