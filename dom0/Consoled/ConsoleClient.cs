// SPDX-License-Identifier: MIT
// xenconsole: joins this terminal to a guest's. Options, messages and exit statuses are those of Xen 4.17's. Called by ConsoleTools; xl console runs it.

using System;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using XenSharp.CommandLine;
using XenSharp.Interop;
using XenSharp.XenstoreClient;

namespace XenSharp.Consoled;

internal static class ConsoleClient
{
    private const int InvalidArgument = 22, WouldBlock = 11, NoProcess = 3, NoEntry = 2, ConnectionRefused = 111;
    private const string LockFolder = "/var/lock";

    private static readonly TimeSpan s_terminalWait = TimeSpan.FromSeconds(5);

    private static readonly GetOptions s_options = new("hn:", ["type=t", "num=n", "help:h", "start-notify-fd=s", "interactive:i"]);

    private static readonly string[] s_types = ["pv", "serial", "vuart"];

    public static async Task<int> RunAsync(string name, string[] arguments)
    {
        string type = "";
        int number = 0, notify = -1;
        bool isInteractive = false;
        int domain;
        try
        {
            foreach ((char option, string value) in s_options.Parse(arguments, out var words))
            {
                switch (option)
                {
                    case 'h':
                        Say(1, string.Format(CultureInfo.InvariantCulture, Usage, name));
                        return 0;
                    case 'n': number = Number(value, "console number"); break;
                    case 's': notify = Number(value, "file descriptor"); break;
                    case 'i': isInteractive = true; break;
                    case 't' when Array.IndexOf(s_types, value) >= 0: type = value; break;
                    case 't': throw new FormatException("Invalid type argument\nConsole types supported are: serial, pv, vuart");
                }
            }
            s_options.Parse(arguments, out var left);
            if (left.Count == 0)
                throw new FormatException("DOMID should be specified");
            if (!int.TryParse(left[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out domain))
                throw new FormatException($"Invalid DOMID `{left[0]}'");
            if (domain == 0)
                throw new FormatException("Can't specify Domain-0");
        }
        catch (FormatException failure)
        {
            Say(2, $"{failure.Message}\nTry `{name} --help' for more information.\n");
            return InvalidArgument;
        }

        try
        {
            return await JoinAsync(name, domain, number, type, isInteractive, notify);
        }
        catch (Exception failure) when (failure is IOException or SocketException or XenstoreException)
        {
            Say(2, $"{name}: {(failure is SocketException ? "Could not contact XenStore: " : "")}{failure.Message}\n");
            return failure is SocketException ? ConnectionRefused : failure is SystemFailure system ? system.Error : 1;
        }
    }

    private const string Usage =
        """
        Usage: {0} [OPTION] DOMID
        Attaches to a virtual domain console

          -h, --help       display this help and exit
          -n, --num N      use console number N
          --type TYPE      console type. must be 'pv', 'serial' or 'vuart'
          --start-notify-fd N file descriptor used to notify parent

        """;

    private static async Task<int> JoinAsync(string name, int domain, int number, string type, bool isInteractive, int notify)
    {
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync();
        string folder = await xenstore.GetDomainPathAsync(domain);
        if (!await xenstore.Store.ExistsAsync(folder))
        {
            Say(2, $"{name}: Failed to get domain information: there is no domain {domain}\n");
            return NoProcess;
        }
        string node = await TerminalNodeAsync(xenstore.Store, folder, number, type);
        string lockPath = Path.Combine(LockFolder, string.Create(CultureInfo.InvariantCulture, $"xenconsole.{domain}"));
        using FileStream? taken = TakeLock(lockPath);
        if (taken is null)
        {
            Say(2, $"{name}: Could not lock {lockPath}: another console client is joined to domain {domain}\n");
            return WouldBlock;
        }
        try
        {
            using TerminalNode terminals = new(xenstore, node);
            using TerminalBridge bridge = new(terminals, standardInput: 0, standardOutput: 1) { Warn = text => Say(2, $"{name}: {text}\n") };
            if (!bridge.TryOpen(s_terminalWait))
            {
                Say(2, $"{name}: Could not read tty from store: {node} names no terminal; is xenconsoled running?\n");
                return NoEntry;
            }
            return bridge.Run(isInteractive, notify);
        }
        finally
        {
            File.Delete(lockPath);
        }
    }

    /// <summary>Without a type: the serial line's node if the guest has one, as HVM guests do, or else the PV console's.</summary>
    private static async Task<string> TerminalNodeAsync(XenstoreView store, string folder, int number, string type)
    {
        string serial = string.Create(CultureInfo.InvariantCulture, $"{folder}/serial/{number}/tty");
        if (type is "serial" or "" && await store.ExistsAsync(serial))
            return serial;
        if (type == "vuart")
            return $"{folder}/vuart/0/tty";
        return number == 0 ? $"{folder}/console/tty" : string.Create(CultureInfo.InvariantCulture, $"{folder}/device/console/{number}/tty");
    }

    private static FileStream? TakeLock(string path)
    {
        Directory.CreateDirectory(LockFolder);
        while (true)
        {
            FileStream file;
            try
            {
                file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                return null;
            }
            // Its last owner may have taken the file away before the lock was ours.
            if (File.Exists(path))
                return file;
            file.Dispose();
        }
    }

    private static int Number(string text, string what) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"'{text}' is no {what}");

    /// <summary>Past .NET's console, which would change the terminal's modes.</summary>
    private static void Say(int descriptor, string text) => Descriptors.WriteAll(descriptor, Encoding.UTF8.GetBytes(text));
}
