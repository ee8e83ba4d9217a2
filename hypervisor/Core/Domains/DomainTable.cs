// SPDX-License-Identifier: MIT
// All domains by id.

using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>
/// The domain list, in order of ids, linked through the domains themselves. Look-ups need no lock: a domain appears whole, and one that is
/// removed keeps its links until every CPU has ended its entry (<see cref="GracePeriods"/>).
/// </summary>
public sealed class DomainTable
{
    /// <summary>DOMID_FIRST_RESERVED: ids from here on are special names.</summary>
    public const int Capacity = 0x7ff0;

    private const int Buckets = 256;
    private readonly Domain?[] _buckets = new Domain?[Buckets];
    private Domain? _first;

    // The id that was given out last (domctl's rover of Xen).
    private ushort _rover;

    public SpinLock Lock { get; } = new(LockScope.Host);

    /// <summary>Serialises the creation of domains; a fault meanwhile costs no more than the creation.</summary>
    public SpinLock CreationLock { get; } = new(LockScope.Domain);

    public int Count { get; private set; }

    public Domain? Find(ushort id)
    {
        Domain? domain = _buckets[id & (Buckets - 1)];
        while (domain != null && domain.Id != id)
            domain = domain.NextInBucket;
        return domain;
    }

    /// <summary>The domain with the lowest id not below <paramref name="id"/>, or null.</summary>
    public Domain? NextFrom(int id)
    {
        // Walks of the whole list ask for the id behind the last one.
        Domain? domain = id > 0 && id <= Capacity ? Find((ushort)(id - 1)) : null;
        if (domain != null)
            return domain.NextById;
        domain = _first;
        while (domain != null && domain.Id < id)
            domain = domain.NextById;
        return domain;
    }

    /// <summary>The id for a domain that may have any: the next free one in turn; 0 when none is free. Under <see cref="CreationLock"/>.</summary>
    public ushort ChooseId()
    {
        for (int tries = 0; tries < Capacity; tries++)
        {
            _rover = _rover + 1 >= Capacity ? (ushort)1 : (ushort)(_rover + 1);
            if (Find(_rover) == null)
                return _rover;
        }

        return 0;
    }

    /// <summary>Shows a domain to everybody.</summary>
    public void Add(Domain domain)
    {
        Domain? before = null;
        Domain? after = _first;
        while (after != null && after.Id < domain.Id)
        {
            before = after;
            after = after.NextById;
        }

        domain.NextById = after;
        domain.NextInBucket = _buckets[domain.Id & (Buckets - 1)];
        if (before == null)
            _first = domain;
        else
            before.NextById = domain;
        _buckets[domain.Id & (Buckets - 1)] = domain;
        Count++;
    }

    /// <summary>Hides a domain from look-ups to come; those under way may still see it.</summary>
    public void Remove(Domain domain)
    {
        if (_first == domain)
        {
            _first = domain.NextById;
        }
        else
        {
            Domain before = _first!;
            while (before.NextById != domain)
                before = before.NextById!;
            before.NextById = domain.NextById;
        }

        int bucket = domain.Id & (Buckets - 1);
        if (_buckets[bucket] == domain)
        {
            _buckets[bucket] = domain.NextInBucket;
        }
        else
        {
            Domain before = _buckets[bucket]!;
            while (before.NextInBucket != domain)
                before = before.NextInBucket!;
            before.NextInBucket = domain.NextInBucket;
        }

        Count--;
    }
}
