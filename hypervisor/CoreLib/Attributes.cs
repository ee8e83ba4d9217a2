// SPDX-License-Identifier: MIT
// Attributes that the compilers look up by name.

namespace System
{
    public abstract class Attribute { }

    [Flags]
    public enum AttributeTargets { Assembly = 1, Module = 2, Class = 4, Struct = 8, Enum = 16, Constructor = 32, Method = 64, Property = 128, Field = 256, Interface = 1024, Parameter = 2048, All = 32767 }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AttributeUsageAttribute(AttributeTargets validOn) : Attribute
    {
        public AttributeTargets ValidOn { get; } = validOn;

        public bool AllowMultiple { get; set; }

        public bool Inherited { get; set; }
    }

    public sealed class FlagsAttribute : Attribute { }

    public sealed class ParamArrayAttribute : Attribute { }

    public sealed class ObsoleteAttribute : Attribute
    {
        public ObsoleteAttribute() { }

        public ObsoleteAttribute(string message) { }

        public ObsoleteAttribute(string message, bool error) { }
    }
}

namespace System.Runtime
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class RuntimeExportAttribute(string entryPoint) : Attribute
    {
        public string EntryPoint { get; } = entryPoint;
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class RuntimeImportAttribute(string dllName, string entryPoint) : Attribute
    {
        public string DllName { get; } = dllName;

        public string EntryPoint { get; } = entryPoint;
    }
}

namespace System.Runtime.CompilerServices
{
    public sealed class IntrinsicAttribute : Attribute { }

    public sealed class IsReadOnlyAttribute : Attribute { }

    public sealed class IsByRefLikeAttribute : Attribute { }

    public sealed class RequiresLocationAttribute : Attribute { }

    public sealed class ScopedRefAttribute : Attribute { }

    public sealed class ExtensionAttribute : Attribute { }

    public sealed class CompilerGeneratedAttribute : Attribute { }

    public sealed class SkipLocalsInitAttribute : Attribute { }

    public sealed class IsVolatile { }

    public sealed class IsUnmanagedAttribute : Attribute { }

    public sealed class UnscopedRefAttribute : Attribute { }

    public sealed class ParamCollectionAttribute : Attribute { }

    public sealed class IndexerNameAttribute(string name) : Attribute
    {
        public string Name { get; } = name;
    }

    [AttributeUsage(AttributeTargets.All)]
    public sealed class TupleElementNamesAttribute(string[] names) : Attribute
    {
        public string[] Names { get; } = names;
    }

    [AttributeUsage(AttributeTargets.Struct)]
    public sealed class InlineArrayAttribute(int length) : Attribute
    {
        public int Length { get; } = length;
    }

    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    public sealed class InternalsVisibleToAttribute(string name) : Attribute
    {
        public string Name { get; } = name;
    }

    public enum MethodImplOptions { NoInlining = 8, AggressiveInlining = 256, AggressiveOptimization = 512, InternalCall = 4096 }

    [AttributeUsage(AttributeTargets.Method | AttributeTargets.Constructor | AttributeTargets.Property)]
    public sealed class MethodImplAttribute(MethodImplOptions options) : Attribute
    {
        public MethodImplOptions Value { get; } = options;
    }

    public sealed class UnsafeValueTypeAttribute : Attribute { }

    public sealed class FixedBufferAttribute(Type type, int length) : Attribute
    {
        public Type ElementType { get; } = type;

        public int Length { get; } = length;
    }

    public sealed class CompilerFeatureRequiredAttribute(string feature) : Attribute
    {
        public string Feature { get; } = feature;
    }

    public static class RuntimeFeature
    {
        public const string ByRefFields = nameof(ByRefFields);
        public const string UnmanagedSignatureCallingConvention = nameof(UnmanagedSignatureCallingConvention);
        public const string VirtualStaticsInInterfaces = nameof(VirtualStaticsInInterfaces);
        public const string ByRefLikeGenerics = nameof(ByRefLikeGenerics);
        public const string DefaultImplementationsOfInterfaces = nameof(DefaultImplementationsOfInterfaces);
        public const string NumericIntPtr = nameof(NumericIntPtr);
    }
}

namespace System.Runtime.InteropServices
{
    public enum LayoutKind { Sequential = 0, Explicit = 2, Auto = 3 }

    [AttributeUsage(AttributeTargets.Struct | AttributeTargets.Class)]
    public sealed class StructLayoutAttribute(LayoutKind kind) : Attribute
    {
        public LayoutKind Value { get; } = kind;

        public int Pack;
        public int Size;
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class FieldOffsetAttribute(int offset) : Attribute
    {
        public int Value { get; } = offset;
    }

    public enum UnmanagedType { }

    public sealed class InAttribute : Attribute { }

    public sealed class OutAttribute : Attribute { }
}

namespace System.Diagnostics.CodeAnalysis
{
    public sealed class UnscopedRefAttribute : Attribute { }

    public sealed class NotNullWhenAttribute(bool returnValue) : Attribute
    {
        public bool ReturnValue { get; } = returnValue;
    }

    public sealed class MaybeNullWhenAttribute(bool returnValue) : Attribute
    {
        public bool ReturnValue { get; } = returnValue;
    }

    public sealed class DoesNotReturnAttribute : Attribute { }

    public sealed class NotNullAttribute : Attribute { }

    public sealed class SetsRequiredMembersAttribute : Attribute { }
}

namespace System.Reflection
{
    public sealed class DefaultMemberAttribute(string name) : Attribute
    {
        public string Name { get; } = name;
    }
}

namespace System.Runtime.CompilerServices
{
    /// <summary>Makes `init` accessors possible.</summary>
    public static class IsExternalInit { }
}
