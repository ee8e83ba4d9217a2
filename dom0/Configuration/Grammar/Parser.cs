// SPDX-License-Identifier: MIT
// Makes settings of a configuration file's words. Grammar: tools/libs/util/libxlu_cfg_y.y of Xen 4.17.
using System;
using System.Collections.Generic;

namespace XenSharp.Configuration.Grammar;

/// <summary>
/// The parser: <c>name = value</c> and <c>name += value</c>, ended by a line feed or a semicolon; a value is a string, a number or a list in brackets, where
/// line feeds may stand after the bracket, a value or a comma, and a comma after the last value. After an error it goes on with the next statement.
/// </summary>
internal sealed class Parser(List<Token> tokens, Diagnostics diagnostics, Action<ConfigurationSetting> store)
{
    /// <summary>Deeper lists than this are refused, so that hostile input cannot exhaust the stack. Nothing in xl needs more than two.</summary>
    private const int DeepestList = 64;

    private int _at;
    private int _depth;

    private Token Current => tokens[_at];

    public void ReadAll()
    {
        while (Current.Kind != TokenKind.End)
        {
            if (Current.Kind is TokenKind.Newline or TokenKind.Semicolon)
            {
                _at++;
                continue;
            }
            _depth = 0;
            if (!Statement()) Recover();
        }
    }

    private bool Statement()
    {
        Token name = Current;
        if (name.Kind != TokenKind.Name) return Fail($"a setting begins with a name, not with {name.Described}");
        _at++;
        bool isAddition = Current.Kind == TokenKind.Add;
        if (!isAddition && Current.Kind != TokenKind.Equal) return Fail($"'{name.Text}' is followed by {Current.Described} in place of '=' or '+='");
        _at++;
        if (Value() is not { } value) return false;
        if (Current.Kind is not (TokenKind.Newline or TokenKind.Semicolon or TokenKind.End))
        {
            return Fail(tokens[_at - 1].Kind == TokenKind.Number && Current.Kind == TokenKind.Name
                ? $"{Current.Described} behind a number: units cannot be given, and strings need quotes"
                : $"the value of '{name.Text}' is followed by {Current.Described} in place of the end of the line or a ';'");
        }
        store(new ConfigurationSetting(name.Text, name.Position, value, isAddition));
        return true;
    }

    private ConfigurationValue? Value()
    {
        Token token = Current;
        switch (token.Kind)
        {
            case TokenKind.Text or TokenKind.Number:
                _at++;
                return new TextValue(token.Text, token.Position, token.Kind == TokenKind.Text);
            case TokenKind.Open:
                return List();
            default:
                Fail(token.Kind == TokenKind.Name ? $"'{token.Text}' is no value: a string needs quotes" : $"expected a value, found {token.Described}");
                return null;
        }
    }

    private ListValue? List()
    {
        Token open = Current;
        if (++_depth > DeepestList)
        {
            Fail("lists within lists, too deep");
            return null;
        }
        _at++;
        SkipNewlines();
        var items = new List<ConfigurationValue>();
        while (Current.Kind != TokenKind.Close)
        {
            if (Current.Kind == TokenKind.End || IsStartOfStatement(_at))
            {
                Fail($"the list that begins at line {open.Position.Line} has no ']'");
                return null;
            }
            if (Value() is not { } item) return null;
            items.Add(item);
            SkipNewlines();
            if (Current.Kind == TokenKind.Comma)
            {
                _at++;
                SkipNewlines();
            }
            else if (Current.Kind != TokenKind.Close && Current.Kind != TokenKind.End && !IsStartOfStatement(_at))
            {
                Fail($"expected ',' or ']' behind a value of a list, found {Current.Described}");
                return null;
            }
        }
        _at++;
        _depth--;
        return new ListValue(items, open.Position);
    }

    private void SkipNewlines()
    {
        while (Current.Kind == TokenKind.Newline) _at++;
    }

    private bool Fail(string message)
    {
        if (!diagnostics.HasErrorInLine(Current.Position)) diagnostics.Error(Current.Position, message);
        return false;
    }

    /// <summary>Goes to the next statement: the next line, or behind the list's end, or where a line begins like a setting.</summary>
    private void Recover()
    {
        int open = _depth;
        for (; Current.Kind != TokenKind.End; _at++)
        {
            switch (Current.Kind)
            {
                case TokenKind.Open:
                    open++;
                    break;
                case TokenKind.Close:
                    open--;
                    break;
                case TokenKind.Newline when open <= 0 || IsStartOfStatement(_at + 1):
                    return;
                case TokenKind.Name when open > 0 && IsStartOfStatement(_at) && _at > 0 && tokens[_at - 1].Kind == TokenKind.Newline:
                    return;
            }
        }
    }

    private bool IsStartOfStatement(int at) =>
        at + 1 < tokens.Count && tokens[at].Kind == TokenKind.Name && tokens[at + 1].Kind is (TokenKind.Equal or TokenKind.Add);
}
