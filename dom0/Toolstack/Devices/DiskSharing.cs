// SPDX-License-Identifier: MIT
// Whether a disk's image is in use elsewhere: two guests that write one file system destroy it. tools/hotplug/Linux/block of Xen has the rule. Used by DiskDevice.

using System;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Interop;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class DiskSharing
{
    /// <exception cref="ToolstackException">Another guest uses it, or dom0 has it mounted, and one of the two writes.</exception>
    public static async Task CheckAsync(XenstoreView view, DeviceAddress device, string path, FileIdentity identity, bool isReadOnly)
    {
        string backends = $"/local/domain/{device.BackendDomain}/backend/vbd";
        foreach (string domain in await view.ListOrNoneAsync(backends).ConfigureAwait(false))
        {
            foreach (string id in await view.ListOrNoneAsync($"{backends}/{domain}").ConfigureAwait(false))
            {
                string other = $"{backends}/{domain}/{id}";
                if (other == device.Backend || await view.ReadAsync($"{other}/physical-device").ConfigureAwait(false) is null)
                    continue;
                if (isReadOnly && await view.ReadAsync($"{other}/mode").ConfigureAwait(false) != "w")
                    continue;
                string? target = await view.ReadAsync($"{other}/params").ConfigureAwait(false);
                if (target is { Length: > 0 } && IsSame(target, identity))
                    throw new ToolstackException($"{path} is in use by domain {domain}, and {(isReadOnly ? "that one writes" : "this one would write")} it");
            }
        }
        if (identity.IsBlockDevice && Array.Exists(await File.ReadAllLinesAsync("/proc/mounts").ConfigureAwait(false), line => IsMounted(line, identity, isReadOnly)))
            throw new ToolstackException($"{path} is mounted in dom0");
    }

    private static bool IsSame(string target, FileIdentity identity)
    {
        try
        {
            FileIdentity other = FileIdentity.Of(target.StartsWith('/') ? target : "/dev/" + target);
            return identity.IsBlockDevice ? other.IsBlockDevice && other.Number == identity.Number : other.Device == identity.Device && other.Inode == identity.Inode;
        }
        catch (SystemFailure)
        {
            return false;
        }
    }

    private static bool IsMounted(string line, FileIdentity identity, bool isReadOnly)
    {
        string[] words = line.Split(' ');
        bool writes = words.Length > 3 && words[3].Split(',')[0] != "ro";
        return words.Length > 3 && words[0].StartsWith("/dev/", StringComparison.Ordinal) && (!isReadOnly || writes) && IsSame(words[0], identity);
    }
}
