// SPDX-License-Identifier: MIT
// PCI specifications: xl-pci-configuration(5). Used for pci=, and for the arguments of xl pci-attach. Behaviour: tools/libs/util/libxlu_pci.c.
using System;
using System.Globalization;
using XenSharp.Configuration.Reading;

namespace XenSharp.Configuration;

/// <summary>Reads a PCI device: <c>[[DDDD:]BB:DD.F[@VSLOT]][,key=value...]</c>, or <c>name=...</c> in place of the address.</summary>
public static class PciReader
{
    private const uint EveryFunction = uint.MaxValue;

    /// <summary>Reads a device.</summary>
    /// <param name="text">The specification.</param>
    /// <param name="defaults">What it does not say.</param>
    /// <param name="device">The device.</param>
    /// <param name="fault">Else what is wrong.</param>
    public static bool TryRead(string text, DevicePci defaults, out DevicePci device, out string fault)
    {
        device = defaults;
        fault = "";
        string rest = text;
        bool hasAddress = false, hasName = false;
        int at = 0;
        if (TryReadAddress(text, ref at, ref device))
        {
            hasAddress = true;
            if (at < text.Length && text[at] == '@')
            {
                at++;
                if (!TryReadSlot(text, ref at, ref device))
                {
                    fault = $"'{text}': the slot behind '@' is no hexadecimal number up to 1f";
                    return false;
                }
            }
            if (at < text.Length && text[at] != ',')
            {
                fault = $"'{text}': '{text[at..]}' behind the address is not understood";
                return false;
            }
            rest = at < text.Length ? text[(at + 1)..] : "";
        }
        while (rest.Length > 0)
        {
            int equals = rest.IndexOf('=');
            if (equals < 0)
            {
                fault = hasAddress ? $"'{rest}' has not the form key=value" : $"'{text}' is no address, such as 0000:03:00.0";
                return false;
            }
            int comma = rest.IndexOf(',', equals);
            string key = rest[..equals], value = comma < 0 ? rest[(equals + 1)..] : rest[(equals + 1)..comma];
            rest = comma < 0 ? "" : rest[(comma + 1)..];
            if (!Set(key, value, ref device, ref hasAddress, ref hasName, out fault)) return false;
        }
        if (hasAddress != hasName) return true;
        fault = hasName ? $"'{text}': an address and a name exclude each other" : $"'{text}': there is neither an address nor a name";
        return false;
    }

    private static bool Set(string key, string value, ref DevicePci device, ref bool hasAddress, ref bool hasName, out string fault)
    {
        bool flag = SpecificationText.Atoi(value) != 0;
        int at = 0;
        bool isGood = true;
        switch (key)
        {
            case "bdf":
                isGood = TryReadAddress(value, ref at, ref device);
                hasAddress |= isGood;
                break;
            case "vslot":
                isGood = TryReadSlot(value, ref at, ref device);
                break;
            case "permissive": device = device with { Permissive = flag }; break;
            case "msitranslate": device = device with { Msitranslate = flag }; break;
            case "seize": device = device with { Seize = flag }; break;
            case "power_mgmt": device = device with { PowerMgmt = flag }; break;
            case "rdm_policy":
                isGood = EnumNames<RdmReservePolicy>.TryParse(value, out RdmReservePolicy policy);
                device = device with { RdmPolicy = policy };
                break;
            case "name":
                hasName = true;
                device = device with { Name = value };
                break;
            default:
                fault = $"'{key}' is none of bdf, vslot, permissive, msitranslate, seize, power_mgmt, rdm_policy, name";
                return false;
        }
        fault = isGood ? "" : $"{key}: '{value}' is not understood";
        return isGood;
    }

    /// <summary><c>[domain:]bus:device.function</c> in hexadecimal; a star stands for all functions.</summary>
    private static bool TryReadAddress(string text, ref int at, ref DevicePci device)
    {
        int i = at, end = at;
        while (end < text.Length && (char.IsAsciiHexDigit(text[end]) || text[end] == ':')) end++;
        string[] parts = text[at..end].Split(':');
        if (parts.Length is not (2 or 3) || end >= text.Length || text[end] != '.') return false;
        uint domain = 0;
        if (parts.Length == 3 && !TryHex(parts[0], 0xFFFF, out domain)) return false;
        if (!TryHex(parts[^2], 0xFF, out uint bus) || !TryHex(parts[^1], 0x1F, out uint slot)) return false;
        i = end + 1;
        uint function = 0, mask = 1;
        if (i < text.Length && text[i] == '*')
        {
            mask = EveryFunction;
            i++;
        }
        else
        {
            if (!CNumber.TryReadUnsigned(text, ref i, 16, out ulong number) || number > 7) return false;
            function = (uint)number;
        }
        device = device with { Domain = (int)domain, Bus = (byte)bus, Dev = (byte)slot, Func = (byte)function, VfuncMask = mask };
        at = i;
        return true;
    }

    private static bool TryReadSlot(string text, ref int at, ref DevicePci device)
    {
        if (!CNumber.TryReadUnsigned(text, ref at, 16, out ulong slot) || slot > 0x1F) return false;
        device = device with { Vdevfn = (uint)slot << 3 };
        return true;
    }

    private static bool TryHex(string text, uint most, out uint value) =>
        uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) && value <= most;
}
