// SPDX-License-Identifier: MIT
// `iommu=` and `dom0-iommu=` (docs/misc/xen-command-line.pandoc). Called by SupportedOptions.

using System;

namespace XenSharp.Core.Options;

/// <summary>What was asked of the IOMMU.</summary>
public sealed class IommuOptions
{
    private static ReadOnlySpan<byte> Without => (" quarantine superpages intpost crash-disable amd-iommu-perdev-intremap "u8);

    // Of other machines or other kinds of dom0: Xen accepts them, and they change nothing for a PVH dom0 on AMD.
    private static ReadOnlySpan<byte> Idle => (" sharept snoop qinval igfx dom0-passthrough dom0-strict "u8);

    public bool IsEnabled { get; private set; } = true;

    /// <summary>Without an IOMMU the machine does not start.</summary>
    public bool IsRequired { get; private set; }

    public bool IsVerbose { get; private set; }

    public bool RemapsInterrupts { get; private set; } = true;

    /// <summary>`dom0-iommu=map-reserved`: reserved regions of the memory map are reachable for dom0's devices.</summary>
    public bool MapsReserved { get; private set; } = true;

    public OptionResult Parse(ReadOnlySpan<byte> list)
    {
        OptionResult result = OptionResult.Done;
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            if (OptionValues.TryBoolean(item, out bool whole))
                IsEnabled = whole;
            else if (!TryNamed(item, out ReadOnlySpan<byte> name, out bool on))
                result = Ascii.Equal(item, "quarantine=scratch-page"u8) ? OptionResult.NotSupported : OptionResult.InvalidValue;
            else if (Ascii.Contains(" force required "u8, name))
                IsRequired = on;
            else if (Ascii.Equal(name, "verbose"u8))
                IsVerbose = on;
            else if (Ascii.Equal(name, "debug"u8))
                IsVerbose |= on;
            else if (Ascii.Equal(name, "intremap"u8))
                RemapsInterrupts = on;
            else if (Ascii.Contains(Without, name))
                result = OptionResult.NotSupported;
            else if (!Ascii.Contains(Idle, name))
                result = OptionResult.InvalidValue;
        }

        return result;
    }

    public OptionResult ParseDom0(ReadOnlySpan<byte> list)
    {
        OptionResult result = OptionResult.Done;
        while (list.Length != 0)
        {
            ReadOnlySpan<byte> item = Ascii.TakeItem(ref list);
            if (Ascii.Equal(item, "none"u8))
                continue; // skips a check of Xen's that is not made here
            if (!TryNamed(item, out ReadOnlySpan<byte> name, out bool on))
                result = OptionResult.InvalidValue;
            else if (Ascii.Equal(name, "map-reserved"u8))
                MapsReserved = on;
            else if (Ascii.Equal(name, "map-inclusive"u8))
                result = on ? OptionResult.NotSupported : result;
            else if (!Ascii.Contains(" passthrough strict "u8, name))
                result = OptionResult.InvalidValue; // those two are fixed for a PVH dom0
        }

        return result;
    }

    // name, no-name, name=boolean.
    private static bool TryNamed(ReadOnlySpan<byte> item, out ReadOnlySpan<byte> name, out bool on)
    {
        on = true;
        int equals = Ascii.IndexOf(item, (byte)'=');
        name = equals < 0 ? item : item.Slice(0, equals);
        if (equals >= 0)
            return OptionValues.TryBoolean(item.Slice(equals + 1), out on);
        if (Ascii.StartsWith(item, "no-"u8))
        {
            name = item.Slice(3);
            on = false;
        }

        return name.Length != 0;
    }
}
