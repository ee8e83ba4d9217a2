// SPDX-License-Identifier: MIT
// Linux kernel modules of an unpacked kernel package: finds them by name and reads what each depends on. Used by Dom0Ramdisk.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Ramdisk;

/// <summary>A module file below <c>kernel/</c>, as uncompressed ELF, with the names of the modules that it needs.</summary>
public sealed record KernelModule(string Name, string Path, byte[] Content, IReadOnlyList<string> Dependencies);

/// <summary>
/// The modules in one <c>lib/modules/VERSION</c> folder. Debian's package has no modules.dep (depmod makes it on installation), so dependencies are read
/// from each module's own <c>.modinfo</c> section.
/// </summary>
public sealed class KernelModules
{
    private readonly string _folder;
    private readonly Dictionary<string, string> _files = [];
    private readonly HashSet<string> _builtIn = [];
    private readonly Dictionary<string, KernelModule> _read = [];

    public KernelModules(string folder)
    {
        _folder = folder;
        foreach (string file in Directory.EnumerateFiles(folder, "*.ko*", SearchOption.AllDirectories))
            _files[NameOf(file)] = file;
        string builtIn = Path.Combine(folder, "modules.builtin");
        if (File.Exists(builtIn))
            _builtIn.UnionWith(File.ReadLines(builtIn).Select(NameOf));
    }

    /// <summary>The named modules and all that they need, each after what it needs. Those built into the kernel, and optional ones that it lacks, are left out.</summary>
    public IReadOnlyList<KernelModule> Closure(IEnumerable<string> required, IEnumerable<string> optional)
    {
        List<KernelModule> ordered = [];
        HashSet<string> seen = [];
        foreach (string name in required)
            Visit(Normalise(name), ordered, seen);
        foreach (string name in optional.Select(Normalise).Where(_files.ContainsKey))
            Visit(name, ordered, seen);
        return ordered;
    }

    private void Visit(string name, List<KernelModule> ordered, HashSet<string> seen)
    {
        if (!seen.Add(name) || _builtIn.Contains(name))
            return;
        if (!_files.TryGetValue(name, out string? file))
            throw new LabException($"Debian's kernel package has no module {name} (looked in {_folder}); use another kernel with --kernel and --ramdisk.");
        if (!_read.TryGetValue(name, out KernelModule? module))
            _read[name] = module = Read(name, file);
        foreach (string dependency in module.Dependencies)
            Visit(dependency, ordered, seen);
        ordered.Add(module);
    }

    private KernelModule Read(string name, string file)
    {
        byte[] content = Unpack(file);
        string[] dependencies = ModuleInfo(content, "depends").SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(Normalise).ToArray();
        string path = Path.GetRelativePath(_folder, file);
        return new KernelModule(name, path[..(path.LastIndexOf(".ko", StringComparison.Ordinal) + 3)], content, dependencies);
    }

    /// <summary>The values of a key in an ELF64 module's <c>.modinfo</c> section, a run of NUL-ended <c>key=value</c> strings.</summary>
    internal static IEnumerable<string> ModuleInfo(byte[] module, string key)
    {
        if (module.Length < 64 || BinaryPrimitives.ReadUInt32BigEndian(module) != 0x7F454C46)
            throw new LabException("A kernel module is not an ELF file.");
        long table = BinaryPrimitives.ReadInt64LittleEndian(module.AsSpan(0x28));
        int size = BinaryPrimitives.ReadUInt16LittleEndian(module.AsSpan(0x3A));
        int count = BinaryPrimitives.ReadUInt16LittleEndian(module.AsSpan(0x3C));
        int names = BinaryPrimitives.ReadUInt16LittleEndian(module.AsSpan(0x3E));
        (int Offset, int Size) Section(int index)
        {
            ReadOnlySpan<byte> header = module.AsSpan((int)table + (index * size));
            return ((int)BinaryPrimitives.ReadInt64LittleEndian(header[0x18..]), (int)BinaryPrimitives.ReadInt64LittleEndian(header[0x20..]));
        }
        string NameAt(int index)
        {
            int start = Section(names).Offset + BinaryPrimitives.ReadInt32LittleEndian(module.AsSpan((int)table + (index * size)));
            return Encoding.ASCII.GetString(module, start, Array.IndexOf(module, (byte)0, start) - start);
        }
        int index = Enumerable.Range(0, count).FirstOrDefault(candidate => NameAt(candidate) == ".modinfo", -1);
        if (index < 0)
            return [];
        (int offset, int length) = Section(index);
        return Encoding.UTF8.GetString(module, offset, length).Split('\0')
            .Where(entry => entry.StartsWith(key + "=", StringComparison.Ordinal)).Select(entry => entry[(key.Length + 1)..]).ToArray();
    }

    private static byte[] Unpack(string file) => Path.GetExtension(file) switch
    {
        ".ko" => File.ReadAllBytes(file),
        ".xz" => Decompress("xz", file),
        ".zst" => Decompress("zstd", file),
        string other => throw new LabException($"The kernel module {file} is packed in a way ({other}) that the lab does not know."),
    };

    private static byte[] Decompress(string program, string file)
    {
        (int status, byte[] output, string errors) = HostProgram.CaptureBytes(program, ["-dc", file]);
        return status == 0 ? output : throw new LabException($"`{program} -dc {file}` failed: {errors.Trim()}.");
    }

    private static string NameOf(string file)
    {
        string name = Path.GetFileName(file);
        return Normalise(name[..name.IndexOf(".ko", StringComparison.Ordinal)]);
    }

    private static string Normalise(string name) => name.Trim().Replace('-', '_');
}
