// SPDX-License-Identifier: MIT
// Where two recordings of a kernel's lines differ. Used by AnswerComparison.

using System;
using System.Collections.Generic;

namespace XenSharp.Tests.Golden;

/// <summary>A line of the reference without its partner, of ours without one, or both where the same call was answered differently.</summary>
public sealed record LineDifference(string? Reference, string? Ours, string Section, string Before)
{
    public override string ToString()
    {
        List<string> lines = [Section.Length > 0 && Section != Before ? $"{Section} ... after: {Before}" : $"after: {Before}"];
        if (Reference is not null)
            lines.Add($"- {Reference}");
        if (Ours is not null)
            lines.Add($"+ {Ours}");
        return string.Join('\n', lines);
    }

    /// <summary>The differences in order, by the longest common subsequence of lines.</summary>
    public static List<LineDifference> Between(IReadOnlyList<string> reference, IReadOnlyList<string> ours)
    {
        int[,] common = CommonLengths(reference, ours);
        List<LineDifference> result = [];
        List<string> missing = [], extra = [];
        string section = "", before = "the beginning";
        int i = 0, j = 0;
        while (i < reference.Count || j < ours.Count)
        {
            if (i < reference.Count && j < ours.Count && reference[i] == ours[j])
            {
                Close(result, missing, extra, section, before);
                before = reference[i];
                if (before.StartsWith("== ", StringComparison.Ordinal))
                    section = before;
                i++;
                j++;
            }
            else if (j == ours.Count || (i < reference.Count && common[i + 1, j] >= common[i, j + 1]))
            {
                missing.Add(reference[i++]);
            }
            else
            {
                extra.Add(ours[j++]);
            }
        }

        Close(result, missing, extra, section, before);
        return result;
    }

    private static int[,] CommonLengths(IReadOnlyList<string> reference, IReadOnlyList<string> ours)
    {
        int[,] common = new int[reference.Count + 1, ours.Count + 1];
        for (int i = reference.Count - 1; i >= 0; i--)
        {
            for (int j = ours.Count - 1; j >= 0; j--)
                common[i, j] = reference[i] == ours[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        return common;
    }

    /// <summary>Ends a stretch of differing lines: those about the same call become pairs.</summary>
    private static void Close(List<LineDifference> result, List<string> missing, List<string> extra, string section, string before)
    {
        int next = 0;
        foreach (string line in missing)
        {
            int partner = extra.FindIndex(next, other => Subject(other) == Subject(line));
            if (partner < 0)
            {
                result.Add(new LineDifference(line, null, section, before));
                continue;
            }

            for (; next < partner; next++)
                result.Add(new LineDifference(null, extra[next], section, before));
            result.Add(new LineDifference(line, extra[next++], section, before));
        }

        for (; next < extra.Count; next++)
            result.Add(new LineDifference(null, extra[next], section, before));
        missing.Clear();
        extra.Clear();
    }

    /// <summary>What a line is about: a call with its arguments, a leaf, a register; the first word where there is nothing of the kind.</summary>
    private static string Subject(string line)
    {
        int result = line.IndexOf(" = ", StringComparison.Ordinal);
        if (line.StartsWith("  with", StringComparison.Ordinal) || line.StartsWith(" with", StringComparison.Ordinal))
            return "with";
        if (line.StartsWith("hypfs_op(read)", StringComparison.Ordinal) && line.IndexOf(" path=", StringComparison.Ordinal) is > 0 and int path)
            return line[path..].Split('"')[1];
        if (result > 0)
            return line[..result];
        string[] words = line.Split(' ');
        int telling = words[0] switch { "cpuid" => 3, "rdmsr" or "wrmsr" or "in8" or "pci" or "read" => 2, _ => 1 };
        return string.Join(' ', words[..Math.Min(words.Length, telling)]);
    }
}
