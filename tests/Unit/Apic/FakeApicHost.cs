// SPDX-License-Identifier: MIT
// A vCPU that only notes what its local APIC asks for.

using System.Collections.Generic;
using XenSharp.Devices.Apic;

namespace XenSharp.Tests.Unit.Apic;

internal sealed class FakeApicHost : LocalApicHost
{
    public ulong Time { get; set; } = 1_000_000;

    public ulong? Deadline { get; private set; }

    public int Notifications { get; private set; }

    public int Enables { get; private set; }

    public List<ApicMessage> Messages { get; } = [];

    public List<byte> Ends { get; } = [];

    public override ulong NowNs => Time;

    public override void ArmTimer(ulong deadlineNs) => Deadline = deadlineNs;

    public override void CancelTimer() => Deadline = null;

    public override void Notify() => Notifications++;

    public override void Deliver(in ApicMessage message) => Messages.Add(message);

    public override void EndOfInterrupt(byte vector) => Ends.Add(vector);

    public override void Enabled() => Enables++;
}
