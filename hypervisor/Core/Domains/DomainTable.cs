// SPDX-License-Identifier: MIT
// All domains by id.

using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>The domain list, in order of ids. Look-ups need no lock: entries appear whole and disappear after their last use.</summary>
public sealed class DomainTable
{
    /// <summary>DOMID_FIRST_RESERVED: ids from here on are special names.</summary>
    public const int Capacity = 0x7ff0;

    private const int PageSize = 64;
    private readonly Domain?[][] _pages = new Domain?[(Capacity / PageSize) + 1][];

    public SpinLock Lock { get; } = new(LockScope.Host);

    public int Count { get; private set; }

    public Domain? Find(ushort id)
    {
        Domain?[]? page = id < Capacity ? _pages[id / PageSize] : null;
        return page?[id % PageSize];
    }

    /// <summary>The domain with the lowest id not below <paramref name="id"/>, or null.</summary>
    public Domain? NextFrom(int id)
    {
        for (int page = id / PageSize, slot = id % PageSize; page < _pages.Length; page++, slot = 0)
        {
            Domain?[]? domains = _pages[page];
            for (; domains != null && slot < PageSize; slot++)
            {
                if (domains[slot] != null)
                    return domains[slot];
            }
        }

        return null;
    }

    public void Add(Domain domain)
    {
        int page = domain.Id / PageSize;
        if (_pages[page] == null)
            _pages[page] = new Domain?[PageSize];
        _pages[page][domain.Id % PageSize] = domain;
        Count++;
    }

    public void Remove(Domain domain)
    {
        _pages[domain.Id / PageSize][domain.Id % PageSize] = null;
        Count--;
    }
}
