// SPDX-License-Identifier: MIT
// Makes a GRUB CD image that boots what QEMU's -kernel boots. Used by the iso command and by run --iso.

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Build;

/// <summary>How GRUB hands over to the hypervisor.</summary>
public enum BootProtocol
{
    Multiboot2,
    Multiboot1,
}

public static class GrubImage
{
    private static readonly string[] s_moduleNames = ["vmlinuz", "ramdisk"];

    /// <summary>Writes the image to <paramref name="path"/>; its menu offers both protocols and takes <paramref name="first"/> after a second.</summary>
    public static void Make(string path, string hypervisor, string hypervisorArguments, IReadOnlyList<BootModule> modules, BootProtocol first = BootProtocol.Multiboot2)
    {
        HostTools.Require(HostTool.ForImage);
        using TemporaryFolder root = new();
        string grub = Directory.CreateDirectory(root.File("boot/grub")).FullName;
        File.Copy(hypervisor, root.File("boot/xensharp"));
        for (int index = 0; index < modules.Count; index++)
            File.Copy(modules[index].Path, Path.Combine(root.Folder, "boot", s_moduleNames[index]));
        File.WriteAllText(Path.Combine(grub, "grub.cfg"), Menu(hypervisorArguments, modules, first));
        string part = $"{path}.{System.Environment.ProcessId}.part";
        ProgramResult made = HostProgram.Capture("grub-mkrescue", ["-d", "/usr/lib/grub/i386-pc", "-o", part, root.Folder]);
        if (!made.Succeeded)
            throw new LabException($"{made.Errors.Trim()}\ngrub-mkrescue could not make {path}; its messages are above.");
        File.Move(part, path, overwrite: true);
    }

    private static string Menu(string arguments, IReadOnlyList<BootModule> modules, BootProtocol first)
    {
        StringBuilder menu = new();
        // A hypervisor is started in text mode: GRUB would otherwise leave a graphics mode behind that nobody asked for.
        menu.Append("set timeout=1\nset gfxpayload=text\nserial --unit=0 --speed=115200\nterminal_input serial console\nterminal_output serial console\n\n");
        BootProtocol[] protocols = first == BootProtocol.Multiboot2 ? [BootProtocol.Multiboot2, BootProtocol.Multiboot1] : [BootProtocol.Multiboot1, BootProtocol.Multiboot2];
        foreach (BootProtocol protocol in protocols)
        {
            bool isSecond = protocol == BootProtocol.Multiboot2;
            menu.Append($"menuentry 'XenSharp ({protocol.ToString().ToLowerInvariant()})' {{\n    {(isSecond ? "multiboot2" : "multiboot")} /boot/xensharp {arguments}\n");
            foreach ((BootModule module, string name) in modules.Zip(s_moduleNames))
                menu.Append($"    {(isSecond ? "module2" : "module")} /boot/{name} {module.Arguments}".TrimEnd()).Append('\n');
            menu.Append("}\n");
        }
        return menu.ToString();
    }
}
