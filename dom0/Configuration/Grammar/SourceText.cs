// SPDX-License-Identifier: MIT
// The bytes of a file together with what the command line adds to it, and the place of each byte.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace XenSharp.Configuration.Grammar;

/// <summary>
/// What is parsed: the file, then each <c>key=value</c> argument on a line of its own, as xl appends them (<c>main_create</c> of
/// <c>tools/xl/xl_vmcontrol.c</c>). So an argument has the file's grammar, and a string in it needs quotes.
/// </summary>
internal sealed class SourceText
{
    private readonly string _name;
    private readonly int _lengthOfFile;
    private readonly List<int> _lineStarts = [0];
    private readonly List<int> _argumentStarts = [];

    public SourceText(ReadOnlySpan<byte> file, string name, IReadOnlyList<string> overrides)
    {
        _name = name;
        _lengthOfFile = file.Length;
        var all = new MemoryStream();
        all.Write(file);
        if (overrides.Count > 0) all.WriteByte((byte)'\n');
        foreach (string argument in overrides)
        {
            _argumentStarts.Add((int)all.Position);
            all.Write(Encoding.UTF8.GetBytes(argument));
            all.WriteByte((byte)'\n');
        }
        Bytes = all.ToArray();
        for (int i = 0; i < Bytes.Length; i++)
        {
            if (Bytes[i] == '\n') _lineStarts.Add(i + 1);
        }
    }

    public byte[] Bytes { get; }

    public SourcePosition PositionOf(int offset)
    {
        bool inFile = _argumentStarts.Count == 0 || offset <= _lengthOfFile;
        List<int> starts = inFile ? _lineStarts : _argumentStarts;
        int line = starts.BinarySearch(offset);
        if (line < 0) line = ~line - 1;
        int column = 1;
        for (int i = starts[line]; i < offset; i++)
        {
            if ((Bytes[i] & 0xC0) != 0x80) column++;
        }
        return new SourcePosition(inFile ? _name : SourcePosition.CommandLine, line + 1, column);
    }
}
