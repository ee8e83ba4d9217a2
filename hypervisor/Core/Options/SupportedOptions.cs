// SPDX-License-Identifier: MIT
// The options that have an effect. Called by OptionParser for each word of the command line.

using System;
using XenSharp.Core.Debugging;

namespace XenSharp.Core.Options;

/// <summary>Name to effect.</summary>
public static class SupportedOptions
{
    /// <summary>Applies one option. <paramref name="assert"/> is false for the `no-` form, which only booleans have.</summary>
    public static OptionResult Set(BootOptions options, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool hasValue, bool assert)
    {
        OptionResult result = SetBoolean(options, name, value, hasValue, assert);
        if (!assert && !hasValue && Ascii.Equal(name, "iommu"u8))
            return options.Iommu.Parse("no"u8);
        if (result != OptionResult.Unknown || !assert)
            return result;
        result = SetConsole(options, name, value);
        return result != OptionResult.Unknown ? result : SetOther(options, name, value);
    }

    private static OptionResult SetBoolean(BootOptions options, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool hasValue, bool assert)
    {
        bool isNoReboot = Ascii.Equal(name, "noreboot"u8);
        bool isNoSmp = Ascii.Equal(name, "nosmp"u8);
        bool isRing = Ascii.Equal(name, "console_to_ring"u8);
        bool isSync = Ascii.Equal(name, "sync_console"u8);
        bool isTransparent = Ascii.Equal(name, "hap"u8) || Ascii.Equal(name, "async-show-all"u8);
        if (!isNoReboot && !isNoSmp && !isRing && !isSync && !isTransparent)
            return OptionResult.Unknown;
        bool on = assert;
        if (hasValue && value.Length != 0)
        {
            if (!OptionValues.TryBoolean(value, out bool given))
                return OptionResult.InvalidValue;
            on = given == assert;
        }

        if (isNoReboot)
            options.NoReboot = on;
        else if (isNoSmp)
            options.MaxProcessors = on ? 1 : 0;
        else if (isRing)
            options.ConsoleToRing = on;
        else if (!on && isTransparent)
            return OptionResult.NotSupported; // nested paging is the only way here
        return OptionResult.Done; // the console is always synchronous
    }

    private static OptionResult SetConsole(BootOptions options, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.Equal(name, "console"u8))
            return SetConsoleList(options, value);
        if (Ascii.Equal(name, "com1"u8))
            return OptionValues.TrySerial(value, options.Com1) ? OptionResult.Done : OptionResult.InvalidValue;
        if (Ascii.Equal(name, "com2"u8))
            return OptionValues.TrySerial(value, options.Com2) ? OptionResult.Done : OptionResult.InvalidValue;
        if (Ascii.Equal(name, "loglvl"u8))
        {
            if (!OptionValues.TryLevels(value, out int always, out int limited))
                return OptionResult.InvalidValue;
            options.LogAlways = always;
            options.LogLimited = limited;
            return OptionResult.Done;
        }

        if (Ascii.Equal(name, "guest_loglvl"u8))
        {
            if (!OptionValues.TryLevels(value, out int always, out int limited))
                return OptionResult.InvalidValue;
            options.GuestLogAlways = always;
            options.GuestLogLimited = limited;
            return OptionResult.Done;
        }

        if (!Ascii.Equal(name, "conswitch"u8))
            return OptionResult.Unknown;
        if (value.Length is 0 or > 2 || (value.Length == 2 && value[1] != (byte)'x'))
            return OptionResult.InvalidValue;
        options.ConsoleSwitch = value[0] is >= (byte)'a' and <= (byte)'z' ? value[0] : (byte)0;
        options.ConsoleStaysWithHost = value.Length == 2;
        return OptionResult.Done;
    }

    private static OptionResult SetConsoleList(BootOptions options, ReadOnlySpan<byte> list)
    {
        options.UsesCom1 = options.UsesCom2 = options.UsesScreen = false;
        OptionResult result = OptionResult.Done;
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            if (Ascii.Equal(item, "vga"u8))
                options.UsesScreen = true;
            else if (Ascii.Equal(item, "com1"u8))
                options.UsesCom1 = true;
            else if (Ascii.Equal(item, "com2"u8))
                options.UsesCom2 = true;
            else if (Ascii.StartsWith(item, "com"u8) || Ascii.Equal(item, "pv"u8) || Ascii.Equal(item, "dbgp"u8)
                || Ascii.Equal(item, "ehci"u8) || Ascii.Equal(item, "xhci"u8) || Ascii.Equal(item, "xen"u8))
                result = OptionResult.NotSupported;
            else if (!Ascii.Equal(item, "none"u8))
                return OptionResult.InvalidValue;
        }

        return result;
    }

    private static OptionResult SetOther(BootOptions options, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.Equal(name, "dom0_mem"u8))
            return SetDom0Memory(options, value);
        if (Ascii.Equal(name, "dom0_max_vcpus"u8))
            return SetDom0Vcpus(options, value);
        if (Ascii.Equal(name, "dom0"u8))
            return SetDom0(value);
        if (Ascii.Equal(name, "maxcpus"u8))
            return OptionValues.TryInteger(value, out ulong cpus) ? SetMaxProcessors(options, cpus) : OptionResult.InvalidValue;
        if (Ascii.Equal(name, "reboot"u8))
            return SetReboot(options, value);
        if (Ascii.Equal(name, "plant"u8))
        {
            options.PlantedFault = PlantedFault.Parse(value);
            return options.PlantedFault == PlantedFaultKind.None ? OptionResult.InvalidValue : OptionResult.Done;
        }

        if (Ascii.Equal(name, "sched"u8))
            return Ascii.Equal(value, "credit2"u8) ? OptionResult.Done : OptionResult.NotSupported;
        if (Ascii.Equal(name, "iommu"u8))
            return options.Iommu.Parse(value);
        if (Ascii.Equal(name, "dom0-iommu"u8))
            return options.Iommu.ParseDom0(value);
        if (Ascii.Equal(name, "gnttab_max_frames"u8))
        {
            if (!OptionValues.TryInteger(value, out ulong frames) || frames is 0 or > 4096)
                return OptionResult.InvalidValue;
            options.MaxGrantFrames = (uint)frames;
            options.GrantFrameCapacity = (uint)frames;
            return OptionResult.Done;
        }

        if (Ascii.Equal(name, "gnttab_max_maptrack_frames"u8))
        {
            if (!OptionValues.TryInteger(value, out ulong frames) || frames > 65536)
                return OptionResult.InvalidValue;
            options.MaxMaptrackFrames = (uint)frames;
            options.MaptrackFrameCapacity = (uint)frames;
            return OptionResult.Done;
        }

        return Ascii.Equal(name, "gnttab"u8) ? SetGrantTable(options, value) : OptionResult.Unknown;
    }

    private static OptionResult SetMaxProcessors(BootOptions options, ulong count)
    {
        options.MaxProcessors = (int)Math.Min(Math.Max(count, 1), Host.MaxProcessors);
        return OptionResult.Done;
    }

    private static OptionResult SetDom0Memory(BootOptions options, ReadOnlySpan<byte> list)
    {
        if (list.Length == 0)
            return OptionResult.InvalidValue;
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            bool minimum = Ascii.StartsWith(item, "min:"u8), maximum = Ascii.StartsWith(item, "max:"u8);
            if (!OptionValues.TryAmount(minimum || maximum ? item.Slice(4) : item, out MemoryAmount amount))
                return OptionResult.InvalidValue;
            if (minimum)
                options.Dom0Memory.Minimum = amount;
            else if (maximum)
                options.Dom0Memory.Maximum = amount;
            else
                options.Dom0Memory.Size = amount;
        }

        MemoryAmount size = options.Dom0Memory.Size;
        options.Dom0MemoryBytes = size.IsRest || size.Percent != 0 ? 0 : size.Bytes;
        return OptionResult.Done;
    }

    // N, or [MIN]-[MAX].
    private static OptionResult SetDom0Vcpus(BootOptions options, ReadOnlySpan<byte> value)
    {
        int dash = Ascii.IndexOf(value, (byte)'-');
        ReadOnlySpan<byte> low = dash < 0 ? value : value.Slice(0, dash);
        ReadOnlySpan<byte> high = dash < 0 ? value : value.Slice(dash + 1);
        ulong minimum = 0, maximum = 0;
        if (value.Length == 0
            || (low.Length != 0 && !OptionValues.TryInteger(low, out minimum))
            || (high.Length != 0 && !OptionValues.TryInteger(high, out maximum))
            || (maximum != 0 && minimum > maximum))
            return OptionResult.InvalidValue;
        options.Dom0MinVcpus = (int)Math.Min(minimum, Domains.Domain.MaxVcpus);
        options.Dom0MaxVcpus = (int)Math.Min(maximum, Domains.Domain.MaxVcpus);
        return OptionResult.Done;
    }

    private static OptionResult SetDom0(ReadOnlySpan<byte> list)
    {
        OptionResult result = OptionResult.Done;
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            if (Ascii.Equal(item, "pvh"u8) || Ascii.Equal(item, "verbose"u8) || Ascii.Equal(item, "no-verbose"u8))
                continue;
            if (Ascii.Equal(item, "pv"u8) || Ascii.Contains(" shadow no-shadow cpuid-faulting no-cpuid-faulting msr-relaxed no-msr-relaxed "u8, BeforeEquals(item)))
                result = OptionResult.NotSupported;
            else
                return OptionResult.InvalidValue;
        }

        return result;
    }

    private static OptionResult SetReboot(BootOptions options, ReadOnlySpan<byte> list)
    {
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            if (item.Length == 0)
                return OptionResult.InvalidValue;
            switch (item[0])
            {
                case (byte)'n': options.NoReboot = true; break;
                case (byte)'t' or (byte)'k' or (byte)'a' or (byte)'p' or (byte)'e' or (byte)'x': options.RebootMethod = item[0]; break;
                case (byte)'w' or (byte)'c': break;
                default: return OptionResult.InvalidValue;
            }
        }

        return OptionResult.Done;
    }

    private static OptionResult SetGrantTable(BootOptions options, ReadOnlySpan<byte> list)
    {
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            if (Ascii.StartsWith(item, "max-ver:"u8) || Ascii.StartsWith(item, "max_ver:"u8))
            {
                if (!OptionValues.TryInteger(item.Slice(8), out ulong version) || version is not (1 or 2))
                    return OptionResult.InvalidValue;
                options.GrantMaxVersion = (uint)version;
            }
            else if (Ascii.Equal(item, "transitive"u8) || Ascii.Equal(item, "no-transitive"u8))
            {
                options.AllowsTransitiveGrants = item[0] == (byte)'t';
            }
            else if (Ascii.StartsWith(item, "transitive="u8) && OptionValues.TryBoolean(item.Slice(11), out bool allows))
            {
                options.AllowsTransitiveGrants = allows;
            }
            else
            {
                return OptionResult.InvalidValue;
            }
        }

        return OptionResult.Done;
    }

    private static ReadOnlySpan<byte> BeforeEquals(ReadOnlySpan<byte> item)
    {
        int equals = Ascii.IndexOf(item, (byte)'=');
        return equals < 0 ? item : item.Slice(0, equals);
    }
}
