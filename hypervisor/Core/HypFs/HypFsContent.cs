// SPDX-License-Identifier: MIT
// What the leaves of the hypervisor's file system hold, and what may be written to them. Called by hypfs_op.

using System;
using System.Buffers.Binary;
using XenSharp.Core.Console;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Options;

namespace XenSharp.Core.HypFs;

/// <summary>Contents are made when they are read; strings end in a zero that counts.</summary>
public static class HypFsContent
{
    /// <summary>No content is longer.</summary>
    public const int MaxLength = 512;

    /// <summary>Fills the buffer (of at least <see cref="MaxLength"/>) with a leaf's content; its length.</summary>
    public static int Read(Host host, HypFsNode node, Span<byte> buffer)
    {
        switch (node)
        {
            case HypFsNode.Major:
                BinaryPrimitives.WriteUInt32LittleEndian(buffer, BuildInformation.Major);
                return sizeof(uint);
            case HypFsNode.Minor:
                BinaryPrimitives.WriteUInt32LittleEndian(buffer, BuildInformation.Minor);
                return sizeof(uint);
            case HypFsNode.GlobalPages:
                buffer[0] = 0;
                return 1;
            case HypFsNode.Config:
                BuildConfiguration.Compressed.CopyTo(buffer);
                return BuildConfiguration.Compressed.Length;
            case HypFsNode.GnttabMaxFrames:
                return Number(host.Options.MaxGrantFrames, buffer);
            case HypFsNode.GnttabMaxMaptrackFrames:
                return Number(host.Options.MaxMaptrackFrames, buffer);
            case HypFsNode.Loglvl:
                return Levels(host.Console.HostThresholds, buffer);
            case HypFsNode.GuestLoglvl:
                return Levels(host.Console.GuestThresholds, buffer);
            case HypFsNode.Conswitch:
                buffer[0] = host.Options.ConsoleSwitch;
                return Terminate(buffer, host.Options.ConsoleSwitch != 0 ? 1 : 0);
            default:
                ReadOnlySpan<byte> text = Text(node);
                text.CopyTo(buffer);
                return Terminate(buffer, text.Length);
        }
    }

    /// <summary>Applies what was written, a string without its zero; 0 or an error.</summary>
    public static long Write(Host host, HypFsNode node, ReadOnlySpan<byte> value)
    {
        switch (node)
        {
            case HypFsNode.Loglvl:
            case HypFsNode.GuestLoglvl:
                if (!OptionValues.TryLevels(value, out int always, out int limited))
                    return HypercallError.EINVAL;
                (node == HypFsNode.Loglvl ? host.Console.HostThresholds : host.Console.GuestThresholds).Set(always, limited);
                return 0;
            case HypFsNode.GnttabMaxFrames:
            case HypFsNode.GnttabMaxMaptrackFrames:
                if (!OptionValues.TryInteger(value, out ulong frames))
                    return HypercallError.EINVAL;
                if (frames > (node == HypFsNode.GnttabMaxFrames ? host.Options.GrantFrameCapacity : host.Options.MaptrackFrameCapacity))
                    return HypercallError.ERANGE;
                if (node == HypFsNode.GnttabMaxFrames)
                    host.Options.MaxGrantFrames = (uint)frames;
                else
                    host.Options.MaxMaptrackFrames = (uint)frames;
                return 0;
            case HypFsNode.Conswitch:
                if (value.Length is 0 or > 2)
                    return HypercallError.EINVAL;
                host.Options.ConsoleSwitch = value[0];
                return 0;
            default:
                return HypercallError.EOPNOTSUPP; // the parameter has no effect here
        }
    }

    private static ReadOnlySpan<byte> Text(HypFsNode node) => node switch
    {
        HypFsNode.ChangeSet => BuildInformation.Changeset,
        HypFsNode.CompiledBy => BuildInformation.CompiledBy,
        HypFsNode.CompileDate => BuildInformation.CompileDate,
        HypFsNode.CompileDomain => BuildInformation.CompileDomain,
        HypFsNode.Compiler => BuildInformation.Compiler,
        HypFsNode.Extra => BuildInformation.ExtraVersion,
        HypFsNode.Granularity => "cpu"u8,
        HypFsNode.ConsoleTimestamps => "none"u8,
        HypFsNode.Pcid => "xpti"u8,
        _ => ""u8,
    };

    private static int Terminate(Span<byte> buffer, int length)
    {
        buffer[length] = 0;
        return length + 1;
    }

    private static int Number(uint value, Span<byte> buffer)
    {
        int digits = 1;
        for (uint rest = value / 10; rest != 0; rest /= 10)
            digits++;
        for (int i = digits - 1; i >= 0; i--, value /= 10)
            buffer[i] = (byte)('0' + (value % 10));
        return Terminate(buffer, digits);
    }

    private static int Levels(LogThresholds thresholds, Span<byte> buffer)
    {
        ReadOnlySpan<byte> always = Level(thresholds.Always), limited = Level(thresholds.Limited);
        always.CopyTo(buffer);
        buffer[always.Length] = (byte)'/';
        limited.CopyTo(buffer.Slice(always.Length + 1));
        return Terminate(buffer, always.Length + 1 + limited.Length);
    }

    private static ReadOnlySpan<byte> Level(int level) => level switch
    {
        0 => "none"u8,
        1 => "error"u8,
        2 => "warning"u8,
        3 => "info"u8,
        _ => "all"u8,
    };
}
