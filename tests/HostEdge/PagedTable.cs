// SPDX-License-Identifier: MIT
// A table of records that grows by whole pages; each array stands for the page that the source has charged.

using System;
using System.Runtime.CompilerServices;

namespace XenSharp.Edge;

/// <summary>Same contract as in hypervisor/Edge.</summary>
public sealed class PagedTable<T> where T : unmanaged
{
    private readonly T[]?[] _pages;
    private readonly Mfn[] _frames;
    private readonly FrameSource _source;
    private int _pageCount;

    public PagedTable(int capacity, FrameSource source)
    {
        int pages = (capacity + RecordsPerPage - 1) / RecordsPerPage;
        _pages = new T[pages][];
        _frames = new Mfn[pages];
        _source = source;
    }

    public static int RecordsPerPage => FrameSize.Bytes / Unsafe.SizeOf<T>();

    public int Count => _pageCount * RecordsPerPage;

    public ref T this[int index]
    {
        get
        {
            int page = (int)((uint)index / (uint)RecordsPerPage);
            if ((uint)page >= (uint)_pageCount)
                throw new IndexOutOfRangeException("record " + index + " of " + Count);
            return ref _pages[page]![index - (page * RecordsPerPage)];
        }
    }

    public bool Grow()
    {
        if (_pageCount >= _pages.Length || !_source.TryAllocate(out Mfn frame))
            return false;
        _pages[_pageCount] = new T[RecordsPerPage];
        _frames[_pageCount] = frame;
        System.Threading.Volatile.Write(ref _pageCount, _pageCount + 1);
        return true;
    }

    public bool Shrink()
    {
        if (_pageCount == 0)
            return false;
        _pageCount--;
        _pages[_pageCount] = null;
        _source.Free(_frames[_pageCount]);
        return true;
    }

    public void Release()
    {
        while (Shrink())
        {
        }
    }
}
