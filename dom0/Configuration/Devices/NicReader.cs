// SPDX-License-Identifier: MIT
// Network specifications: xl-network-configuration(5). Used for vif=, and for the arguments of xl network-attach. Behaviour: parse_nic_config of
// tools/xl/xl_parse.c, tools/libs/util/libxlu_vif.c.
using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;
using XenSharp.Configuration.Reading;

namespace XenSharp.Configuration;

/// <summary>Reads the parameters of a network interface.</summary>
public static partial class NicReader
{
    /// <summary>An interface as xl.conf's defaults make it, before its own parameters.</summary>
    public static DeviceNic WithDefaults(GlobalConfiguration global) => new()
    {
        Script = global.VifDefaultScript,
        Bridge = global.VifDefaultBridge,
        Gatewaydev = global.VifDefaultGatewaydev,
        BackendDomname = global.VifDefaultBackend,
    };

    /// <summary>Adds one parameter, <c>key=value</c> or a flag, to an interface.</summary>
    /// <param name="nic">The interface so far.</param>
    /// <param name="parameter">The parameter, without blanks before it.</param>
    /// <param name="error">Takes what is wrong. The interface is then returned as it was.</param>
    /// <param name="warn">Takes what is odd.</param>
    public static DeviceNic Apply(DeviceNic nic, string parameter, Action<string> error, Action<string> warn)
    {
        int equals = parameter.IndexOf('=');
        if (equals < 0)
        {
            switch (parameter)
            {
                case "trusted": return nic with { Trusted = true };
                case "untrusted": return nic with { Trusted = false };
            }
        }
        else if (Set(nic, parameter[..equals], parameter[(equals + 1)..], error, warn) is { } changed)
        {
            return changed;
        }
        warn($"'{parameter}' is no parameter of a network interface, and has no effect");
        return nic;
    }

    private static DeviceNic? Set(DeviceNic nic, string key, string value, Action<string> error, Action<string> warn)
    {
        switch (key)
        {
            case "type" when value == "vif": return nic with { Nictype = NicType.Vif };
            case "type" when value == "ioemu": return nic with { Nictype = NicType.VifIoemu };
            case "type":
                error($"type: '{value}' is none of vif, ioemu");
                return nic;
            case "mac":
                if (MacAddress.TryParse(value, out MacAddress mac)) return nic with { Mac = mac };
                error($"mac: '{value}' is no address of six bytes, such as 00:16:3e:01:02:03");
                return nic;
            case "bridge": return nic with { Bridge = value };
            case "netdev":
                warn("'netdev' is deprecated: use 'gatewaydev'");
                return nic with { Gatewaydev = value };
            case "gatewaydev": return nic with { Gatewaydev = value };
            case "ip": return nic with { Ip = value };
            case "script": return nic with { Script = value };
            case "backend": return nic with { BackendDomname = value };
            case "vifname": return nic with { Ifname = value };
            case "model": return nic with { Model = value };
            case "rate":
                if (TryReadRate(value, out ulong bytes, out uint microseconds, out string fault)) return nic with { RateBytesPerInterval = bytes, RateIntervalUsecs = microseconds };
                error($"rate: {fault}");
                return nic;
            case "accel":
                warn("'accel' has no effect");
                return nic;
            case "devid" or "mtu":
                int at = 0;
                if (!CNumber.TryReadUnsigned(value, ref at, 10, out ulong number) || number > int.MaxValue)
                {
                    error($"{key}: '{value}' is no number");
                    return nic;
                }
                return key == "mtu" ? nic with { Mtu = (int)number } : nic with { Devid = (int)number };
            default:
                return SetColo(nic, key, value);
        }
    }

    [GeneratedRegex(@"\A([0-9]+)([GMK]?)([Bb])/s\z", RegexOptions.CultureInvariant)]
    private static partial Regex RatePattern();

    [GeneratedRegex(@"\A([0-9]+)([mu]?)s?\z", RegexOptions.CultureInvariant)]
    private static partial Regex IntervalPattern();

    /// <summary>Reads <c>RATE[@INTERVAL]</c>: <c>10Mb/s@20ms</c>.</summary>
    internal static bool TryReadRate(string text, out ulong bytesPerInterval, out uint microseconds, out string fault)
    {
        bytesPerInterval = 0;
        microseconds = 50_000;
        fault = "";
        string[] parts = text.Split('@', 2);
        Match rate = RatePattern().Match(parts[0]);
        if (!rate.Success || !TryReadNumber(rate.Groups[1].Value, out ulong perSecond))
        {
            fault = $"'{parts[0]}' is no rate, such as 10Mb/s or 250KB/s";
            return false;
        }
        perSecond *= rate.Groups[2].Value switch { "G" => 1_000_000_000UL, "M" => 1_000_000, "K" => 1_000, _ => 1 };
        if (rate.Groups[3].Value == "b") perSecond /= 8;
        if (parts.Length == 2)
        {
            Match interval = IntervalPattern().Match(parts[1]);
            if (!interval.Success || !TryReadNumber(interval.Groups[1].Value, out ulong time))
            {
                fault = $"'{parts[1]}' is no time, such as 20ms, 500us or 1s";
                return false;
            }
            time *= interval.Groups[2].Value switch { "m" => 1_000UL, "u" => 1, _ => 1_000_000 };
            if (time > uint.MaxValue)
            {
                fault = $"'{parts[1]}' is too long";
                return false;
            }
            microseconds = (uint)time;
        }
        UInt128 bytes = (UInt128)perSecond * microseconds;
        if (bytes > ulong.MaxValue)
        {
            fault = $"'{text}' is too much";
            return false;
        }
        bytesPerInterval = (ulong)bytes / 1_000_000;
        return true;
    }

    /// <summary>A number of any base that is neither 0 nor above 32 bits.</summary>
    private static bool TryReadNumber(string digits, out ulong number)
    {
        int at = 0;
        return CNumber.TryReadUnsigned(digits, ref at, 0, out number) && at == digits.Length && number is > 0 and <= uint.MaxValue;
    }
}
