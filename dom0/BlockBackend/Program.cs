// SPDX-License-Identifier: MIT
// xensharp-blkback: serves the qdisk disks of one guest. Started by libxl as the guest's device model
// (device_model_override= in xl.cfg, with QEMU's options), or by hand with --domain.

using System;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using XenSharp.BlockBackend;
using XenSharp.BlockBackend.Xenbus;

const string usage = "usage: xensharp-blkback --domain ID\n  serves the disks below backend/qdisk/ID of this domain (backendtype=qdisk in xl.cfg)";

if (args is ["--help"] or ["-h"])
{
    Console.WriteLine(usage);
    return 0;
}

// Of QEMU's options the domain matters, and the monitor's sockets; the others configure what this program does not have.
int option = Math.Max(Array.IndexOf(args, "--domain"), Array.IndexOf(args, "-xen-domid"));
if (option < 0 || option + 1 >= args.Length || !ushort.TryParse(args[option + 1], NumberStyles.None, CultureInfo.InvariantCulture, out ushort domain))
{
    Console.Error.WriteLine(usage);
    return 2;
}

try
{
    MonitorSocket.OpenAll(args);
    using XenstoreLink store = XenstoreLink.Open();
    using var service = new DiskService(store, domain, BlockQueue.Start, line => Console.Error.WriteLine("xensharp-blkback: " + line));
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Leave(context, store));
    using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Leave(context, store));
    service.Run();
    return 0;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or SocketException)
{
    Console.Error.WriteLine("xensharp-blkback: " + fault.Message);
    return 1;
}

static void Leave(PosixSignalContext context, XenstoreLink store)
{
    // The disks are closed in order; the runtime must not end the process before.
    context.Cancel = true;
    store.Stop();
}
