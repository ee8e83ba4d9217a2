// SPDX-License-Identifier: MIT
// The tree of the hypervisor's file system (xen/common/hypfs.c, docs/misc/hypfs-paths.pandoc). Called by hypfs_op.

using System;
using XenSharp.Abi;
using XenSharp.Core.Options;

namespace XenSharp.Core.HypFs;

/// <summary>Places in the tree. Children of a directory have ascending numbers and names in alphabetical order.</summary>
public enum HypFsNode : byte
{
    Root = 0,
    BuildInfo = 1,
    CpuPool = 2,
    Parameters = 3,
    ChangeSet = 4,
    CompileInfo = 5,
    Config = 6,
    Version = 7,
    CompiledBy = 8,
    CompileDate = 9,
    CompileDomain = 10,
    Compiler = 11,
    Extra = 12,
    Major = 13,
    Minor = 14,
    Pool0 = 15,
    Granularity = 16,
    ConsoleTimestamps = 17,
    Conswitch = 18,
    CrashDebugDebugkey = 19,
    CrashDebugHwdom = 20,
    CrashDebugKexeccmd = 21,
    CrashDebugPanic = 22,
    CrashDebugWatchdog = 23,
    Ept = 24,
    GlobalPages = 25,
    GnttabMaxFrames = 26,
    GnttabMaxMaptrackFrames = 27,
    GuestLoglvl = 28,
    Loglvl = 29,
    Pcid = 30,
}

/// <summary>Structure of the tree: parents, names, kinds.</summary>
public static class HypFsTree
{
    public const int Count = 31;

    private static ReadOnlySpan<byte> Parents => new byte[] { 0, 0, 0, 0, 1, 1, 1, 1, 5, 5, 5, 5, 7, 7, 7, 2, 15, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 };

    private static ReadOnlySpan<byte> Types => new byte[] { 0, 0, 0, 0, 2, 0, 2, 0, 2, 2, 2, 2, 2, 3, 3, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 2, 2, 2, 2, 2 };

    /// <summary>The longest content that may be written; 0: read only.</summary>
    private static ReadOnlySpan<byte> Limits => new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 3, 32, 32, 32, 32, 32, 10, 1, 12, 12, 16, 16, 7 };

    private static ReadOnlySpan<byte> Names => "buildinfocpupoolparamschangesetcompileinfoconfigversioncompile_bycompile_datecompile_domaincompilerextramajorminor0sched-granconsole_timestampsconswitchcrash-debug-debugkeycrash-debug-hwdomcrash-debug-kexeccmdcrash-debug-paniccrash-debug-watchdogeptglobal-pagesgnttab_max_framesgnttab_max_maptrack_framesguest_loglvlloglvlpcid"u8;

    /// <summary>Where each name begins, from the second node on, and where the last ends.</summary>
    private static ReadOnlySpan<ushort> Starts => new ushort[] { 0, 9, 16, 22, 31, 42, 48, 55, 65, 77, 91, 99, 104, 109, 114, 115, 125, 143, 152, 172, 189, 209, 226, 246, 249, 261, 278, 304, 316, 322, 326 };

    public static HypFsType Type(HypFsNode node) => (HypFsType)Types[(int)node];

    public static HypFsEncoding Encoding(HypFsNode node) => node == HypFsNode.Config ? HypFsEncoding.Gzip : HypFsEncoding.Plain;

    public static uint Limit(HypFsNode node) => Limits[(int)node];

    public static bool IsChild(HypFsNode node, HypFsNode parent) => node != HypFsNode.Root && Parents[(int)node] == (byte)parent;

    public static ReadOnlySpan<byte> Name(HypFsNode node)
    {
        int start = Starts[(int)node - 1];
        return Names.Slice(start, Starts[(int)node] - start);
    }

    /// <summary>Follows an absolute path; a slash at its end is allowed behind a directory. False: there is no such entry.</summary>
    public static bool TryFind(ReadOnlySpan<byte> path, out HypFsNode node)
    {
        node = HypFsNode.Root;
        path = path.Slice(1);
        while (path.Length != 0)
        {
            if (Type(node) != HypFsType.Direction)
                return false;
            int slash = Ascii.IndexOf(path, (byte)'/');
            if (!TryFindChild(node, slash < 0 ? path : path.Slice(0, slash), out node))
                return false;
            if (slash < 0)
                return true;
            path = path.Slice(slash + 1);
            if (path.Length == 0)
                return Type(node) == HypFsType.Direction;
        }

        return true;
    }

    private static bool TryFindChild(HypFsNode parent, ReadOnlySpan<byte> name, out HypFsNode child)
    {
        for (int i = 1; i < Count; i++)
        {
            child = (HypFsNode)i;
            if (IsChild(child, parent) && Ascii.Equal(name, Name(child)))
                return true;
        }

        child = HypFsNode.Root;
        return false;
    }
}
