// SPDX-License-Identifier: MIT
// The timer heap against a plain list, from seeds.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Core;
using XenSharp.Core.Time;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using Timer = XenSharp.Core.Time.Timer;

namespace XenSharp.Tests.Unit.Time;

public class TimerQueueTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void FiresWhatAListWould(int seed)
    {
        var random = new Random(seed);
        var machine = new TestHost(processors: 2);
        var fired = new List<(int Timer, ulong At)>();
        var timers = Enumerable.Range(0, 200).Select(number => new LoggedTimer(number, fired)).ToArray();
        var armed = new Dictionary<int, (int Queue, ulong Deadline)>();
        for (int step = 0; step < 5000; step++)
        {
            LoggedTimer timer = timers[random.Next(timers.Length)];
            Cpu caller = machine.Cpu(random.Next(2));
            VirtualPlatform.Running = caller;
            switch (random.Next(4))
            {
                case 0 or 1:
                    int queue = random.Next(2);
                    ulong deadline = machine.Host.Clock.Now + (ulong)random.Next(1, 2000);
                    machine.Cpu(queue).Timers.Move(timer, deadline, caller);
                    armed[timer.Number] = (queue, deadline);
                    break;
                case 2:
                    TimerQueue.Cancel(timer, caller);
                    armed.Remove(timer.Number);
                    break;
                default:
                    fired.Clear();
                    machine.Advance((ulong)random.Next(300));
                    ulong now = machine.Host.Clock.Now;
                    int[] due = [.. armed.Where(entry => entry.Value.Deadline <= now).Select(entry => entry.Key)];
                    Assert.Equal(due.Order(), fired.Select(entry => entry.Timer).Order());
                    foreach (int id in new[] { 0, 1 })
                    {
                        ulong[] times = [.. fired.Where(entry => armed[entry.Timer].Queue == id).Select(entry => armed[entry.Timer].Deadline)];
                        Assert.Equal(times.Order(), times);
                    }

                    foreach (int number in due)
                        armed.Remove(number);
                    break;
            }

            for (int id = 0; id < 2; id++)
            {
                ulong[] deadlines = [.. armed.Values.Where(entry => entry.Queue == id).Select(entry => entry.Deadline)];
                Assert.Equal(deadlines.Length, machine.Cpu(id).Timers.Count);
                Assert.Equal(deadlines.DefaultIfEmpty(0UL).Min(), machine.Cpu(id).Timers.FirstDeadlineNs);
            }
        }

        VirtualPlatform.Running = null;
    }

    [Fact]
    public void ManyDueAtOnceTakeSeveralRounds()
    {
        var machine = new TestHost();
        var fired = new List<(int Timer, ulong At)>();
        for (int i = 0; i < 100; i++)
            machine.Cpu().Timers.Arm(new LoggedTimer(i, fired), 10, machine.Cpu());
        machine.Advance(20);
        Assert.Equal(64, fired.Count);
        Assert.Equal(PendingWork.Timer, machine.Cpu().TakePending());
        machine.Advance(0);
        Assert.Equal(100, fired.Count);
        Assert.Equal(0UL, machine.Platform.Deadlines[0]);
    }

    [Fact]
    public void ArmingElsewhereKicksOnlyForANewFirstDeadline()
    {
        var machine = new TestHost(processors: 2);
        var fired = new List<(int Timer, ulong At)>();
        machine.Cpu(1).Timers.Arm(new LoggedTimer(0, fired), 1000, machine.Cpu(0));
        Assert.Equal([1], machine.Platform.Kicks);
        Assert.Equal(PendingWork.Timer, machine.Cpu(1).TakePending());
        machine.Cpu(1).Timers.Arm(new LoggedTimer(1, fired), 2000, machine.Cpu(0));
        Assert.Equal([1], machine.Platform.Kicks);
        machine.Cpu(1).Timers.Arm(new LoggedTimer(2, fired), 500, machine.Cpu(0));
        Assert.Equal([1, 1], machine.Platform.Kicks);
    }

    private sealed class LoggedTimer(int number, List<(int Timer, ulong At)> log) : Timer
    {
        public int Number { get; } = number;

        public override void Expire(Cpu processor) => log.Add((Number, processor.Host.Clock.Now));
    }
}
