// SPDX-License-Identifier: MIT
// Who may see the unsafe half of Edge.

using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("XenSharp.X64")]
