// SPDX-License-Identifier: MIT
// (stub)
namespace XenSharp.Core.Debugging;

public sealed class DebugKeys(Host host)
{
    public void Press(byte key, Cpu caller) => host.Console.Begin(caller).Text("key"u8).Decimal((ulong)key).End();
}
