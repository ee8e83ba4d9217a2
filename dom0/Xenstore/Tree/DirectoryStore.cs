// SPDX-License-Identifier: MIT
// A node's children: a B-tree of pages in byte order of the names, persistent by path copying. Used by StoreTree.

using System;

namespace XenSharp.Xenstore.Tree;

/// <summary>
/// A directory is named by its root page, 0 if it is empty. Changing operations give back the root, which may be another page than before. Pages
/// grow with their contents up to <see cref="FullPage"/> bytes and then split; a page that has become empty goes, others are not merged.
/// </summary>
internal sealed class DirectoryStore(BlockStore blocks)
{
    private const int FullPage = 2048;

    /// <summary>The node of that name, or 0.</summary>
    public uint Find(uint root, ReadOnlySpan<byte> name)
    {
        while (root != 0)
        {
            Page page = PageOf(root);
            if (page.Header.Level == 0)
            {
                int place = page.Find(name);
                return place < 0 ? 0 : page.Handle(place);
            }
            root = page.Handle(page.FindBelow(name));
        }
        return 0;
    }

    /// <summary>Length of all names, each with its nul.</summary>
    public int ListBytes(uint root) => root == 0 ? 0 : (int)PageOf(root).Header.ListBytes;

    /// <summary>Adds a name, or gives it another node.</summary>
    public uint Set(Branch branch, uint root, ReadOnlySpan<byte> name, uint node)
    {
        if (root == 0)
        {
            uint first = NewPage(branch, PageHeader.Size + Page.EntryOverhead + name.Length, 0);
            Page page = PageOf(first);
            page.Insert(0, name, node);
            page.Header.ListBytes = (uint)name.Length + 1;
            return first;
        }
        uint left = Put(branch, root, name, node, out uint right);
        if (right == 0)
            return left;
        Page low = PageOf(left);
        Page high = PageOf(right);
        uint top = NewPage(branch, PageHeader.Size + 2 * Page.EntryOverhead + low.Name(0).Length + high.Name(0).Length, (byte)(low.Header.Level + 1));
        Page both = PageOf(top);
        both.Insert(0, low.Name(0), left);
        both.Insert(1, high.Name(0), right);
        both.Header.ListBytes = low.Header.ListBytes + high.Header.ListBytes;
        return top;
    }

    /// <summary>Takes a name out that is there.</summary>
    public uint Remove(Branch branch, uint root, ReadOnlySpan<byte> name)
    {
        root = Take(branch, root, name);
        while (root != 0 && PageOf(root) is { Count: 1 } page && page.Header.Level > 0)
        {
            uint below = page.Handle(0);
            GiveUp(branch, root);
            root = below;
        }
        return root;
    }

    /// <summary>Gives all pages up, not the nodes.</summary>
    public void RemoveAll(Branch branch, uint root)
    {
        if (root == 0)
            return;
        Page page = PageOf(root);
        for (int index = 0; page.Header.Level > 0 && index < page.Count; index++)
            RemoveAll(branch, page.Handle(index));
        GiveUp(branch, root);
    }

    /// <summary>The first name at or after a place in the list of all names, as an enumerator that stands before it.</summary>
    public DirectoryCursor Enumerate(uint root, int skipBytes = 0) => new(this, root, skipBytes);

    internal Page PageOf(uint handle)
    {
        Span<byte> block = blocks.From(handle);
        return new Page(block[..System.Runtime.InteropServices.MemoryMarshal.AsRef<PageHeader>(block).Capacity]);
    }

    private uint Put(Branch branch, uint handle, ReadOnlySpan<byte> name, uint node, out uint sibling)
    {
        sibling = 0;
        Page page = PageOf(handle);
        if (page.Header.Level == 0)
        {
            int place = page.Find(name);
            if (place >= 0)
            {
                if (page.Handle(place) != node)
                {
                    handle = Own(branch, handle, 0);
                    PageOf(handle).SetHandle(place, node);
                }
                return handle;
            }
            return Add(branch, handle, ~place, name, node, (uint)name.Length + 1, out sibling);
        }
        int below = page.FindBelow(name);
        uint child = page.Handle(below);
        uint before = PageOf(child).Header.ListBytes;
        uint left = Put(branch, child, name, node, out uint right);
        uint after = PageOf(left).Header.ListBytes;
        if (left == child && right == 0 && after == before)
            return handle;
        handle = Own(branch, handle, 0);
        page = PageOf(handle);
        page.SetHandle(below, left);
        page.Header.ListBytes += after - before;
        if (right == 0)
            return handle;
        Page split = PageOf(right);
        return Add(branch, handle, below + 1, split.Name(0), right, split.Header.ListBytes, out sibling);
    }

    private uint Add(Branch branch, uint handle, int place, ReadOnlySpan<byte> name, uint value, uint listBytes, out uint sibling)
    {
        sibling = 0;
        Page page = PageOf(handle);
        int size = Page.EntryOverhead + name.Length;
        if (page.Needed + size <= FullPage || page.Count < 2)
        {
            handle = Own(branch, handle, size);
            page = PageOf(handle);
            page.Insert(place, name, value);
            page.Header.ListBytes += listBytes;
            return handle;
        }
        uint right = Split(branch, ref handle, place);
        Page low = PageOf(handle);
        if (place <= low.Count)
        {
            handle = Own(branch, handle, size);
            low = PageOf(handle);
            low.Insert(place, name, value);
            low.Header.ListBytes += listBytes;
        }
        else
        {
            place -= low.Count;
            right = Own(branch, right, size);
            Page high = PageOf(right);
            high.Insert(place, name, value);
            high.Header.ListBytes += listBytes;
        }
        sibling = right;
        return handle;
    }

    /// <summary>Moves the upper part of a page to a new one; a page that grows at its end keeps nearly all.</summary>
    private uint Split(Branch branch, ref uint handle, int place)
    {
        Page page = PageOf(handle);
        int keep = place == page.Count ? Math.Max(page.Count - 1, 1) : page.Count / 2;
        uint low = Copy(branch, page, 0, keep);
        uint high = Copy(branch, page, keep, page.Count);
        GiveUp(branch, handle);
        handle = low;
        return high;
    }

    private uint Copy(Branch branch, Page page, int from, int to)
    {
        int bytes = PageHeader.Size;
        for (int index = from; index < to; index++)
            bytes += Page.EntryOverhead + page.Name(index).Length;
        uint handle = NewPage(branch, bytes, page.Header.Level);
        Page copy = PageOf(handle);
        uint listBytes = 0;
        for (int index = from; index < to; index++)
        {
            copy.Insert(index - from, page.Name(index), page.Handle(index));
            listBytes += page.Header.Level == 0 ? (uint)page.Name(index).Length + 1 : PageOf(page.Handle(index)).Header.ListBytes;
        }
        copy.Header.ListBytes = listBytes;
        return handle;
    }

    private uint Take(Branch branch, uint handle, ReadOnlySpan<byte> name)
    {
        Page page = PageOf(handle);
        int place;
        uint taken;
        if (page.Header.Level == 0)
        {
            place = page.Find(name);
            if (place < 0)
                throw new InvalidOperationException("A directory lacks a name that it must have.");
            taken = (uint)name.Length + 1;
        }
        else
        {
            place = page.FindBelow(name);
            uint child = page.Handle(place);
            uint before = PageOf(child).Header.ListBytes;
            uint left = Take(branch, child, name);
            taken = before - (left == 0 ? 0 : PageOf(left).Header.ListBytes);
            if (left != 0)
            {
                handle = Own(branch, handle, 0);
                page = PageOf(handle);
                page.SetHandle(place, left);
                page.Header.ListBytes -= taken;
                return handle;
            }
        }
        if (page.Count == 1)
        {
            GiveUp(branch, handle);
            return 0;
        }
        handle = Own(branch, handle, 0);
        page = PageOf(handle);
        page.RemoveAt(place);
        page.Header.ListBytes -= taken;
        return page.Header.Capacity >= 128 && Arena.Capacity(page.Needed) <= page.Header.Capacity / 2 ? Resize(branch, handle, page.Needed) : handle;
    }

    /// <summary>The page, or a copy, that the branch may change and that has room.</summary>
    private uint Own(Branch branch, uint handle, int room)
    {
        Page page = PageOf(handle);
        return page.Header.Born == branch.Tag && page.Room >= room ? handle : Resize(branch, handle, page.Needed + room);
    }

    private uint Resize(Branch branch, uint handle, int bytes)
    {
        uint copy = NewPage(branch, bytes, 0);
        Page page = PageOf(handle);
        Page target = PageOf(copy);
        page.CopyTo(target);
        target.Header.Born = branch.Tag;
        GiveUp(branch, handle);
        return copy;
    }

    private uint NewPage(Branch branch, int bytes, byte level)
    {
        bytes = Arena.Capacity(bytes);
        uint handle = blocks.Allocate(branch, bytes);
        Page.Format(blocks.Block(handle, bytes), branch.Tag, level);
        return handle;
    }

    private void GiveUp(Branch branch, uint handle)
    {
        Page page = PageOf(handle);
        blocks.GiveUp(branch, handle, page.Header.Capacity, page.Header.Born);
    }
}
