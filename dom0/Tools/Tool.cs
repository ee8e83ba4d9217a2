// SPDX-License-Identifier: MIT
// One entry of ToolTable.

using System;
using System.Threading.Tasks;

namespace XenSharp.Tools;

/// <param name="Name">The name that Xen gives it.</param>
/// <param name="Summary">One line for the list of tools.</param>
/// <param name="RunAsync">Gets the name and the arguments behind it; returns the exit status.</param>
internal sealed record Tool(string Name, string Summary, Func<string, string[], Task<int>> RunAsync);
