// SPDX-License-Identifier: MIT
// Which domain handles a global VIRQ, where that is not dom0 (XEN_DOMCTL_set_virq_handler).

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

/// <summary>One entry per VIRQ; look-ups need no lock.</summary>
public sealed class VirtualIrqHandlers
{
    private readonly Domain?[] _handlers = new Domain?[VirtualIrqKinds.Count];
    private readonly SpinLock _lock = new(LockScope.Host);

    public Domain? Find(VirtualIrq virq) => _handlers[(int)virq];

    /// <summary>0, or -EINVAL for a VIRQ that is not global or does not exist.</summary>
    public long Set(uint virq, Domain handler, Cpu caller)
    {
        if (virq >= VirtualIrqKinds.Count || !VirtualIrqKinds.IsGlobal(virq))
            return -(long)Errno.Inval;
        using SpinLock.Guard guard = _lock.Enter(caller);
        if (handler.IsDying)
            return -(long)Errno.Inval;
        _handlers[(int)virq] = handler;
        return 0;
    }

    /// <summary>A dying domain handles nothing any more.</summary>
    public void Remove(Domain domain, Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        for (int i = 0; i < VirtualIrqKinds.Count; i++)
        {
            if (_handlers[i] == domain)
                _handlers[i] = null;
        }
    }
}
