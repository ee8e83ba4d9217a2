// SPDX-License-Identifier: MIT
// getenforce and setenforce. The hypervisor has no Flask module, as Xen's default build has it off: the answers are those of that. Rows of CommandTable.

using System.Threading.Tasks;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class Flask
{
    /// <summary>libxl's answer, -1, as an exit code.</summary>
    private const int Failed = 255;

    public static Command GetEnforce { get; } = new("getenforce", "Show whether the Flask security module enforces its policy", "", call =>
    {
        call.Output.Write("Flask XSM Disabled\n");
        return Task.FromResult(Failed);
    });

    public static Command SetEnforce { get; } = new("setenforce", "Set whether the Flask security module enforces its policy", "<1|0|Enforcing|Permissive>", call =>
        call.Words is [string mode, ..] && mode.ToLowerInvariant() is "0" or "1" or "permissive" or "enforcing"
            ? Task.FromException<int>(new XlException("Flask XSM disabled", Failed))
            : Task.FromException<int>(new UsageException("", 2)))
    {
        Modifies = true,
    };
}
