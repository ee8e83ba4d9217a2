// SPDX-License-Identifier: MIT
// The xenstore-* tools: which one, its options, its work. Options, output and exit status are those of Xen 4.17's xenstore clients. Called by dom0/Tools.

using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.XenstoreTools;

public static class XenstoreTool
{
    private static readonly string[] s_modes = ["read", "chmod", "exists", "list", "ls", "rm", "write", "watch", "control"];

    /// <param name="name">xenstore-ls and so on; or xenstore, and the first argument says which.</param>
    public static async Task<int> RunAsync(string name, string[] arguments)
    {
        string mode = name.StartsWith("xenstore-", StringComparison.Ordinal) ? name["xenstore-".Length..] : "";
        if (mode.Length == 0 && arguments.Length > 0)
        {
            mode = arguments[0];
            name = $"{name} {mode}";
            arguments = arguments[1..];
        }
        // Bytes of values are not to be changed on their way to the output.
        using StreamWriter output = new(Console.OpenStandardOutput(), Encoding.Latin1);
        try
        {
            if (Array.IndexOf(s_modes, mode) < 0)
                throw mode.Length == 0 ? Options.Usage("", name) : new UsageException($"unknown mode {mode}\n");
            if (mode == "control")
                return await new ControlTool(output, name).RunAsync(arguments);
            Options options = Options.Parse(mode, name, arguments);
            return await RunAsync(mode, name, options, output);
        }
        catch (UsageException failure)
        {
            await Console.Error.WriteLineAsync($"{name}: {failure.Message}");
            return 1;
        }
        catch (Exception failure) when (failure is XenstoreException or IOException or SocketException)
        {
            await Console.Error.WriteLineAsync($"{name}: {failure.Message}");
            return 1;
        }
    }

    private static async Task<int> RunAsync(string mode, string name, Options options, StreamWriter output)
    {
        List<string> words = options.Words;
        if (mode == "ls" && words.Count == 0)
            words.Add("/");
        if (words.Count == 0 || (mode == "write" && words.Count % 2 == 1))
            throw Options.Usage(mode, name);
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync();
        if (mode == "watch")
            return await WatchAsync(xenstore, options, output);
        if (mode == "ls")
            return await ListTreeAsync(xenstore, options, output);
        bool isTransaction = mode switch { "read" => words.Count > 1, "write" => words.Count > 2, _ => true };
        if (!isTransaction)
            return await PerformAsync(mode, name, options, xenstore.Store, output);
        // What a try prints counts if it commits; a failure ends the transaction without a change.
        StringWriter text = new();
        int status = 0;
        try
        {
            await xenstore.TransactAsync(async view =>
            {
                text.GetStringBuilder().Clear();
                status = await PerformAsync(mode, name, options, view, text);
                if (status != 0)
                    throw new AbandonedException();
            });
        }
        catch (AbandonedException)
        {
            // Its message has been printed.
        }
        await output.WriteAsync(text.ToString());
        return status;
    }

    private static async Task<int> PerformAsync(string mode, string name, Options options, XenstoreView view, TextWriter output)
    {
        List<string> words = options.Words;
        switch (mode)
        {
            case "read":
                foreach (string path in words)
                {
                    byte[]? value = await TryAsync(() => view.ReadBytesAsync(path));
                    if (value is null)
                        return Fail(name, $"couldn't read path {path}");
                    if (options.HasPrefix)
                        await output.WriteAsync($"{path}: ");
                    await output.WriteAsync(options.IsRaw ? Encoding.Latin1.GetString(value) : Escapes.Escape(value) + "\n");
                }
                return 0;
            case "write":
                for (int index = 0; index < words.Count; index += 2)
                {
                    byte[] value = options.IsRaw ? Encoding.UTF8.GetBytes(words[index + 1]) : Escapes.Unescape(words[index + 1]);
                    if (!await TryAsync(() => view.WriteBytesAsync(words[index], value)))
                        return Fail(name, $"could not write path {words[index]}");
                }
                return 0;
            case "rm":
                foreach (string path in words)
                {
                    if (!await RemoveAsync(view, path, options.IsTidy, name))
                        return 1;
                }
                return 0;
            case "exists":
                foreach (string path in words)
                {
                    if (await TryAsync(() => view.ReadBytesAsync(path)) is null)
                        return 1;
                }
                return 0;
            case "list":
                return await ListAsync(name, options, view, output);
            default:
                return await ChangeModeAsync(name, options, view);
        }
    }

    private static async Task<int> ListAsync(string name, Options options, XenstoreView view, TextWriter output)
    {
        foreach (string path in options.Words)
        {
            if (await TryAsync(() => view.ListAsync(path)!) is not { } names)
                return Fail(name, $"could not list path {path}");
            if (options.IsJson)
            {
                ArrayBufferWriter<byte> json = new();
                using (Utf8JsonWriter writer = new(json))
                {
                    writer.WriteStartArray();
                    foreach (string child in names)
                        writer.WriteStringValue(child);
                    writer.WriteEndArray();
                }
                await output.WriteAsync(Encoding.UTF8.GetString(json.WrittenSpan) + "\n");
                continue;
            }
            foreach (string child in names)
                await output.WriteAsync(options.HasPrefix ? $"{path}/{child}\n" : $"{child}\n");
        }
        return 0;
    }

    /// <summary>With <paramref name="isTidy"/>, nodes above that are left empty go too.</summary>
    private static async Task<bool> RemoveAsync(XenstoreView view, string path, bool isTidy, string name)
    {
        while (true)
        {
            if (!await TryAsync(() => view.RemoveAsync(path)!) || path.Length == 0)
                return Fail(name, $"could not remove path {path}") == 0;
            int slash = path.LastIndexOf('/');
            if (!isTidy || slash <= 0)
                return true;
            path = path[..slash];
            byte[]? value = await TryAsync(() => view.ReadBytesAsync(path));
            if (value is not { Length: 0 } || await TryAsync(() => view.ListAsync(path)!) is not { Length: 0 })
                return true;
        }
    }

    private static async Task<int> ChangeModeAsync(string name, Options options, XenstoreView view)
    {
        List<XenstorePermission> permissions = [];
        foreach (string word in options.Words.GetRange(1, options.Words.Count - 1))
        {
            if (word.Length < 2 || !"nrwb".Contains(word[0]) || !int.TryParse(word.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int domain))
                return Fail(name, $"Invalid permission specification: '{(word.Length > 0 ? word[0] : ' ')}'");
            permissions.Add(new XenstorePermission(word[0], domain));
        }
        return await ChangeModeAsync(options.Words[0], options.IsUpto, options.IsRecursive);

        async Task<int> ChangeModeAsync(string path, bool isUpto, bool isRecursive)
        {
            if (path.Length == 0)
                return 0;
            if (!await TryAsync(() => view.SetPermissionsAsync(path, permissions)))
                return Fail(name, $"Error occurred setting permissions on '{path}'");
            if (isUpto && path.LastIndexOf('/') is >= 0 and int slash && await ChangeModeAsync(path[..slash], true, false) != 0)
                return 1;
            foreach (string child in isRecursive ? await view.ListAsync(path) : [])
            {
                if (await ChangeModeAsync($"{path}/{child}", false, true) != 0)
                    return 1;
            }
            return 0;
        }
    }

    private static async Task<int> ListTreeAsync(XenstoreConnection xenstore, Options options, StreamWriter output)
    {
        foreach (string path in options.Words)
        {
            TreeListing listing = new(xenstore, output, options) { Width = Console.IsOutputRedirected ? 80 : Console.WindowWidth - 2 };
            if (!options.IsJson)
            {
                await listing.WriteAsync(path);
                continue;
            }
            await output.FlushAsync();
            using (Utf8JsonWriter json = new(output.BaseStream, new JsonWriterOptions { Indented = true }))
                await listing.WriteJsonAsync(json, path);
            await output.WriteAsync("\n");
        }
        return 0;
    }

    private static async Task<int> WatchAsync(XenstoreConnection xenstore, Options options, StreamWriter output)
    {
        int left = options.Count;
        List<Task> watching = [];
        using System.Threading.CancellationTokenSource end = new();
        foreach (string path in options.Words)
            watching.Add(FollowAsync(path));
        try
        {
            await Task.WhenAll(watching);
        }
        catch (OperationCanceledException)
        {
            // The wanted number of events has come.
        }
        return 0;

        async Task FollowAsync(string path)
        {
            await foreach (XenstoreEvent change in xenstore.WatchAsync(path, cancellation: end.Token))
            {
                lock (output)
                {
                    if (left == 0)
                        return;
                    output.Write(options.IsJson ? $"{{\"path\":\"{JsonEncodedText.Encode(change.Path)}\"}}\n" : $"{change.Path}\n");
                    output.Flush();
                    if (left > 0 && --left == 0)
                        end.Cancel();
                }
            }
        }
    }

    private static int Fail(string name, string text)
    {
        Console.Error.WriteLine($"{name}: {text}");
        return 1;
    }

    private static async Task<T?> TryAsync<T>(Func<Task<T?>> work)
    {
        try
        {
            return await work();
        }
        catch (XenstoreException)
        {
            return default;
        }
    }

    private static async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (XenstoreException)
        {
            return false;
        }
    }

    private sealed class AbandonedException : Exception;
}
