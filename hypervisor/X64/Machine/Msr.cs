// SPDX-License-Identifier: MIT
// Model-specific registers that the port itself uses (AMD APM vol. 2, appendix A).

namespace XenSharp.X64.Machine;

internal static class Msr
{
    public const uint ApicBase = 0x1b;
    public const uint PatchLevel = 0x8b;
    public const uint Pat = 0x277;
    public const uint Efer = 0xc000_0080;
    public const uint FsBase = 0xc000_0100;
    public const uint GsBase = 0xc000_0101;
    public const uint KernelGsBase = 0xc000_0102;
    public const uint TscAux = 0xc000_0103;
    public const uint VmCr = 0xc001_0114;
    public const uint VmHsavePa = 0xc001_0117;

    public const ulong EferSyscall = 1, EferLongModeEnable = 1 << 8, EferLongModeActive = 1 << 10, EferNoExecute = 1 << 11, EferSvm = 1 << 12;
}
