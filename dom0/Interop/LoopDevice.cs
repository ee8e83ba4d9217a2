// SPDX-License-Identifier: MIT
// Files as block devices. Linux: include/uapi/linux/loop.h. Used by the toolstack for disks in files.

using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

public static unsafe class LoopDevice
{
    private const uint FindFree = 0x4C82, Configure = 0x4C0A, ClearFile = 0x4C01;
    private const int Busy = 16, NoDevice = 6;
    private const int ConfigurationSize = 304, FlagsOffset = 8 + 52, NameOffset = 8 + 56, NameLength = 63;
    private const uint ReadOnlyFlag = 1;
    private const int MostTries = 64;

    /// <summary>Makes a device of a file; its path.</summary>
    public static string Attach(string file, bool isReadOnly)
    {
        using SafeFileHandle source = File.OpenHandle(file, FileMode.Open, isReadOnly ? FileAccess.Read : FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        using SafeFileHandle control = OpenNode("/dev/loop-control");
        // struct loop_config: the file, the block size (0 for the usual one), then struct loop_info64.
        byte* configuration = stackalloc byte[ConfigurationSize];
        Span<byte> bytes = new(configuration, ConfigurationSize);
        bytes.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)source.DangerousGetHandle());
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[FlagsOffset..], isReadOnly ? ReadOnlyFlag : 0);
        byte[] name = Encoding.UTF8.GetBytes(file);
        name.AsSpan(0, Math.Min(name.Length, NameLength)).CopyTo(bytes[NameOffset..]);
        for (int tries = 0; ; tries++)
        {
            int number = SystemFailure.Check(LibC.ioctl(control, FindFree, null), "finding a free loop device");
            string path = string.Create(CultureInfo.InvariantCulture, $"/dev/loop{number}");
            using SafeFileHandle device = OpenNode(path);
            // SAFETY: struct loop_config, which the kernel reads.
            if (LibC.ioctl(device, Configure, configuration) == 0)
                return path;
            // Somebody else may have taken it in between.
            if (Marshal.GetLastPInvokeError() != Busy || tries >= MostTries)
                throw new SystemFailure($"making {path} of {file}");
        }
    }

    /// <summary>Undoes <see cref="Attach"/>, at once or when the last user has closed the device. No failure if it is undone already.</summary>
    public static void Detach(string path)
    {
        using SafeFileHandle device = OpenNode(path);
        if (LibC.ioctl(device, ClearFile, null) != 0 && Marshal.GetLastPInvokeError() != NoDevice)
            throw new SystemFailure($"giving {path} back");
    }

    private static SafeFileHandle OpenNode(string path) =>
        new(SystemFailure.Check(LibC.open(path, LibC.O_RDWR | LibC.O_CLOEXEC, 0), $"opening {path}"), ownsHandle: true);
}
