// SPDX-License-Identifier: MIT
// One call of a command: what was typed, where output goes, and the host that it acts on. XlProgram makes it, commands take it.

using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;

namespace XenSharp.Xl.Frame;

public sealed class Invocation(Command command, GlobalOptions global, ParsedOptions options, Host host, TextWriter output, TextWriter error)
{
    public Command Command { get; } = command;

    public GlobalOptions Global { get; } = global;

    public ParsedOptions Options { get; } = options;

    public IReadOnlyList<string> Words => Options.Words;

    public Host Host { get; } = host;

    public TextWriter Output { get; } = output;

    public TextWriter Error { get; } = error;

    public bool IsJson => Options.Has("json");

    public bool Has(string key) => Options.Has(key);

    /// <summary>The domain that the first word names.</summary>
    public Task<int> DomainAsync() => Host.FindDomainAsync(Words[0]);

    /// <summary>A number as C's atoi and strtol read it: what stands at the beginning, 0 if nothing does.</summary>
    public static long LeadingNumber(string text)
    {
        int start = 0;
        while (start < text.Length && char.IsWhiteSpace(text[start]))
            start++;
        int end = start < text.Length && text[start] is '-' or '+' ? start + 1 : start;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        return long.TryParse(text.AsSpan(start, end - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : 0;
    }

    /// <summary>One JSON value on the output, in the form of libxl's: four spaces a level.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true, IndentSize = 4, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            write(json);
        Output.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        Output.Write('\n');
    }
}
