// SPDX-License-Identifier: MIT
// A table of records that grows by whole pages while the hypervisor serves, without creating an object.

using System.Runtime.CompilerServices;
using Internal.Runtime.CompilerHelpers;

namespace XenSharp.Edge;

/// <summary>
/// Up to a fixed number of records in pages that <see cref="FrameSource"/> supplies. An index beyond <see cref="Count"/> faults.
/// Growing is serialised by the caller's lock; reading the present part needs none.
/// </summary>
public sealed unsafe class PagedTable<T> where T : unmanaged
{
    // Frame numbers, as short as the frame table keeps them.
    private readonly uint[] _pages;
    private readonly FrameSource _source;
    private int _pageCount;

    public PagedTable(int capacity, FrameSource source)
    {
        _pages = new uint[(capacity + RecordsPerPage - 1) / RecordsPerPage];
        _source = source;
    }

    public static int RecordsPerPage => FrameSize.Bytes / Unsafe.SizeOf<T>();

    /// <summary>Records present now.</summary>
    public int Count => _pageCount * RecordsPerPage;

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            int page = (int)((uint)index / (uint)RecordsPerPage);
            if ((uint)page >= (uint)_pageCount)
                ThrowHelpers.ThrowIndexOutOfRangeException();
            // SAFETY: the page belongs to this table until Release, and the remainder keeps the record inside it.
            return ref ((T*)DirectMap.Pointer(_pages[page]))[index - (page * RecordsPerPage)];
        }
    }

    /// <summary>Adds one page of zeroed records; false when the table is full or the source is exhausted.</summary>
    public bool Grow()
    {
        if (_pageCount >= _pages.Length || !_source.TryAllocate(out Mfn frame))
            return false;
        _pages[_pageCount] = (uint)frame.Value;
        System.Threading.Volatile.Write(ref _pageCount, _pageCount + 1);
        return true;
    }

    /// <summary>Gives the last page back; false when there is none. Nobody may use its records any more.</summary>
    public bool Shrink()
    {
        if (_pageCount == 0)
            return false;
        _source.Free(new Mfn(_pages[--_pageCount]));
        return true;
    }

    /// <summary>Gives all pages back. Nobody may use the table any more.</summary>
    public void Release()
    {
        while (Shrink())
        {
        }
    }
}
