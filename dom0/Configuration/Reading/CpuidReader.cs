// SPDX-License-Identifier: MIT
// Changes to CPUID: cpuid= in libxl's form ("host,feature=0,...") and in xend's (leaves with registers of 32 characters). Also for xl's own arguments.
// Behaviour: tools/libs/light/libxl_cpuid.c.
using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

/// <summary>Collects changes, later ones over earlier ones.</summary>
internal sealed class CpuidReader
{
    /// <summary>A field of a leaf's register: 0 EAX, 1 EBX, 2 ECX, 3 EDX.</summary>
    private readonly record struct Field(uint Leaf, uint? Subleaf, int Register, int Bit, int Length);

    /// <summary>Names that are not features, or are other names of features.</summary>
    private static readonly FrozenDictionary<string, Field> Fields = new Dictionary<string, Field>
    {
        ["maxleaf"] = new(0x00000000, null, 0, 0, 32),
        ["stepping"] = new(0x00000001, null, 0, 0, 4),
        ["model"] = new(0x00000001, null, 0, 4, 8),
        ["family"] = new(0x00000001, null, 0, 8, 8),
        ["brandid"] = new(0x00000001, null, 1, 0, 8),
        ["clflush"] = new(0x00000001, null, 1, 8, 8),
        ["proccount"] = new(0x00000001, null, 1, 16, 8),
        ["localapicid"] = new(0x00000001, null, 1, 24, 8),
        ["est"] = new(0x00000001, null, 2, 7, 1),
        ["cntxid"] = new(0x00000001, null, 2, 10, 1),
        ["cmpxchg16"] = new(0x00000001, null, 2, 13, 1),
        ["sse4_1"] = new(0x00000001, null, 2, 19, 1),
        ["sse4.1"] = new(0x00000001, null, 2, 19, 1),
        ["sse4_2"] = new(0x00000001, null, 2, 20, 1),
        ["sse4.2"] = new(0x00000001, null, 2, 20, 1),
        ["aes"] = new(0x00000001, null, 2, 25, 1),
        ["cmpxchg8"] = new(0x00000001, null, 3, 8, 1),
        ["sysenter"] = new(0x00000001, null, 3, 11, 1),
        ["psn"] = new(0x00000001, null, 3, 18, 1),
        ["clfsh"] = new(0x00000001, null, 3, 19, 1),
        ["tm"] = new(0x00000001, null, 3, 29, 1),
        ["ia64"] = new(0x00000001, null, 3, 30, 1),
        ["pbe"] = new(0x00000001, null, 3, 31, 1),
        ["arat"] = new(0x00000006, null, 0, 2, 1),
        ["tsc_adjust"] = new(0x00000007, 0, 1, 1, 1),
        ["cmt"] = new(0x00000007, 0, 1, 12, 1),
        ["lahfsahf"] = new(0x80000001, null, 2, 0, 1),
        ["cmplegacy"] = new(0x80000001, null, 2, 1, 1),
        ["altmovcr8"] = new(0x80000001, null, 2, 4, 1),
        ["nodeid"] = new(0x80000001, null, 2, 19, 1),
        ["perfctr_core"] = new(0x80000001, null, 2, 23, 1),
        ["perfctr_nb"] = new(0x80000001, null, 2, 24, 1),
        ["procpkg"] = new(0x00000004, 0, 0, 26, 6),
        ["invtsc"] = new(0x80000007, null, 3, 8, 1),
        ["ppin"] = new(0x80000008, null, 1, 23, 1),
        ["btc-no"] = new(0x80000008, null, 1, 29, 1),
        ["nc"] = new(0x80000008, null, 2, 0, 8),
        ["apicidsize"] = new(0x80000008, null, 2, 12, 4),
        ["svm_npt"] = new(0x8000000a, null, 3, 0, 1),
        ["svm_lbrv"] = new(0x8000000a, null, 3, 1, 1),
        ["svm_nrips"] = new(0x8000000a, null, 3, 3, 1),
        ["svm_tscrate"] = new(0x8000000a, null, 3, 4, 1),
        ["svm_vmcbclean"] = new(0x8000000a, null, 3, 5, 1),
        ["svm_decode"] = new(0x8000000a, null, 3, 7, 1),
        ["svm_pausefilt"] = new(0x8000000a, null, 3, 10, 1),
        ["lfence+"] = new(0x80000021, null, 0, 2, 1),
        ["maxhvleaf"] = new(0x40000000, null, 0, 0, 8),
    }.ToFrozenDictionary();

    private readonly List<(uint Leaf, uint? Subleaf, char[]?[] Registers)> _leaves = [];
    private readonly List<(uint Index, char[] Policy)> _msrs = [];

    /// <summary>What was collected, null for nothing.</summary>
    public CpuidPolicyList? Result => _leaves.Count + _msrs.Count == 0 ? null : new CpuidPolicyList
    {
        Cpuid = [.. _leaves.Select(leaf => new CpuidPolicy
        {
            Leaf = leaf.Leaf, Subleaf = leaf.Subleaf, Eax = Text(leaf.Registers[0]), Ebx = Text(leaf.Registers[1]), Ecx = Text(leaf.Registers[2]), Edx = Text(leaf.Registers[3]),
        })],
        Msr = [.. _msrs.Select(msr => new MsrPolicy { Index = msr.Index, Policy = new string(msr.Policy) })],
    };

    private static string? Text(char[]? policy) => policy is null ? null : new string(policy);

    /// <summary>Adds <c>name=value</c>; the fault, or null.</summary>
    public string? Add(string setting)
    {
        int equals = setting.IndexOf('=');
        if (equals < 0) return $"'{setting}' has not the form name=value";
        string name = setting[..equals], value = setting[(equals + 1)..];
        if (Fields.TryGetValue(name, out Field field)) return Set(name, field, value);
        if (!CpuFeatures.TryFind(name, out (int Word, int Bit) feature)) return $"'{name}' is no known feature";
        CpuFeatures.Word word = CpuFeatures.Words[feature.Word];
        return word.IsMsr
            ? SetMsr(word.Leaf, feature.Bit + 32 * word.Register, value)
            : Set(name, new Field(word.Leaf, word.Subleaf, word.Register, feature.Bit, 1), value);
    }

    private string? Set(string name, Field field, string value)
    {
        int at = 0;
        char[]?[] registers = Leaf(field.Leaf, field.Subleaf);
        char[] digits;
        if (CNumber.TryReadUnsigned(value, ref at, 0, out ulong number)) digits = Binary(number, field.Length);
        else if (value.Length > 0 && value[0] is 'x' or 'k' or 's') digits = [.. Enumerable.Repeat(value[0], field.Length)];
        else return $"'{name}': '{value}' is no number, nor one of x, k, s";
        char[] policy = registers[field.Register] ??= [.. Enumerable.Repeat('x', 32)];
        switch (name)
        {
            case "family" when number < 16:
                Put(policy, 8, digits.AsSpan(4));
                Put(policy, 20, "00000000");
                break;
            case "family":
                // The seven low digits only are replaced, as libxl does it.
                Put(policy, 8, "1111");
                Binary(number - 15, 7).CopyTo(digits, 1);
                Put(policy, 20, digits);
                break;
            case "model":
                Put(policy, 16, digits.AsSpan(0, 4));
                Put(policy, 4, digits.AsSpan(4));
                break;
            default:
                Put(policy, field.Bit, digits);
                break;
        }
        return null;
    }

    /// <summary>Writes digits whose last stands for bit <paramref name="bit"/>.</summary>
    private static void Put(char[] policy, int bit, ReadOnlySpan<char> digits) => digits.CopyTo(policy.AsSpan(32 - digits.Length - bit));

    private static char[] Binary(ulong number, int length) => [.. Enumerable.Range(0, length).Select(i => (number >> (length - 1 - i) & 1) != 0 ? '1' : '0')];

    private string? SetMsr(uint index, int bit, string value)
    {
        if (value is not ("0" or "1" or "x" or "k" or "s")) return $"'{value}' is none of 0, 1, x, k, s";
        int at = _msrs.FindIndex(msr => msr.Index == index);
        if (at < 0)
        {
            at = _msrs.Count;
            _msrs.Add((index, [.. Enumerable.Repeat('x', 64)]));
        }
        _msrs[at].Policy[63 - bit] = value[0] == 's' ? 'k' : value[0];
        return null;
    }

    /// <summary>Adds <c>LEAF[,SUBLEAF]:eax=...,ebx=...</c>; the fault, or null. What stood before the fault has been added then, as in libxl.</summary>
    public string? AddLeaf(string text)
    {
        int at = 0;
        uint? subleaf = null;
        if (!CNumber.TryReadUnsigned(text, ref at, 0, out ulong leaf)) return $"'{text}' does not begin with the number of a leaf";
        if (at < text.Length && text[at] == ',')
        {
            at++;
            if (!CNumber.TryReadUnsigned(text, ref at, 0, out ulong number)) return $"'{text}': no number of a subleaf behind the comma";
            subleaf = (uint)number == uint.MaxValue ? null : (uint)number;
        }
        if (at >= text.Length || text[at] != ':') return $"'{text}': no colon behind the leaf";
        at++;
        char[]?[] registers = Leaf((uint)leaf, subleaf);
        while (at < text.Length)
        {
            string rest = text[at..];
            int equals = rest.IndexOf('=');
            int register = rest.Length > 2 && rest[0] == 'e' && rest[2] == 'x' ? rest[1] - 'a' : -1;
            if (register is < 0 or > 3 || equals < 0) return $"'{rest}': registers are eax, ebx, ecx, edx";
            int comma = rest.IndexOf(',', equals);
            string policy = comma < 0 ? rest[(equals + 1)..] : rest[(equals + 1)..comma];
            if (policy.Length != 32) return $"'{policy}' has {policy.Length} characters, not 32";
            registers[register] = policy.ToCharArray();
            if (comma < 0) break;
            at += comma + 1;
            while (at < text.Length && text[at] is ' ' or '\n') at++;
        }
        return null;
    }

    private char[]?[] Leaf(uint leaf, uint? subleaf)
    {
        int at = _leaves.FindIndex(known => known.Leaf == leaf && known.Subleaf == subleaf);
        if (at < 0)
        {
            at = _leaves.Count;
            _leaves.Add((leaf, subleaf, new char[]?[4]));
        }
        return _leaves[at].Registers;
    }
}
