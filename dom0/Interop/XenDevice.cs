// SPDX-License-Identifier: MIT
// Opens the devices through which Linux reaches the hypervisor, and says what is wrong when it cannot. Used by the device classes beside this file.

using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

/// <summary>Linux: drivers/xen. Kernels before 3.x had the files of xenfs only.</summary>
public static class XenDevice
{
    private const string Devices = "/dev/xen/", XenFs = "/proc/xen/";

    /// <summary>Where the kernel offers a device, by its name ("privcmd", "xenbus", ...): /dev/xen before /proc/xen.</summary>
    public static string PathOf(string name) => !File.Exists(Devices + name) && File.Exists(XenFs + name) ? XenFs + name : Devices + name;

    /// <summary>Whether this Linux controls the machine: what xenfs says, or else whether there is a privcmd at all.</summary>
    public static bool IsControlDomain =>
        File.Exists(XenFs + "capabilities") ? File.ReadAllText(XenFs + "capabilities").Contains("control_d") : File.Exists(PathOf("privcmd"));

    /// <summary>Opens a device for reading and writing; the error says what to do.</summary>
    internal static SafeFileHandle Open(string name, string module, int extraFlags = 0)
    {
        string path = PathOf(name);
        int descriptor = LibC.open(path, LibC.O_RDWR | LibC.O_CLOEXEC | extraFlags, 0);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        int error = Marshal.GetLastPInvokeError();
        throw new SystemFailure($"cannot open {path}", error, Advice(error, module));
    }

    /// <summary>A descriptor that becomes readable when written to.</summary>
    internal static SafeFileHandle OpenEvent() => new(SystemFailure.Check(LibC.eventfd(0, LibC.O_CLOEXEC | LibC.O_NONBLOCK), "creating an event descriptor"), ownsHandle: true);

    private static string Advice(int error, string module) => error switch
    {
        LibC.EACCES or 1 => "only root may use it",
        _ when !IsUnderXen => "this machine does not run under Xen",
        LibC.ENOENT or LibC.ENXIO or LibC.ENODEV => $"load the kernel module {module}; some devices exist in dom0 only",
        _ => "run as root in dom0",
    };

    private static bool IsUnderXen
    {
        get
        {
            try
            {
                return File.ReadLines("/sys/hypervisor/type").FirstOrDefault() == "xen" || Directory.Exists(XenFs);
            }
            catch (IOException)
            {
                return Directory.Exists(XenFs);
            }
        }
    }
}
