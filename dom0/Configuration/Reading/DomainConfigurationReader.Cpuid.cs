// SPDX-License-Identifier: MIT
// cpuid= in both of its forms.
using System;

namespace XenSharp.Configuration.Reading;

internal sealed partial class DomainConfigurationReader
{
    /// <summary>What libxl does not understand here it names and passes over; so does this.</summary>
    private CpuidPolicyList? ReadCpuid()
    {
        if (!_items.Has("cpuid")) return null;
        var cpuid = new CpuidReader();
        if (_items.IsList("cpuid"))
        {
            foreach (TextValue line in _items.Strings("cpuid")) Remark(line, cpuid.AddLeaf(line.Text));
            return cpuid.Result;
        }
        TextValue text = _items.Single("cpuid")!;
        string[] words = text.Text.Split(',', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 0 && words[0] != "host")
        {
            Remark(text, "the first word must be \"host\"");
            return null;
        }
        foreach (string word in words.AsSpan(Math.Min(1, words.Length))) Remark(text, cpuid.Add(word));
        return cpuid.Result;
    }

    private void Remark(TextValue text, string? fault)
    {
        if (fault is not null) Diagnostics.Warn(text.Position, $"'cpuid': {fault}; it is ignored");
    }
}
