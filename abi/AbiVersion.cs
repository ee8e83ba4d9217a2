// SPDX-License-Identifier: MIT
// Which contract this assembly describes.

namespace XenSharp.Abi;

/// <summary>The version of Xen whose guest interface is implemented.</summary>
public static class AbiVersion
{
    public const uint Major = 4;
    public const uint Minor = 17;
}
