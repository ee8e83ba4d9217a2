// SPDX-License-Identifier: MIT
// The memory-mapped registers of one device. One implementation per port.

namespace XenSharp.Edge;

/// <summary>64-bit registers at offsets that are multiples of 8; an offset beyond the window faults.</summary>
public abstract class RegisterWindow
{
    public abstract ulong Read64(int offset);

    public abstract void Write64(int offset, ulong value);
}
