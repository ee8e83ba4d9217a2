// SPDX-License-Identifier: MIT
// list --long: the configuration that libxl keeps of each domain, brought up to date. Used by DomainLists.

using System.Collections.Generic;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class DomainConfigurations
{
    public static Task<int> WriteAsync(Invocation call, IReadOnlyList<DomctlGetDomainInfo> domains) => throw new XlException("xl list --long: not supported yet.");
}
