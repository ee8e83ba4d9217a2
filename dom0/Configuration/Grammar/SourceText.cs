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

    /// <summary>The last place asked for: the next is mostly further right in its line, and lines can be long.</summary>
    private (int LineStart, int Offset, int Column) _last = (-1, 0, 0);

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
        (int at, int column) = _last.LineStart == starts[line] && _last.Offset <= offset ? (_last.Offset, _last.Column) : (starts[line], 1);
        for (; at < offset; at++)
        {
            if ((Bytes[at] & 0xC0) != 0x80) column++;
        }
        _last = (starts[line], offset, column);
        return new SourcePosition(inFile ? _name : SourcePosition.CommandLine, line + 1, column);
    }
}
