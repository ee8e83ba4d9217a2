// SPDX-License-Identifier: MIT
// Schedulers by the names that libxl gives them. Used by commands.

using System;
using XenSharp.Abi;

namespace XenSharp.Xl.Commands;

internal static class SchedulerNames
{
    private static readonly (SchedulerId Id, string Name)[] s_all =
    [
        (SchedulerId.Credit, "credit"),
        (SchedulerId.Credit2, "credit2"),
        (SchedulerId.Arinc653, "arinc653"),
        (SchedulerId.Rtds, "rtds"),
        (SchedulerId.Null, "null"),
    ];

    public static string Of(SchedulerId scheduler) => Array.Find(s_all, item => item.Id == scheduler).Name ?? "unknown";

    /// <summary>Null if there is none of that name.</summary>
    public static SchedulerId? Find(string name) => Array.Find(s_all, item => item.Name == name) is { Name: not null } found ? found.Id : null;
}
