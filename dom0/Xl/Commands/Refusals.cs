// SPDX-License-Identifier: MIT
// Commands of Xen's xl that XenSharp does not have yet, or that its machines have no use for: each says so and fails. Rows of CommandTable.

using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class Refusals
{
    private const string Streams = "streams of a domain's state are not supported yet";
    private const string PassThrough = "passing devices through to guests is not supported yet";
    private const string DeviceModels = "device models are not supported yet";
    private const string SharedResources = "Platform Shared Resource monitoring and allocation are not supported by this machine's hypervisor";
    private const string Usb = "virtual USB is not supported yet";
    private const string Backends = "this kind of device has no backend here, so it cannot be changed";

    private static readonly Option s_vnc = Flag('V', "vncviewer", "Connect to the VNC display once the domain runs.");
    private static readonly Option s_vncPassword = Flag('A', "vncviewer-autopass", "Give the VNC password to the viewer on its input.");

    public static Command Save { get; } = Row("save", "Save a domain's state, to go on from later", "[options] <Domain> <CheckpointFile> [<ConfigFile>]", 2, Streams) with
    {
        Options =
        [
            Flag('c', "Leave the domain running behind the snapshot."),
            Flag('p', "Leave the domain paused behind the snapshot."),
            Flag('D', "Keep the domain's id in the saved configuration."),
        ],
    };

    public static Command Migrate { get; } = Row("migrate", "Move a domain to another machine", "[options] <Domain> <host>", 2, Streams) with
    {
        Options =
        [
            Value('C', "CONFIG", "Send this configuration instead of the one that it was created with."),
            Value('s', "SSHCOMMAND", "Use this command instead of ssh; empty: run <host> as a command."),
            Flag('e', "Do not wait in the background, over there, for the domain's end."),
            Flag('p', "Leave the domain paused over there."),
            Flag('D', "Keep the domain's id."),
            Flag("debug", "Print all details of the migration."),
            Flag("live", "Keep the domain running while it moves."),
        ],
    };

    public static Command Restore { get; } = Row("restore", "Go on with a domain from its saved state", "[options] [<ConfigFile>] <CheckpointFile>", 1, Streams) with
    {
        Options =
        [
            Flag('p', "Leave the domain paused."),
            Flag('F', "Stay in the foreground until the domain ends."),
            Flag('e', "Do not wait in the background for the domain's end."),
            Flag('d', "Print debug messages."),
            s_vnc,
            s_vncPassword,
        ],
    };

    public static Command MigrateReceive { get; } = Row("migrate-receive", "Take a domain that another machine sends", "- for internal use only", 0, Streams) with
    {
        Options = [Flag('F', "Stay in the foreground."), Flag('e', "Do not wait in the background."), Flag('d', "Print debug messages."), Flag('r', "Receive a Remus stream."), Flag('p', "Leave the domain paused.")],
    };

    public static Command Remus { get; } = Row("remus", "Keep a copy of a domain ready on another machine", "[options] <Domain> [<host>]", 1, Streams) with
    {
        Options =
        [
            Value('i', "MS", "Time between checkpoints, in milliseconds."),
            Flag('u', "Do not compress checkpoints."),
            Value('s', "SSHCOMMAND", "Use this command instead of ssh."),
            Flag('e', "Do not wait in the background, over there, for the domain's end."),
            Value('N', "SCRIPT", "Script that sets up network buffering."),
            Flag('F', "Allow unsafe settings: -b, -n and -d."),
            Flag('b', "Throw checkpoints away."),
            Flag('n', "No network buffering."),
            Flag('d', "No disk replication."),
            Flag('c', "COLO instead of Remus."),
            Flag('p', "COLO's proxy in user space."),
        ],
    };

    public static Command CdInsert { get; } = Row("cd-insert", "Put a CD into a guest's drive", "<Domain> <VirtualDevice> <path>", 3, DeviceModels) with { CanDryRun = true };

    public static Command CdEject { get; } = Row("cd-eject", "Take the CD out of a guest's drive", "<Domain> <VirtualDevice>", 2, DeviceModels) with { CanDryRun = true };

    public static Command PciAttach { get; } = Row("pci-attach", "Give a PCI device to a domain", "<Domain> <PCI_SPEC_STRING>", 2, PassThrough);

    public static Command PciDetach { get; } = Row("pci-detach", "Take a PCI device away from a domain", "[options] <Domain> <PCI_SPEC_STRING>", 2, PassThrough) with
    {
        Options = [Flag('f', "Even if the guest does not give it back.")],
    };

    public static Command PciAssignableAdd { get; } = Row("pci-assignable-add", "Set a PCI device apart for guests", "[options] <BDF>", 1, PassThrough) with
    {
        Options = [Value('n', "name", "NAME", "Give it a name.")],
    };

    public static Command PciAssignableRemove { get; } = Row("pci-assignable-remove", "Give a PCI device that was set apart back to the control domain", "[options] <BDF>|NAME", 1, PassThrough) with
    {
        Options = [Flag('r', "Let its former driver have it again.")],
    };

    public static Command LoadPolicy { get; } = Row("loadpolicy", "Load a Flask policy", "<policy file>", 1, "Flask XSM disabled");

    public static Command Devd { get; } = Row("devd", "Serve backends of a driver domain", "[options]", 0, "driver domains are not supported yet") with
    {
        Options = [Flag('F', "Stay in the foreground."), Value('p', "pidfile", "FILE", "Write the process id to FILE.")],
    };

    public static Command PsrHardwareInfo { get; } = Row("psr-hwinfo", "Show what the machine offers for sharing resources", "[options]", 0, SharedResources) with
    {
        Options = [Flag('m', "cmt", "Cache monitoring."), Flag('a', "cat", "Cache allocation."), Flag('b', "mba", "Memory bandwidth allocation.")],
    };

    public static Command PsrCmtAttach { get; } = Row("psr-cmt-attach", "Monitor a domain's use of the cache", "<Domain>", 1, SharedResources);

    public static Command PsrCmtDetach { get; } = Row("psr-cmt-detach", "End the monitoring of a domain's use of the cache", "<Domain>", 1, SharedResources);

    public static Command PsrCmtShow { get; } = Row("psr-cmt-show", "Show a domain's use of the cache", "<PSR-CMT-Type> <Domain>", 1, SharedResources) with
    {
        Notes = "Types: cache-occupancy, total-mem-bandwidth, local-mem-bandwidth.",
    };

    public static Command PsrCatSet { get; } = Row("psr-cat-set", "Set the part of the cache that a domain may fill", "[options] <Domain> <CBM>", 2, SharedResources) with
    {
        Options = [Value('s', "socket", "SOCKET", "On this socket only."), Value('l', "level", "LEVEL", "The cache of this level instead of 3."), Flag('c', "code", "The mask for code."), Flag('d', "data", "The mask for data.")],
    };

    public static Command PsrCatShow { get; } = Row("psr-cat-show", "Show the part of the cache that domains may fill", "[options] <Domain>", 0, SharedResources) with
    {
        Options = [Value('l', "level", "LEVEL", "The cache of this level instead of 3.")],
    };

    public static Command PsrMbaSet { get; } = Row("psr-mba-set", "Set how far a domain's memory bandwidth is throttled", "[options] <Domain> <THRTL>", 2, SharedResources) with
    {
        Options = [Value('s', "socket", "SOCKET", "On this socket only.")],
    };

    public static Command PsrMbaShow { get; } = Row("psr-mba-show", "Show how far domains' memory bandwidth is throttled", "<Domain>", 0, SharedResources);

    public static Command UsbControllerAttach { get; } = Row("usbctrl-attach", "Give a domain a virtual USB controller", "<Domain> [type=pv] [version=<version>] [ports=<number>]", 1, Usb);

    public static Command UsbControllerDetach { get; } = Row("usbctrl-detach", "Take a virtual USB controller away from a domain", "<Domain> <DevId>", 2, Usb);

    public static Command UsbDeviceAttach { get; } = Row("usbdev-attach", "Give a USB device to a domain", "<Domain> hostbus=<busnum> hostaddr=<devnum> [controller=<DevId> [port=<port>]]", 2, Usb);

    public static Command UsbDeviceDetach { get; } = Row("usbdev-detach", "Take a USB device away from a domain", "<Domain> <controller> <port>", 3, Usb);

    public static Command VtpmAttach { get; } = Row("vtpm-attach", "Give a domain a virtual TPM", "<Domain> [uuid=<uuid>] [backend=<BackDomain>]", 1, Backends) with { CanDryRun = true };

    public static Command VtpmDetach { get; } = Row("vtpm-detach", "Take a virtual TPM away from a domain", "<Domain> <DevId|uuid>", 2, Backends);

    public static Command VdisplAttach { get; } = Row("vdispl-attach", "Give a domain a virtual display", "<Domain> [backend=<BackDomain>] [be-alloc=<BackAlloc>] [connectors='<Connectors>']", 1, Backends) with { CanDryRun = true };

    public static Command VdisplDetach { get; } = Row("vdispl-detach", "Take a virtual display away from a domain", "<Domain> <DevId>", 2, Backends);

    public static Command VsndAttach { get; } = Row("vsnd-attach", "Give a domain a virtual sound device", "<Domain> <vsnd-spec-component(s)>...", 2, Backends) with { CanDryRun = true };

    public static Command VsndDetach { get; } = Row("vsnd-detach", "Take a virtual sound device away from a domain", "<Domain> <DevId>", 2, Backends);

    /// <summary>A command that says <paramref name="reason"/> and fails.</summary>
    private static Command Row(string name, string summary, string usage, int requiredWords, string reason) =>
        new(name, summary, usage, _ => Task.FromException<int>(new XlException($"xl {name}: {reason}.")))
        {
            RequiredWords = requiredWords,
            Modifies = true,
        };
}
