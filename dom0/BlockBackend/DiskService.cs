// SPDX-License-Identifier: MIT
// All disks of one guest, as they come and go in xenstore.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.BlockBackend.Xenbus;

namespace XenSharp.BlockBackend;

/// <summary>One thread reads xenstore's events and moves each disk's state; the queues have threads of their own.</summary>
internal sealed class DiskService(DeviceStore store, ushort domain, QueueStarter start, Action<string> log) : IDisposable
{
    private readonly Dictionary<string, Disk> _disks = [];
    private readonly HashSet<string> _refused = [];

    /// <summary>Returns when the guest is gone, or the connection to xenstored.</summary>
    public void Run()
    {
        string own = store.Read("domid") ?? throw new IOException("xenstore does not say which domain this is (node domid): start xen-init-dom0 first");
        string backends = $"/local/domain/{own}/backend/qdisk/{domain}";
        string guest = $"/local/domain/{domain}";
        store.Watch(backends);
        store.Watch("@releaseDomain");
        Rescan(backends);
        // libxl waits for this before it goes on.
        store.Write($"/local/domain/{own}/device-model/{domain}/state", "running");
        foreach (string path in store.Events)
        {
            if (path == "@releaseDomain" && store.Read(guest) == null)
                break;
            Rescan(backends);
            foreach ((string backend, Disk disk) in _disks)
                Follow(backend, disk);
            Forget();
        }
    }

    public void Dispose()
    {
        foreach (Disk disk in _disks.Values)
            disk.Dispose();
    }

    private void Rescan(string backends)
    {
        foreach (string name in store.List(backends))
        {
            string path = $"{backends}/{name}";
            // libxl writes a directory in one transaction, so the state is the last thing to wait for.
            if (_disks.ContainsKey(path) || _refused.Contains(path) || store.Read(path + "/state") != "1")
                continue;
            try
            {
                _disks.Add(path, Disk.Open(store, domain, path, start, log));
            }
            catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                log($"{path}: {fault.Message}");
                store.Write($"{path}/error", fault.Message);
                _refused.Add(path);
            }
        }

        _refused.RemoveWhere(path => store.Read(path + "/state") == null);
    }

    // A node that vanishes between two steps, as when the guest is destroyed, is no reason to stop serving the other disks.
    private void Follow(string backend, Disk disk)
    {
        try
        {
            disk.Follow();
        }
        catch (Exception fault) when (fault is IOException)
        {
            log($"{backend}: {fault.Message}");
        }
    }

    private void Forget()
    {
        foreach ((string path, Disk disk) in new List<KeyValuePair<string, Disk>>(_disks))
        {
            if (!disk.IsGone)
                continue;
            disk.Dispose();
            _disks.Remove(path);
            log($"{path}: gone");
        }
    }
}
