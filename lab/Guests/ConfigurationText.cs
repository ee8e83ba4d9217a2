// SPDX-License-Identifier: MIT
// Finds the settings in a configuration in xl's form and replaces texts in it, leaving all else as it was written. Used by GuestConfiguration.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Guests;

/// <param name="Key">The setting that the text belongs to.</param>
/// <param name="Line">Counted from one.</param>
/// <param name="Start">Where it begins in the file, its quotes included.</param>
/// <param name="Value">Without quotes and escapes.</param>
internal sealed record ConfigurationValue(string Key, int Line, int Start, int Length, string Value);

/// <summary>
/// The grammar of xl.cfg(5) as far as it tells what is a setting's value: KEY = VALUE, where a value is a number, a quoted text, or a list of values in
/// brackets over any number of lines. Whether settings make sense is for xl to say.
/// </summary>
internal sealed class ConfigurationText
{
    private readonly string _text;
    private readonly string _file;
    private readonly List<ConfigurationValue> _values = [];
    private int _position;
    private int _line = 1;

    public ConfigurationText(string text, string file)
    {
        _text = text;
        _file = file;
        while (SkipTo(skipsNewlines: true))
            ReadSetting();
    }

    public IReadOnlyList<ConfigurationValue> Values => _values;

    /// <summary>The last value of a setting, as xl takes it; null when it is not set.</summary>
    public ConfigurationValue? Find(string key) => _values.LastOrDefault(value => value.Key == key);

    /// <summary>The text with some values replaced by others.</summary>
    public string With(IReadOnlyDictionary<ConfigurationValue, string> replacements)
    {
        StringBuilder result = new(_text);
        foreach ((ConfigurationValue value, string replacement) in replacements.OrderByDescending(pair => pair.Key.Start))
            result.Remove(value.Start, value.Length).Insert(value.Start, $"\"{replacement}\"");
        return result.ToString();
    }

    private void ReadSetting()
    {
        int start = _position;
        while (_position < _text.Length && (char.IsAsciiLetterOrDigit(_text[_position]) || _text[_position] is '_' or '-' or '.'))
            _position++;
        string key = _text[start.._position];
        bool isAssignment = key.Length > 0 && SkipTo(skipsNewlines: false) && _text[_position] is '=' or '+';
        if (!isAssignment)
            throw Wrong("this is not of the form KEY = VALUE");
        if (_text[_position] == '+')
            _position++;
        if (_position >= _text.Length || _text[_position++] != '=')
            throw Wrong("this is not of the form KEY = VALUE");
        ReadValue(key);
    }

    private void ReadValue(string key)
    {
        if (!SkipTo(skipsNewlines: false))
            throw Wrong($"{key} has no value");
        char first = _text[_position];
        if (first == '[')
            ReadList(key);
        else if (first is '"' or '\'')
            ReadText(key, first);
        else
            ReadWord(key);
    }

    private void ReadList(string key)
    {
        int line = _line;
        _position++;
        while (SkipTo(skipsNewlines: true))
        {
            char next = _text[_position];
            if (next == ']')
            {
                _position++;
                return;
            }
            if (next == ',')
                _position++;
            else
                ReadValue(key);
        }
        _line = line;
        throw Wrong($"the list of {key} has no closing bracket");
    }

    private void ReadText(string key, char quote)
    {
        int start = _position++;
        StringBuilder value = new();
        while (_position < _text.Length && _text[_position] != quote && _text[_position] != '\n')
        {
            if (_text[_position] == '\\' && _position + 1 < _text.Length)
                _position++;
            value.Append(_text[_position++]);
        }
        if (_position >= _text.Length || _text[_position] != quote)
            throw Wrong($"the text of {key} has no closing quote");
        _position++;
        _values.Add(new ConfigurationValue(key, _line, start, _position - start, value.ToString()));
    }

    private void ReadWord(string key)
    {
        int start = _position;
        while (_position < _text.Length && !char.IsWhiteSpace(_text[_position]) && _text[_position] is not (',' or ']' or ';' or '#'))
            _position++;
        if (_position == start)
            throw Wrong($"{key} has no value");
        _values.Add(new ConfigurationValue(key, _line, start, _position - start, _text[start.._position]));
    }

    /// <summary>Skips blanks and comments; false at the end of the text, or of the line unless lines are skipped too.</summary>
    private bool SkipTo(bool skipsNewlines)
    {
        while (_position < _text.Length)
        {
            char next = _text[_position];
            if (next == '#')
            {
                while (_position < _text.Length && _text[_position] != '\n')
                    _position++;
            }
            else if (next == '\n')
            {
                if (!skipsNewlines)
                    return false;
                _line++;
                _position++;
            }
            else if (char.IsWhiteSpace(next) || (next == ';' && skipsNewlines) || (next == '\\' && _position + 1 < _text.Length && _text[_position + 1] is '\n' or '\r'))
            {
                _position++;
                if (next == '\\')
                    _line += _text[_position++] == '\n' ? 1 : 0;
            }
            else
            {
                return true;
            }
        }
        return false;
    }

    private LabException Wrong(string what) => new($"{_file}:{_line}: {what}; see xl.cfg(5).", ExitStatus.Usage);
}
