// SPDX-License-Identifier: MIT
// A piece of work in dom0 whose CPU seconds ToolsBench takes.

namespace XenSharp.Bench.Tools;

/// <param name="Name">Row and whose tools: create.first.debian.</param>
/// <param name="Before">Not measured.</param>
/// <param name="Work">Shell commands; when they fail, so does the run.</param>
/// <param name="After">Not measured.</param>
/// <param name="Times">How many operations the work has; the figure is for one.</param>
internal sealed record ToolStep(string Name, string Before, string Work, string After, int Times = 1)
{
    public string Script => $"{Before}\nmark {Name}.begin\n{{ {Work}; }} || mark failed\nmark {Name}.end\n{After}\n";
}
