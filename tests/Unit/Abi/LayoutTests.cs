// SPDX-License-Identifier: MIT
// Compares the layout of every structure and the value of every constant in abi/ with what gcc says about Xen's own
// headers: layout.golden beside this file, written by eng/abi-layout.sh.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using XenSharp.Abi;
using Xunit;

namespace XenSharp.Tests.Unit.Abi;

public sealed class LayoutTests
{
    private static readonly Assembly AbiAssembly = typeof(SharedInfo).Assembly;

    /// <summary>Types without a C counterpart of their own: arrays inside structures.</summary>
    private static bool IsInlineArray(Type type) => type.GetCustomAttribute<InlineArrayAttribute>() is not null;

    [Fact]
    public void EveryGoldenLineHolds()
    {
        var wrong = new List<string>();
        int lines = 0;
        foreach (string line in GoldenLines())
        {
            lines++;
            string[] part = line.Split(' ');
            string? problem = part[0] switch
            {
                "type" => CheckSize(part[1], int.Parse(part[2], CultureInfo.InvariantCulture)),
                "total" => CheckConstant(part[1] + ".TotalSize", ulong.Parse(part[2], CultureInfo.InvariantCulture)),
                "field" => CheckField(part[1], int.Parse(part[2], CultureInfo.InvariantCulture), int.Parse(part[3], CultureInfo.InvariantCulture)),
                "const" => CheckConstant(part[1], ulong.Parse(part[2], CultureInfo.InvariantCulture)),
                _ => "unknown kind of line",
            };
            if (problem is not null)
            {
                wrong.Add(line + ": " + problem);
            }
        }

        Assert.True(lines > 3000, "layout.golden is incomplete");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void EveryStructureFieldAndMemberIsInGolden()
    {
        var golden = new HashSet<string>();
        foreach (string line in GoldenLines())
        {
            golden.Add(line.Split(' ')[1]);
        }

        var missing = new List<string>();
        foreach (Type type in AbiTypes())
        {
            if (IsInlineArray(type) || type == typeof(AbiVersion))
            {
                continue;
            }

            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                bool known = golden.Contains(type.Name + "." + field.Name)
                    || field.IsSpecialName
                    || field.Name.StartsWith("Padding", StringComparison.Ordinal)
                    || field.Name.StartsWith("Bits", StringComparison.Ordinal)
                    || field.Name is "TotalSize" or "ArgumentOffset" or "ArgumentSize" or "EventAndFlags" or "StateAndFlags"
                    || (type.GetField("U") == field && golden.Contains(type.Name));
                if (!known)
                {
                    missing.Add(type.Name + "." + field.Name);
                }
            }
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    /// <summary>No hidden padding: the fields of a structure cover it, so that copying it out leaks nothing.</summary>
    [Fact]
    public void FieldsCoverTheirStructure()
    {
        var holes = new List<string>();
        foreach (Type type in AbiTypes())
        {
            if (!type.IsValueType || type.IsEnum || IsInlineArray(type))
            {
                continue;
            }

            int covered = 0;
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
            {
                covered += SizeOf(field.FieldType);
            }

            if (covered != SizeOf(type))
            {
                holes.Add($"{type.Name}: {covered} of {SizeOf(type)} bytes are fields");
            }
        }

        Assert.True(holes.Count == 0, string.Join('\n', holes));
    }

    private static IEnumerable<string> GoldenLines()
    {
        using Stream stream = typeof(LayoutTests).Assembly.GetManifestResourceStream("Abi.layout.golden")
            ?? throw new InvalidOperationException("layout.golden is not embedded in the test assembly");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                yield return line;
            }
        }
    }

    private static IEnumerable<Type> AbiTypes()
    {
        foreach (Type type in AbiAssembly.GetTypes())
        {
            if (type.Namespace == "XenSharp.Abi" && type.IsPublic)
            {
                yield return type;
            }
        }
    }

    private static string? CheckSize(string typeName, int expected)
    {
        if (FindType(typeName) is not { } type)
        {
            return "no such type";
        }

        int actual = SizeOf(type);
        return actual == expected ? null : $"size is {actual}";
    }

    private static string? CheckField(string path, int expectedOffset, int expectedSize)
    {
        int dot = path.IndexOf('.');
        if (FindType(path[..dot]) is not { } type)
        {
            return "no such type";
        }

        if (type.GetField(path[(dot + 1)..], BindingFlags.Public | BindingFlags.Instance) is not { } field)
        {
            return "no such field";
        }

        int offset = OffsetOf(type, field);
        int size = SizeOf(field.FieldType);
        return offset == expectedOffset && size == expectedSize ? null : $"offset is {offset}, size {size}";
    }

    private static string? CheckConstant(string path, ulong expected)
    {
        int dot = path.IndexOf('.');
        if (FindType(path[..dot]) is not { } type)
        {
            return "no such type";
        }

        if (type.GetField(path[(dot + 1)..], BindingFlags.Public | BindingFlags.Static) is not { } field)
        {
            return "no such constant";
        }

        object value = field.GetRawConstantValue()!;
        ulong actual = value is ulong wide ? wide : unchecked((ulong)Convert.ToInt64(value, CultureInfo.InvariantCulture));
        return actual == expected ? null : $"value is {actual}";
    }

    private static Type? FindType(string name) => AbiAssembly.GetType("XenSharp.Abi." + name);

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>The offset that the runtime gave the field: its address minus that of its structure.</summary>
    private static int OffsetOf(Type type, FieldInfo field)
    {
        var method = new DynamicMethod("OffsetOf" + type.Name + field.Name, typeof(int), null, typeof(LayoutTests).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        LocalBuilder local = code.DeclareLocal(type);
        code.Emit(OpCodes.Ldloca, local);
        code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Ldloca, local);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Conv_I4);
        code.Emit(OpCodes.Ret);
        return (int)method.Invoke(null, null)!;
    }
}
