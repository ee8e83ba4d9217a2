// SPDX-License-Identifier: MIT
// What a device must write, and where, to raise one of the machine's vectors. Called whenever a device's MSI is set up.

using XenSharp.Core.Iommu;

namespace XenSharp.Core.Interrupts;

/// <summary>The one place where messages for real devices are made.</summary>
public static class MachineMsi
{
    /// <summary>Where messages for local APICs go (AMD APM vol. 2, 16.11); bits 12..19 name the receiver.</summary>
    public const uint AddressBase = 0xfee0_0000;

    /// <summary>
    /// The message by which function <paramref name="deviceId"/> (bus, device, function) raises a vector on a CPU;
    /// <paramref name="entry"/> is the number of the message within the function. False when the IOMMU has no room for it, or the CPU
    /// cannot be named. Messages of consecutive entries and vectors have consecutive data.
    /// </summary>
    public static bool TryCompose(Host host, ushort deviceId, int entry, byte vector, uint apicId, Cpu caller, out MessageInterrupt message)
    {
        if (host.Iommu != null)
            return host.Iommu.MapInterrupt(deviceId, entry, vector, apicId, caller, out message);
        message = MessageInterrupt.Direct(vector, apicId);
        return apicId <= byte.MaxValue;
    }

    /// <summary>The function does not send a message any more.</summary>
    public static void Release(Host host, ushort deviceId, int entry, Cpu caller) => host.Iommu?.UnmapInterrupt(deviceId, entry, caller);
}
