// SPDX-License-Identifier: MIT
// Asks a parsed file for items of a certain form. The readers of all three kinds of file stand on it. Behaviour: tools/libs/util/libxlu_cfg.c of Xen 4.17.
using System;
using System.Collections.Generic;

namespace XenSharp.Configuration.Reading;

/// <summary>
/// Typed access to a file's settings. A value of the wrong form is named and then passed over, as xl does; a value of the right form that means nothing is an
/// error.
/// </summary>
internal sealed class ItemReader(ConfigurationFile file)
{
    public Diagnostics Diagnostics => file.Diagnostics;

    public bool Has(string name) => file.Find(name) is not null;

    public bool IsList(string name) => file.Find(name)?.Value is ListValue;

    /// <summary>Where an item's value stands; the file as a whole when it has none.</summary>
    public SourcePosition At(string name) => file.Find(name)?.Value.Position ?? new SourcePosition(file.Name, 0, 0);

    public void Error(string name, string message) => Diagnostics.Error(At(name), message);
    public void Warn(string name, string message) => Diagnostics.Warn(At(name), message);

    /// <summary>A single value as text, null when absent.</summary>
    public string? Text(string name) => Single(name)?.Text;

    /// <summary>A single value with its place, null when absent.</summary>
    public TextValue? Single(string name)
    {
        if (file.Find(name) is not { } setting) return null;
        if (setting.Value is TextValue text) return text;
        Diagnostics.Warn(setting.Value.Position, $"'{name}' is a list and should be a single value; it is ignored");
        return null;
    }

    /// <summary>A number of any base, null when absent or none.</summary>
    public long? Number(string name)
    {
        if (Single(name) is not { } text) return null;
        if (file.Find(name)!.IsAddition)
        {
            Diagnostics.Warn(text.Position, $"'{name}': numbers cannot be added by '+='; it is ignored");
            return null;
        }
        if (CNumber.TryParseLong(text.Text, out long value)) return value;
        Diagnostics.Warn(text.Position, $"'{name}': '{text.Text}' is not a number; it is ignored");
        return null;
    }

    /// <summary>Whether a value is one that <see cref="Number"/> takes, without a word when it is not.</summary>
    public bool IsNumber(string name) => file.Find(name) is { IsAddition: false, Value: TextValue text } && CNumber.TryParseLong(text.Text, out _);

    public bool? Flag(string name) => Number(name) is { } number ? number != 0 : null;

    public int? Int(string name, long least = int.MinValue, long most = int.MaxValue) => (int?)InRange(name, least, most);

    public uint? UnsignedInt(string name, long least = 0, long most = uint.MaxValue) => (uint?)InRange(name, least, most);

    /// <summary>A size that is given in MiB, in KiB.</summary>
    public ulong? MegabytesAsKb(string name) => InRange(name, 0, long.MaxValue >> 20) is { } megabytes ? (ulong)megabytes * 1024 : null;

    private long? InRange(string name, long least, long most)
    {
        if (Number(name) is not { } number) return null;
        if (number >= least && number <= most) return number;
        Error(name, number < least ? $"'{name}': {number} is less than {least}" : $"'{name}': {number} is more than {most}");
        return null;
    }

    /// <summary>A number from 0 to the largest int; anything else is an error, as in xl.</summary>
    public uint? Limit(string name)
    {
        if (Has(name) && !IsNumber(name))
        {
            Error(name, $"'{name}' is not a number");
            return null;
        }
        return UnsignedInt(name, 0, int.MaxValue);
    }

    /// <summary>A set of the host's CPUs, null when absent.</summary>
    public Bitmap? CpuSet(string name, HostTopology host) => Single(name) is { } text ? CpuSet(name, text, host) : null;

    public Bitmap CpuSet(string name, TextValue text, HostTopology host)
    {
        if (CpuSetReader.TryRead(text.Text, host, out Bitmap cpus, out string fault, out int index)) return cpus;
        Diagnostics.Error(text.At(index), $"'{name}': {fault}");
        return Bitmap.Empty;
    }

    /// <summary>A choice by libxl's name, null when absent or unknown, which is an error.</summary>
    public T? Choice<T>(string name) where T : struct, Enum => Single(name) is { } text ? Choice<T>(name, text) : null;

    public T? Choice<T>(string name, TextValue text) where T : struct, Enum
    {
        if (EnumNames<T>.TryParse(text.Text, out T value)) return value;
        Diagnostics.Error(text.Position, $"'{name}': '{text.Text}' is none of {EnumNames<T>.All}");
        return null;
    }

    /// <summary>The items of a list, null when absent or not a list.</summary>
    public ListValue? List(string name)
    {
        if (file.Find(name) is not { } setting) return null;
        if (setting.Value is ListValue list) return list;
        Diagnostics.Warn(setting.Value.Position, $"'{name}' is a single value and should be a list, in brackets; it is ignored");
        return null;
    }

    /// <summary>The strings of a list, empty when absent. A list in the list is an error.</summary>
    public IReadOnlyList<TextValue> Strings(string name) => List(name) is { } list ? Strings(name, list) : [];

    public IReadOnlyList<TextValue> Strings(string name, ListValue list)
    {
        var strings = new List<TextValue>();
        foreach (ConfigurationValue item in list.Items)
        {
            if (item is TextValue text) strings.Add(text);
            else Diagnostics.Error(item.Position, $"'{name}': a list within the list, where a string is expected");
        }
        return strings;
    }

    /// <summary>The texts of a list, empty when absent.</summary>
    public IReadOnlyList<string> Texts(string name) => [.. System.Linq.Enumerable.Select(Strings(name), text => text.Text)];

    /// <summary>Names the items that a kind of file does not have, and those that have another name now.</summary>
    public void RemarkOnItems(ConfigurationFile read, IReadOnlyList<ConfigurationItem> known, string manual)
    {
        foreach (ConfigurationSetting setting in read.Settings.Values)
        {
            ConfigurationItem? item = System.Linq.Enumerable.FirstOrDefault(known, item => item.Name == setting.Name);
            if (item is null) Diagnostics.Warn(setting.Position, $"'{setting.Name}' is no item of {manual}, and has no effect");
            else if (item.Status == ItemStatus.Deprecated) Diagnostics.Warn(setting.Position, $"'{setting.Name}' is deprecated: use '{item.Remark}'");
        }
    }
}
