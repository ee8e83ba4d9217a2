// SPDX-License-Identifier: MIT
// How far a memory operation came inside one large extent, when its work budget ended there. Kept with the calling vCPU.

using XenSharp.Edge;

namespace XenSharp.Core.Hypercalls;

/// <summary>
/// The command of a memory operation counts whole extents only (MEMOP_EXTENT_SHIFT), so the pages done inside one are noted here.
/// Another operation of the same vCPU in between (from an interrupt of the guest) overwrites the note; the first one then finds its
/// extent half done, as if the guest had done that itself. What the note says about a block is checked under the domain's lock before use.
/// </summary>
public struct ExtentProgress
{
    private MemoryOperationKey _key;

    /// <summary>Pages done of the extent; when it is populated, first those cleared, then those mapped.</summary>
    public ulong Pages { get; private set; }

    /// <summary>The block being prepared for it.</summary>
    public Mfn Frame { get; private set; }

    /// <summary>Which operation, on which argument, at which extent.</summary>
    private struct MemoryOperationKey
    {
        public ulong Command;
        public ulong Argument;
    }

    public void Note(ulong command, ulong argument, ulong pages, Mfn frame)
    {
        _key.Command = command;
        _key.Argument = argument;
        Pages = pages;
        Frame = frame;
    }

    /// <summary>True, once, when the note is about this operation.</summary>
    public bool Take(ulong command, ulong argument)
    {
        if (Pages == 0 || _key.Command != command || _key.Argument != argument)
            return false;
        _key.Command = ulong.MaxValue;
        return true;
    }
}
