// SPDX-License-Identifier: MIT
// Which hypervisor this is. xen/include/public/version.h.

using System;
using System.Text;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    private const int CommandLineLength = 1024;     // xen_commandline_t

    /// <summary>XENVER_version and XENVER_extraversion.</summary>
    public (int Major, int Minor, string Extra) GetVersion()
    {
        long version = Check(Gate.Call(HypercallNumber.XenVersion, (ulong)VersionOperation.Version), "XENVER_version", null);
        return ((int)(version >> 16), (int)(version & 0xFFFF), GetVersionText(VersionOperation.ExtraVersion, (int)VersionLimits.ExtraVersionLength));
    }

    public string GetCapabilities() => GetVersionText(VersionOperation.Capabilities, (int)VersionLimits.CapabilitiesInfoLength);

    public string GetChangeSet() => GetVersionText(VersionOperation.ChangeSet, (int)VersionLimits.ChangeSetInfoLength);

    /// <summary>The hypervisor's own command line.</summary>
    public string GetCommandLine() => GetVersionText(VersionOperation.CommandLine, CommandLineLength);

    public int GetPageSize() => (int)Check(Gate.Call(HypercallNumber.XenVersion, (ulong)VersionOperation.PageSize), "XENVER_pagesize", null);

    public ulong GetVirtualStart()
    {
        PlatformParameters argument = default;
        Check(CallWith(HypercallNumber.XenVersion, (ulong)VersionOperation.PlatformParameters, ref argument), "XENVER_platform_parameters", null);
        return argument.VirtStart;
    }

    /// <summary>Who compiled the hypervisor, where, when and with what.</summary>
    public (string Compiler, string By, string Domain, string Date) GetCompileInfo()
    {
        CompileInfo argument = default;
        Check(CallWith(HypercallNumber.XenVersion, (ulong)VersionOperation.CompileInfo, ref argument), "XENVER_compile_info", null);
        return (Text(argument.Compiler), Text(argument.CompileBy), Text(argument.CompileDomain), Text(argument.CompileDate));
    }

    /// <summary>XENVER_build_id in hexadecimal; empty if the hypervisor has none.</summary>
    public string GetBuildId()
    {
        long length = Gate.Call(HypercallNumber.XenVersion, (ulong)VersionOperation.BuildId);
        if (length <= 0)
            return "";
        using HypercallBuffer buffer = Gate.Rent(sizeof(uint) + (int)length);
        buffer.At<uint>() = (uint)length;
        Check(Gate.Call(HypercallNumber.XenVersion, (ulong)VersionOperation.BuildId, buffer.Address), "XENVER_build_id", null);
        return Convert.ToHexStringLower(buffer.Bytes[sizeof(uint)..]);
    }

    /// <summary>A string out of a structure of the interface, up to its nul.</summary>
    internal static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes.IndexOf((byte)0) is >= 0 and int end ? bytes[..end] : bytes);

    private string GetVersionText(VersionOperation operation, int length)
    {
        using HypercallBuffer buffer = Gate.Rent(length);
        Check(Gate.Call(HypercallNumber.XenVersion, (ulong)operation, buffer.Address), $"XENVER_{operation.ToString().ToLowerInvariant()}", null);
        return Text(buffer.Bytes);
    }
}
