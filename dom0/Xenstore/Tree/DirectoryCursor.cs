// SPDX-License-Identifier: MIT
// Walks the names of a directory in order. Made by DirectoryStore; used for listings and for walks of the tree.

using System;
using System.Runtime.CompilerServices;

namespace XenSharp.Xenstore.Tree;

/// <summary>Valid until the tree changes.</summary>
internal ref struct DirectoryCursor
{
    // Pages hold two entries at least unless names are huge, so that a directory of 2^32 names needs no more levels.
    private const int MostLevels = 34;

    private readonly DirectoryStore _store;
    private Page _leaf;     // The last level's page.
    private Levels _pages;
    private Levels _places;
    private int _depth;     // Levels in use; the last one is a leaf, its place the current name's.

    public DirectoryCursor(DirectoryStore store, uint root, int skipBytes)
    {
        _store = store;
        if (root == 0 || skipBytes >= store.ListBytes(root))
            return;
        while (true)
        {
            Page page = store.PageOf(root);
            _pages[_depth] = root;
            int place = 0;
            bool isLeaf = page.Header.Level == 0;
            while (place < page.Count - 1)
            {
                int bytes = isLeaf ? page.Name(place).Length + 1 : store.ListBytes(page.Handle(place));
                if (skipBytes < bytes)
                    break;
                skipBytes -= bytes;
                place++;
            }
            SkippedInName = skipBytes;
            _places[_depth++] = isLeaf ? (uint)place - 1 : (uint)place;
            if (isLeaf)
            {
                _leaf = page;
                return;
            }
            root = page.Handle(place);
        }
    }

    /// <summary>Bytes of the first name that were to be skipped and are not.</summary>
    public int SkippedInName { get; }

    public readonly ReadOnlySpan<byte> Name => _leaf.Name((int)_places[_depth - 1]);

    public readonly uint Node => _leaf.Handle((int)_places[_depth - 1]);

    public bool MoveNext()
    {
        if (_depth == 0)
            return false;
        if (++_places[_depth - 1] < (uint)_leaf.Count)
            return true;
        return MoveToNextPage();
    }

    private bool MoveToNextPage()
    {
        while (--_depth > 0)
        {
            Page page = _store.PageOf(_pages[_depth - 1]);
            _places[_depth - 1]++;
            if (_places[_depth - 1] < (uint)page.Count)
            {
                while (page.Header.Level > 0)
                {
                    _pages[_depth] = page.Handle((int)_places[_depth - 1]);
                    _places[_depth] = 0;
                    page = _store.PageOf(_pages[_depth++]);
                }
                _leaf = page;
                return true;
            }
        }
        return false;
    }

    [InlineArray(MostLevels)]
    private struct Levels
    {
        private uint _first;
    }
}
