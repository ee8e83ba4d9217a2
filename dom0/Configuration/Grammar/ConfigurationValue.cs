// SPDX-License-Identifier: MIT
// Values and settings of a configuration file, before anyone asks what they mean.
using System.Collections.Generic;

namespace XenSharp.Configuration;

/// <summary>A value of a setting: a <see cref="TextValue"/> or a <see cref="ListValue"/>.</summary>
public abstract record ConfigurationValue(SourcePosition Position);

/// <summary>A string or a number; whoever asks for it decides which.</summary>
/// <param name="Text">The string without quotes and escapes, or the number as it stands.</param>
/// <param name="Position">Where it begins.</param>
/// <param name="IsQuoted">Whether quotes stood around it.</param>
public sealed record TextValue(string Text, SourcePosition Position, bool IsQuoted) : ConfigurationValue(Position)
{
    /// <summary>The place of a character of <see cref="Text"/>; close to it only, where escapes stand before.</summary>
    public SourcePosition At(int index) => Position.Plus(IsQuoted ? index + 1 : index);
}

/// <summary>A list in brackets, whose items may be lists again.</summary>
public sealed record ListValue(IReadOnlyList<ConfigurationValue> Items, SourcePosition Position) : ConfigurationValue(Position);

/// <summary>One <c>name = value</c> or <c>name += value</c>.</summary>
/// <param name="Name">The item's name.</param>
/// <param name="Position">Where the name stands.</param>
/// <param name="Value">For <c>+=</c>, what it is together with the value before.</param>
/// <param name="IsAddition">Whether it is a <c>+=</c>. Such a value is never taken as a number.</param>
public sealed record ConfigurationSetting(string Name, SourcePosition Position, ConfigurationValue Value, bool IsAddition);
