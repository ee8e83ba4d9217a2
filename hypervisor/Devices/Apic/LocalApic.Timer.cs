// SPDX-License-Identifier: MIT
// The local APIC's timer: a count-down at 100 MHz divided by 1 to 128.

namespace XenSharp.Devices.Apic;

public sealed partial class LocalApic
{
    /// <summary>Length of a cycle of the undivided timer clock; the value that Xen gives its guests.</summary>
    private const ulong CycleNs = 10;

    private const uint DivideBits = 0xb;
    private const uint TimerModeMask = 3 << 17, TimerOneShot = 0, TimerPeriodic = 1 << 17;

    // A shorter period would only keep the host busy; Xen limits its periodic timers in the same way.
    private const ulong ShortestPeriodNs = 100_000;

    private uint _initialCount;
    private uint _divideConfiguration;

    // When the present count-down started; 0 when none runs.
    private ulong _startNs;

    /// <summary>Called at the deadline given to <see cref="LocalApicHost.ArmTimer"/>.</summary>
    public void TimerExpired()
    {
        if (_startNs == 0)
            return;
        ulong period = PeriodNs;
        if ((_timerEntry & TimerModeMask) == TimerPeriodic && period != 0)
        {
            ulong now = _host.NowNs;
            ulong elapsed = now - _startNs;
            _startNs += elapsed - (elapsed % period);
            ulong next = _startNs + period;
            _host.ArmTimer(next < now + ShortestPeriodNs && period < ShortestPeriodNs ? now + ShortestPeriodNs : next);
        }
        else
        {
            _startNs = 0;
        }

        byte vector = (byte)(_timerEntry & EntryVector);
        if ((_timerEntry & EntryMasked) == 0 && Post(vector))
            _host.Notify();
    }

    private ulong PeriodNs => _initialCount * CycleNs * Divisor;

    private ulong Divisor => 1UL << (int)((((_divideConfiguration & 3) | ((_divideConfiguration & 8) >> 1)) + 1) & 7);

    private uint CurrentCount
    {
        get
        {
            if (_startNs == 0 || _initialCount == 0)
                return 0;
            ulong passed = (_host.NowNs - _startNs) / (CycleNs * Divisor);
            if ((_timerEntry & TimerModeMask) == TimerPeriodic)
                passed %= _initialCount;
            return passed < _initialCount ? (uint)(_initialCount - passed) : 0;
        }
    }

    private void WriteInitialCount(uint value)
    {
        if ((_timerEntry & TimerModeMask) > TimerPeriodic)
            return;
        _initialCount = value;
        Start(PeriodNs, _host.NowNs);
    }

    private void WriteDivide(uint value)
    {
        uint remaining = CurrentCount;
        bool running = _startNs != 0;
        _divideConfiguration = value & DivideBits;
        if (running)
            Continue(remaining);
    }

    // A change of mode keeps the count; the deadline mode, which this CPU type has not, stops the timer.
    private void WriteTimerEntry(uint value)
    {
        uint remaining = CurrentCount;
        bool running = _startNs != 0;
        uint old = _timerEntry & TimerModeMask;
        _timerEntry = value;
        uint mode = value & TimerModeMask;
        if (mode == old)
            return;
        if (mode > TimerPeriodic || old > TimerPeriodic)
        {
            _initialCount = 0;
            Start(0, 0);
        }
        else if (running)
        {
            Continue(remaining);
        }
    }

    private void Continue(uint remaining)
    {
        ulong now = _host.NowNs;
        ulong period = PeriodNs;
        ulong left = remaining * CycleNs * Divisor;
        Start(left, now - (period - left));
    }

    private void Start(ulong leftNs, ulong startNs)
    {
        if (leftNs == 0)
        {
            if (_startNs != 0)
                _host.CancelTimer();
            _startNs = 0;
            return;
        }

        _startNs = startNs == 0 ? 1 : startNs;
        _host.ArmTimer(_host.NowNs + leftNs);
    }

    private void ResetTimer()
    {
        _initialCount = 0;
        _divideConfiguration = 0;
        Start(0, 0);
    }
}
