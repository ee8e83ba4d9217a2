// SPDX-License-Identifier: MIT
// Reads the hypervisor's command line. Called by the port at boot: first silently (the console itself is configured by it), then again to
// name on the console what could not be honoured.

using System;
using XenSharp.Core.Console;

namespace XenSharp.Core.Options;

/// <summary>
/// Words separated by spaces, `name` or `name=value`, double quotes keep spaces together; `no-name` and `name=no` switch a boolean off.
/// What follows ` -- ` is dom0's.
/// </summary>
public static class OptionParser
{
    private const int MaxWord = 256;

    /// <summary>Fills the options; the line is kept for XENVER_commandline and the part behind ` -- ` for dom0's kernel.</summary>
    public static void Parse(ReadOnlySpan<byte> line, BootOptions options)
    {
        ReadOnlySpan<byte> own = OwnPart(line, out ReadOnlySpan<byte> kernel);
        options.CommandLine = Copy(own);
        options.KernelCommandLine = Copy(kernel);
        Run(own, options, null);
    }

    /// <summary>Prints a line for each option that is unknown, not supported, or has a value that is not understood.</summary>
    public static void Report(BootOptions options, HostConsole console) => Run(options.CommandLine, new BootOptions(), console);

    /// <summary>The line without the name of the image, which all loaders but GRUB 2 put first (its name begins "GRUB 2").</summary>
    public static ReadOnlySpan<byte> WithoutImageName(ReadOnlySpan<byte> line, ReadOnlySpan<byte> loaderName)
    {
        line = Ascii.TrimStart(line);
        if (Ascii.StartsWith(loaderName, "GRUB "u8) && loaderName.Length > 5 && loaderName[5] is >= (byte)'1' and <= (byte)'9')
            return line;
        int end = Ascii.IndexOf(line, (byte)' ');
        return end < 0 ? [] : Ascii.TrimStart(line.Slice(end));
    }

    private static ReadOnlySpan<byte> OwnPart(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> kernel)
    {
        kernel = [];
        for (int i = 0; i + 4 <= line.Length; i++)
        {
            if (!Ascii.StartsWith(line.Slice(i), " -- "u8))
                continue;
            kernel = Ascii.TrimStart(line.Slice(i + 4));
            return line.Slice(0, i);
        }

        return line;
    }

    private static byte[] Copy(ReadOnlySpan<byte> text)
    {
        byte[] copy = new byte[text.Length];
        text.CopyTo(copy);
        return copy;
    }

    private static void Run(ReadOnlySpan<byte> line, BootOptions options, HostConsole? console)
    {
        Span<byte> word = stackalloc byte[MaxWord];
        int position = 0;
        while (true)
        {
            while (position < line.Length && line[position] == (byte)' ')
                position++;
            if (position == line.Length)
                return;
            int length = 0;
            bool quoted = false;
            for (; position < line.Length && (quoted || line[position] != (byte)' '); position++)
            {
                if (line[position] == (byte)'"')
                    quoted = !quoted;
                else if (length < MaxWord)
                    word[length++] = line[position];
            }

            Handle(word.Slice(0, length), options, console);
        }
    }

    private static void Handle(ReadOnlySpan<byte> word, BootOptions options, HostConsole? console)
    {
        int equals = Ascii.IndexOf(word, (byte)'=');
        ReadOnlySpan<byte> name = equals < 0 ? word : word.Slice(0, equals);
        ReadOnlySpan<byte> value = equals < 0 ? [] : word.Slice(equals + 1);
        bool positive = !Ascii.StartsWith(name, "no-"u8);
        OptionResult result = SupportedOptions.Set(options, name, value, equals >= 0, true);
        if (result == OptionResult.Unknown && !positive)
        {
            name = name.Slice(3);
            result = SupportedOptions.Set(options, name, value, equals >= 0, false);
        }

        if (result == OptionResult.Unknown && UnsupportedOptions.Contains(name))
            result = OptionResult.NotSupported;
        if (console != null && result != OptionResult.Done)
            Complain(console, word, name, value, result);
    }

    private static void Complain(HostConsole console, ReadOnlySpan<byte> word, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, OptionResult result)
    {
        switch (result)
        {
            case OptionResult.Unknown:
                console.Begin().Text("command line: unknown option \""u8).Printable(word).Text("\""u8).End();
                break;
            case OptionResult.NotSupported:
                console.Begin().Text("command line: option \""u8).Printable(word).Text("\" is not supported"u8).End();
                break;
            default:
                console.Begin().Text("command line: option \""u8).Printable(name).Text("\" has invalid value \""u8).Printable(value).Text("\""u8).End();
                break;
        }
    }
}

/// <summary>What became of one option.</summary>
public enum OptionResult { Done, Unknown, NotSupported, InvalidValue }
