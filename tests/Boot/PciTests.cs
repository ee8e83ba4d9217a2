// SPDX-License-Identifier: MIT
// The machine's disks and network cards in Linux as dom0: with messages behind the IOMMU, and with interrupt lines without one.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using XenSharp.Lab.Common;
using XenSharp.Lab.Exec;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.Boot;

public class PciTests
{
    private const int Read = 4 << 20, Written = 1 << 20;

    // Loads the network drivers, reads and writes each disk, asks the network for an address by each card.
    private const string Probe = """
        for module in /session/modules/*; do insmod $module; done
        for disk in vda sda nvme0n1; do
            head -c 4194304 /dev/$disk | sha256sum | cut -c 1-64
            dd if=/dev/$disk of=/dev/$disk bs=1M count=1 seek=4 conv=fsync 2> /dev/null
        done
        cat > /run/bound <<'END'
        #!/bin/sh
        [ "$1" = bound ] || exit 0
        ifconfig $interface $ip netmask $subnet
        ping -c 2 -W 20 $router > /run/ping
        echo $interface $ip $(grep -c 'bytes from' /run/ping)
        END
        chmod +x /run/bound
        for card in eth0 eth1; do
            ifconfig $card up
            udhcpc -i $card -n -q -t 10 -T 6 -s /run/bound 2> /dev/null
            ifconfig $card 0.0.0.0
        done
        grep -c swiotlb=force /proc/cmdline
        grep -E 'PCI-MSI|IO-APIC' /proc/interrupts
        """;

    [OwnHypervisorFact]
    public void Disks_and_cards_send_messages_through_the_iommu()
    {
        string[] lines = Run("", "");
        Assert.Equal("0", lines[5]);
        Assert.All((string[])["virtio0-req", "ahci", "nvme0q0", "virtio1-input", "eth1"], device => Assert.Contains(lines, line => line.Contains(device) && line.Contains("PCI-MSI")));
    }

    [OwnHypervisorFact]
    public void Disks_and_cards_raise_interrupt_lines_without_an_iommu()
    {
        string[] lines = Run("iommu=off", " pci=nomsi");
        Assert.Equal("1", lines[5]);
        Assert.All((string[])["virtio0", "ahci", "nvme0q0", "virtio1", "eth1"], device => Assert.Contains(lines, line => line.Contains(device) && line.Contains("fasteoi")));
    }

    private static string[] Run(string hypervisorArguments, string kernelArguments)
    {
        using TemporaryFolder folder = new();
        byte[] content = RandomNumberGenerator.GetBytes(Read);
        string[] disks = [.. Enumerable.Range(0, 3).Select(number => folder.File($"disk{number}"))];
        foreach (string disk in disks)
            File.WriteAllBytes(disk, [.. content, .. new byte[2 * Written]]);
        Dom0Image dom0 = Dom0Image.FromDebian(withDisks: true);
        string token = SessionSegment.NewToken();
        string ramdisk = folder.File("ramdisk");
        File.WriteAllBytes(ramdisk, [.. File.ReadAllBytes(dom0.Ramdisk!), .. SessionSegment.ForCommand(Probe, token), .. NetworkDrivers(dom0)]);
        MachineConfiguration machine = StandardMachine.WithKernel(dom0.Kernel, hypervisorArguments) with
        {
            Modules = [new BootModule(dom0.Kernel, "console=hvc0" + kernelArguments), new BootModule(ramdisk)],
            ExtraArguments = [.. Devices(disks)],
        };

        using MemoryStream output = new();
        using MemoryStream errors = new();
        int status = new ExecSession(token, output, errors).Run(machine);
        Assert.True(status == 0, Encoding.UTF8.GetString(errors.ToArray()));
        string[] lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n');
        string sum = Convert.ToHexStringLower(SHA256.HashData(content));
        Assert.Equal([sum, sum, sum, "eth0 10.0.2.15 2", "eth1 10.0.2.15 2"], lines[..5]);
        Assert.All(disks, disk => Assert.Equal(content[..Written], File.ReadAllBytes(disk)[Read..(Read + Written)]));
        return lines;
    }

    private static IEnumerable<string> Devices(string[] disks)
    {
        string[] kinds = ["virtio-blk-pci,disable-legacy=on,iommu_platform=on", "ide-hd,bus=ide.0", "nvme,serial=1"];
        for (int i = 0; i < kinds.Length; i++)
        {
            foreach (string argument in (string[])["-drive", $"if=none,id=pci{i},format=raw,file={disks[i]}", "-device", $"{kinds[i]},drive=pci{i}"])
                yield return argument;
        }

        foreach (string argument in (string[])["-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,disable-legacy=on,iommu_platform=on"])
            yield return argument;
        foreach (string argument in (string[])["-netdev", "user,id=net1", "-device", "e1000e,netdev=net1"])
            yield return argument;
    }

    private static byte[] NetworkDrivers(Dom0Image dom0)
    {
        string release = Path.GetFileName(dom0.Kernel)["vmlinuz-".Length..];
        string package = Path.GetDirectoryName(Path.GetDirectoryName(dom0.Kernel))!;
        CpioWriter archive = new();
        int number = 10;
        foreach (KernelModule module in new KernelModules(Path.Combine(package, "lib/modules", release)).Closure(["virtio_net", "e1000e"], []))
            archive.AddFile($"session/modules/{number++}-{module.Name}.ko", module.Content);
        return archive.Finish();
    }
}
