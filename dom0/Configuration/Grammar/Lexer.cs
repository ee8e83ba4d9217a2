// SPDX-License-Identifier: MIT
// Cuts a configuration file into words. Used by the parser only. Behaviour: tools/libs/util/libxlu_cfg_l.l and xlu__cfgl_dequote of Xen 4.17.
using System;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.Configuration.Grammar;

/// <summary>
/// The lexer. It goes on after an error, so that all of them are told, one for each line at most. Where Xen's lexer refuses a file this one does so too, also
/// where it could guess: a file that is right here is right there.
/// </summary>
internal ref struct Lexer(SourceText source, Diagnostics diagnostics)
{
    private readonly ReadOnlySpan<byte> _bytes = source.Bytes;
    private int _at;
    private int _lineOfLastError = -1;
    private bool _toldOfCarriageReturns;

    public List<Token> ReadAll()
    {
        var tokens = new List<Token>();
        do
        {
            if (Next() is { } token) tokens.Add(token);
        }
        while (tokens.Count == 0 || tokens[^1].Kind != TokenKind.End);
        return tokens;
    }

    /// <summary>The next word, or null where there was none: blanks, or something wrong.</summary>
    private Token? Next()
    {
        if (_at >= _bytes.Length) return new Token(TokenKind.End, "", source.PositionOf(_bytes.Length));
        int start = _at;
        byte first = _bytes[_at];
        switch (first)
        {
            case (byte)' ' or (byte)'\t':
                _at++;
                return null;
            case (byte)'\n':
                return Take(TokenKind.Newline, 1);
            case (byte)',':
                return Take(TokenKind.Comma, 1);
            case (byte)'[':
                return Take(TokenKind.Open, 1);
            case (byte)']':
                return Take(TokenKind.Close, 1);
            case (byte)'=':
                return Take(TokenKind.Equal, 1);
            case (byte)';':
                return Take(TokenKind.Semicolon, 1);
            case (byte)'+' when _at + 1 < _bytes.Length && _bytes[_at + 1] == '=':
                return Take(TokenKind.Add, 2);
            case (byte)'#':
                return Comment();
            case (byte)'"' or (byte)'\'':
                return String(first);
            case >= (byte)'a' and <= (byte)'z':
                while (_at < _bytes.Length && _bytes[_at] is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'.' or (byte)'_') _at++;
                return Word(TokenKind.Name, start);
            case >= (byte)'0' and <= (byte)'9':
                while (_at < _bytes.Length && _bytes[_at] is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f') or (byte)'x') _at++;
                return Word(TokenKind.Number, start);
            case (byte)'\r':
                _at++;
                if (!_toldOfCarriageReturns) Report(start, "a carriage return: the file has the line ends of DOS, where each line is to end in a line feed alone");
                _toldOfCarriageReturns = true;
                return null;
        }
        SkipWord();
        Report(start, Explain(start));
        return null;
    }

    private Token Take(TokenKind kind, int length)
    {
        _at += length;
        return new Token(kind, "", source.PositionOf(_at - length));
    }

    private readonly Token Word(TokenKind kind, int start) => new(kind, Encoding.ASCII.GetString(_bytes[start.._at]), source.PositionOf(start));

    private Token? Comment()
    {
        int start = _at;
        int length = _bytes[_at..].IndexOf((byte)'\n');
        if (length >= 0)
        {
            _at += length + 1;
            return new Token(TokenKind.Newline, "", source.PositionOf(_at - 1));
        }
        _at = _bytes.Length;
        Report(start, "the comment in the last line needs a line feed at its end");
        return null;
    }

    private Token? String(byte quote)
    {
        int start = _at++;
        var content = new List<byte>();
        string? fault = null;
        int faultAt = start;
        while (true)
        {
            if (_at >= _bytes.Length || _bytes[_at] == '\n')
            {
                _at = start + 1;
                SkipWord();
                Report(start, $"the string has no closing {(char)quote} in its line");
                return null;
            }
            byte letter = _bytes[_at++];
            if (letter == quote) break;
            if (letter == 0 && fault is null) (fault, faultAt) = ("a string cannot hold a NUL byte", _at - 1);
            if (letter != '\\')
            {
                content.Add(letter);
                continue;
            }
            if (_at >= _bytes.Length || _bytes[_at] == '\n') continue;
            int escapeAt = _at - 1;
            if (Escape(_bytes[_at++]) is { } meant) content.Add(meant);
            else if (fault is null) (fault, faultAt) = (ExplainEscape((char)_bytes[_at - 1]), escapeAt);
        }
        if (fault is not null)
        {
            Report(faultAt, fault);
            return null;
        }
        string text = Encoding.UTF8.GetString([.. content]);
        if (text.Contains('\uFFFD')) diagnostics.Warn(source.PositionOf(start), "the string is not valid UTF-8, and is taken with signs in place of what is not");
        return new Token(TokenKind.Text, text, source.PositionOf(start));
    }

    private static byte? Escape(byte letter) => (char)letter switch
    {
        '"' or '\'' or '\\' => letter,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        _ => null,
    };

    private static string ExplainEscape(char letter) => letter is 'x' or (>= '0' and <= '7')
        ? $"'\\{letter}' begins a character by number, which Xen's xl refuses or drops: write the character itself"
        : $"'\\{letter}' is no escape: \\\\ stands for a backslash, and \\\" \\' \\a \\b \\f \\n \\r \\t \\v are known";

    /// <summary>Xen's lexer passes over the rest of a word after a character that it does not know.</summary>
    private void SkipWord()
    {
        _at++;
        while (_at < _bytes.Length && !(_bytes[_at] is (byte)' ' or (byte)'\t' or (byte)'\n')) _at++;
    }

    private readonly string Explain(int start)
    {
        string word = Encoding.UTF8.GetString(_bytes[start.._at]);
        return _bytes[start] switch
        {
            0 => "a NUL byte",
            (byte)'-' => $"'{Shorten(word)}': a number below zero needs quotes",
            (byte)'+' => "a '+': values are joined by '+=' only",
            (byte)'.' or (byte)':' or (byte)'(' or (byte)')' => $"'{Shorten(word)}' cannot stand here: strings need quotes, and Python is not understood",
            _ when word.TrimEnd(',', ']', ';') is "True" or "False" or "None" => $"'{Shorten(word)}': truth is 1 or 0, and Python is not understood",
            >= (byte)'A' and <= (byte)'Z' => $"'{Shorten(word)}': names are in small letters, and strings need quotes",
            _ => $"'{Shorten(word)}' cannot stand here",
        };
    }

    private static string Shorten(string word) => word.Length <= 40 ? word : word[..40] + "...";

    private void Report(int at, string message)
    {
        SourcePosition position = source.PositionOf(at);
        if (position.Line == _lineOfLastError) return;
        _lineOfLastError = position.Line;
        diagnostics.Error(position, message);
    }
}
