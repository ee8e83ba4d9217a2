// SPDX-License-Identifier: MIT
// Strings exist only as literals that ilc places into the image.

using System.Runtime.CompilerServices;

namespace System;

public sealed class String
{
    // Names are a contract with ilc.
    private readonly int _stringLength;
    private char _firstChar;

    public int Length
    {
        [Intrinsic]
        get => _stringLength;
    }

    [IndexerName("Chars")]
    public char this[int index]
    {
        [Intrinsic]
        get
        {
            if ((uint)index >= (uint)_stringLength)
                Internal.Runtime.CompilerHelpers.ThrowHelpers.ThrowIndexOutOfRangeException();
            return Unsafe.Add(ref _firstChar, index);
        }
    }
}
