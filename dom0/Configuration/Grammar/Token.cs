// SPDX-License-Identifier: MIT
// The words of a configuration file, between lexer and parser.
namespace XenSharp.Configuration.Grammar;

internal enum TokenKind { Name, Text, Number, Comma, Open, Close, Add, Equal, Semicolon, Newline, End }

/// <param name="Kind">What it is.</param>
/// <param name="Text">For a name, string or number, what it says.</param>
/// <param name="Position">Where it begins.</param>
internal readonly record struct Token(TokenKind Kind, string Text, SourcePosition Position)
{
    /// <summary>For messages.</summary>
    public string Described => Kind switch
    {
        TokenKind.Name or TokenKind.Number => $"'{Text}'",
        TokenKind.Text => "a string",
        TokenKind.Comma => "','",
        TokenKind.Open => "'['",
        TokenKind.Close => "']'",
        TokenKind.Add => "'+='",
        TokenKind.Equal => "'='",
        TokenKind.Semicolon => "';'",
        TokenKind.Newline => "the end of the line",
        _ => "the end of the file",
    };
}
