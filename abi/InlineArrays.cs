// SPDX-License-Identifier: MIT
// Inline arrays of integers, for the arrays inside the structures of this folder.

using System.Runtime.CompilerServices;

namespace XenSharp.Abi;

[InlineArray(2)]
public struct ByteArray2
{
    private byte element;
}

[InlineArray(3)]
public struct ByteArray3
{
    private byte element;
}

[InlineArray(4)]
public struct ByteArray4
{
    private byte element;
}

[InlineArray(6)]
public struct ByteArray6
{
    private byte element;
}

[InlineArray(7)]
public struct ByteArray7
{
    private byte element;
}

[InlineArray(8)]
public struct ByteArray8
{
    private byte element;
}

[InlineArray(12)]
public struct ByteArray12
{
    private byte element;
}

[InlineArray(14)]
public struct ByteArray14
{
    private byte element;
}

[InlineArray(16)]
public struct ByteArray16
{
    private byte element;
}

[InlineArray(28)]
public struct ByteArray28
{
    private byte element;
}

[InlineArray(32)]
public struct ByteArray32
{
    private byte element;
}

[InlineArray(40)]
public struct ByteArray40
{
    private byte element;
}

[InlineArray(44)]
public struct ByteArray44
{
    private byte element;
}

[InlineArray(56)]
public struct ByteArray56
{
    private byte element;
}

[InlineArray(64)]
public struct ByteArray64
{
    private byte element;
}

[InlineArray(80)]
public struct ByteArray80
{
    private byte element;
}

[InlineArray(512)]
public struct ByteArray512
{
    private byte element;
}

[InlineArray(1024)]
public struct ByteArray1024
{
    private byte element;
}

[InlineArray(2048)]
public struct ByteArray2048
{
    private byte element;
}

[InlineArray(2)]
public struct UInt32Array2
{
    private uint element;
}

[InlineArray(3)]
public struct UInt32Array3
{
    private uint element;
}

[InlineArray(4)]
public struct UInt32Array4
{
    private uint element;
}

[InlineArray(6)]
public struct UInt32Array6
{
    private uint element;
}

[InlineArray(7)]
public struct UInt32Array7
{
    private uint element;
}

[InlineArray(8)]
public struct UInt32Array8
{
    private uint element;
}

[InlineArray(9)]
public struct UInt32Array9
{
    private uint element;
}

[InlineArray(16)]
public struct UInt32Array16
{
    private uint element;
}

[InlineArray(2)]
public struct UInt64Array2
{
    private ulong element;
}

[InlineArray(3)]
public struct UInt64Array3
{
    private ulong element;
}

[InlineArray(4)]
public struct UInt64Array4
{
    private ulong element;
}

[InlineArray(5)]
public struct UInt64Array5
{
    private ulong element;
}

[InlineArray(6)]
public struct UInt64Array6
{
    private ulong element;
}

[InlineArray(7)]
public struct UInt64Array7
{
    private ulong element;
}

[InlineArray(8)]
public struct UInt64Array8
{
    private ulong element;
}

[InlineArray(11)]
public struct UInt64Array11
{
    private ulong element;
}

[InlineArray(13)]
public struct UInt64Array13
{
    private ulong element;
}

[InlineArray(15)]
public struct UInt64Array15
{
    private ulong element;
}

[InlineArray(16)]
public struct UInt64Array16
{
    private ulong element;
}

[InlineArray(18)]
public struct UInt64Array18
{
    private ulong element;
}

[InlineArray(25)]
public struct UInt64Array25
{
    private ulong element;
}

[InlineArray(48)]
public struct UInt64Array48
{
    private ulong element;
}

[InlineArray(64)]
public struct UInt64Array64
{
    private ulong element;
}

[InlineArray(84)]
public struct UInt64Array84
{
    private ulong element;
}

[InlineArray(95)]
public struct UInt64Array95
{
    private ulong element;
}

[InlineArray(2)]
public struct UInt16Array2
{
    private ushort element;
}

[InlineArray(3)]
public struct UInt16Array3
{
    private ushort element;
}
