// SPDX-License-Identifier: MIT
// xenstore-ls: the tree below a path, in the layout of Xen's, or as JSON.

using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.XenstoreTools;

internal sealed class TreeListing(XenstoreConnection xenstore, TextWriter output, Options options)
{
    // What follows a value that was cut: ` = "..."`.
    private const int TagLength = 8;
    private const int WantedWidth = 60;

    /// <summary>The terminal's width, less two; 80 if the output is none.</summary>
    public int Width { get; init; } = 80;

    public async Task WriteAsync(string path, int depth = 0)
    {
        string[] names;
        try
        {
            names = await xenstore.Store.ListAsync(path);
        }
        catch (XenstoreException failure) when (depth > 0 && failure.IsNotFound)
        {
            return;     // It has gone meanwhile.
        }
        foreach (string name in names)
        {
            string child = path.EndsWith('/') ? path + name : $"{path}/{name}";
            int width = 0;
            if (options.IsFlat)
            {
                output.Write(child);
            }
            else
            {
                string shown = name[..Math.Min(name.Length, Math.Max(Width - TagLength - depth, 0))];
                output.Write(new string(' ', depth) + shown);
                width = depth + shown.Length;
            }
            await WriteValueAsync(child, width);
            if (options.HasPrefix)
                output.Write($"  ({string.Join(',', await xenstore.Store.GetPermissionsAsync(child))})");
            output.Write('\n');
            await WriteAsync(child, depth + 1);
        }
    }

    public async Task WriteJsonAsync(Utf8JsonWriter json, string path)
    {
        json.WriteStartObject();
        byte[]? value = null;
        try
        {
            value = await xenstore.Store.ReadBytesAsync(path);
        }
        catch (XenstoreException)
        {
            // May not be read; its children may.
        }
        if (value is not null)
            json.WriteString("value", Escapes.Escape(value));
        if (options.HasPrefix)
            json.WriteString("permissions", string.Join(',', await xenstore.Store.GetPermissionsAsync(path)));
        string[] names = await xenstore.Store.ListAsync(path);
        if (names.Length > 0)
        {
            json.WriteStartObject("children");
            foreach (string name in names.Order(StringComparer.Ordinal))
            {
                json.WritePropertyName(name);
                await WriteJsonAsync(json, path.EndsWith('/') ? path + name : $"{path}/{name}");
            }
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private async Task WriteValueAsync(string path, int width)
    {
        byte[]? value = null;
        try
        {
            value = await xenstore.Store.ReadBytesAsync(path);
        }
        catch (XenstoreException)
        {
            // Shown like one that is gone.
        }
        if (value is null)
        {
            output.Write(":\n");
            return;
        }
        string text = Escapes.Escape(value);
        if (!options.IsFlat && Width < width + value.Length + TagLength)
        {
            output.Write($" = \"{text[..Math.Min(text.Length, Math.Max(Width - TagLength - width, 0))]}\\...\"");
            return;
        }
        string shown = $" = \"{text}\"";
        output.Write(shown);
        if (!options.HasPrefix)
            return;
        output.Write(' ');
        width += shown.Length + 1;
        for (; width < (options.IsFlat ? 0 : Math.Min(WantedWidth, Width)); width++)
            output.Write((width & 1) != 0 ? '.' : ' ');
    }
}
