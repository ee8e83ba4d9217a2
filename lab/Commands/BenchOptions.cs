// SPDX-License-Identifier: MIT
// The options of `./xensharp bench`, shared by the launcher's command and the program in bench/ that it hands them to.

using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;

namespace XenSharp.Lab.Commands;

public sealed class BenchOptions
{
    public Argument<string[]> Names { get; } = new("NAME") { Description = "the same as --only NAME", Arity = ArgumentArity.ZeroOrMore };

    public Option<string[]> Only { get; } = new("--only")
    {
        Description = "measure only this row, or the rows of this group: boot, kernel, worst, guests, image, memory (again for more)",
        HelpName = "NAME",
    };

    public Option<int> Runs { get; } = Checks.Number("--runs", "boots behind each figure in CPU seconds; the median counts", "N", 3, 1, 99);

    public Option<bool> Json { get; } = new("--json") { Description = "print one JSON document instead of the table" };

    public Option<string?> Profile { get; } = new("--profile")
    {
        Description = "instead of the comparison: in which functions of the hypervisor this operation of the bench kernel spends its instructions",
        HelpName = "NAME",
    };

    public void AddTo(Command command)
    {
        command.Add(Names);
        foreach (Option option in (Option[])[Only, Runs, Json, Profile])
            command.Add(option);
    }

    /// <summary>The rows and groups that were asked for; none stands for all.</summary>
    public IReadOnlyList<string> Wanted(ParseResult parsed) => [.. parsed.GetValue(Names) ?? [], .. parsed.GetValue(Only) ?? []];

    /// <summary>The same options as words of a command line.</summary>
    public IReadOnlyList<string> Forward(ParseResult parsed)
    {
        List<string> words = [.. Wanted(parsed).SelectMany(name => (string[])["--only", name])];
        words.AddRange(["--runs", parsed.GetValue(Runs).ToString(CultureInfo.InvariantCulture)]);
        if (parsed.GetValue(Json))
            words.Add("--json");
        if (parsed.GetValue(Profile) is { } name)
            words.AddRange(["--profile", name]);
        return words;
    }
}
