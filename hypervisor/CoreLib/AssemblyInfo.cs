// SPDX-License-Identifier: MIT
// Who may use the unsafe half of CoreLib.

using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("XenSharp.Edge")]
[assembly: InternalsVisibleTo("XenSharp.X64")]
[assembly: InternalsVisibleTo("XenSharp.Guests.Runtime")]
