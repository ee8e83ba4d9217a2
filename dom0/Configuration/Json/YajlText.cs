// SPDX-License-Identifier: MIT
// JSON laid out as the library behind libxl (yajl, "beautify", four spaces) does, byte for byte.
using System;
using System.Buffers;
using System.Text;
using System.Text.Json;

namespace XenSharp.Configuration.Json;

/// <summary>Lays out JSON as yajl does: an empty map has an empty line in it, letters beyond ASCII stay as they are.</summary>
public static class YajlText
{
    /// <summary>The same value in yajl's layout, with a line feed at its end.</summary>
    public static string Format(ReadOnlySpan<byte> json)
    {
        var text = new StringBuilder(json.Length * 2);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 128 });
        bool first = true, afterName = false;
        int depth = 0;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    text.Append('\n').Append(' ', --depth * 4).Append((char)reader.ValueSpan[0]);
                    first = false;
                    continue;
                case JsonTokenType.PropertyName:
                    Separate();
                    AppendString(text, reader.GetString()!);
                    text.Append(": ");
                    afterName = true;
                    continue;
            }
            if (!afterName) Separate();
            afterName = false;
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    text.Append((char)reader.ValueSpan[0]).Append('\n');
                    depth++;
                    first = true;
                    continue;
                case JsonTokenType.String:
                    AppendString(text, reader.GetString()!);
                    break;
                default:
                    text.Append(Encoding.ASCII.GetString(reader.ValueSpan));
                    break;
            }
            first = false;
        }
        return text.Append('\n').ToString();

        void Separate()
        {
            if (depth == 0) return;
            if (!first) text.Append(",\n");
            text.Append(' ', depth * 4);
        }
    }

    private static void AppendString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char letter in value)
        {
            switch (letter)
            {
                case '"': text.Append("\\\""); break;
                case '\\': text.Append("\\\\"); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\f': text.Append("\\f"); break;
                case '\b': text.Append("\\b"); break;
                case < ' ': text.Append("\\u00").Append(((int)letter).ToString("X2")); break;
                default: text.Append(letter); break;
            }
        }
        text.Append('"');
    }
}
