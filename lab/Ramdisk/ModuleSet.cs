// SPDX-License-Identifier: MIT
// Puts kernel modules into a ramdisk with the list that modprobe reads. Used by every builder of a ramdisk.

using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace XenSharp.Lab.Ramdisk;

/// <summary>The modules of one kernel release in a ramdisk.</summary>
public static class ModuleSet
{
    /// <summary>
    /// Adds the modules and all that they need, and a <c>modules.dep</c> that also tells of those that an archive in front of this one holds.
    /// </summary>
    /// <param name="present">Modules of an archive in front: listed, not added again.</param>
    /// <param name="optional">Left out without a word when the kernel lacks them.</param>
    public static void Add(CpioWriter archive, KernelModules all, string release, IEnumerable<string> present, IEnumerable<string> required, IEnumerable<string> optional)
    {
        HashSet<string> there = [.. all.Closure([], present).Select(module => module.Path)];
        StringBuilder dependencies = new();
        foreach (KernelModule module in all.Closure(required, [.. present, .. optional]))
        {
            if (!there.Contains(module.Path))
                archive.AddFile($"lib/modules/{release}/{module.Path}", module.Content);
            // modprobe wants all that a module needs, not only directly, and loads from the end.
            IEnumerable<string> needed = all.Closure([module.Name], []).SkipLast(1).Reverse().Select(other => other.Path);
            dependencies.Append($"{module.Path}: {string.Join(' ', needed)}".TrimEnd()).Append('\n');
        }
        archive.AddFile($"lib/modules/{release}/modules.dep", dependencies.ToString());
    }
}
