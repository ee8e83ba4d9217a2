// SPDX-License-Identifier: MIT
// A vCPU's registers in plain fields. At first: 64-bit kernel code without paging, so that addresses are guest-physical.

using System;
using System.Collections.Generic;

namespace XenSharp.Edge;

public sealed class FakeVcpuContext : VcpuContext
{
    private readonly ulong[] _registers = new ulong[16];

    public List<(int Vector, int ErrorCode)> InjectedExceptions { get; } = [];

    public ulong[] SegmentBases { get; } = new ulong[6];

    public (uint Entry, uint StartInfo)? PvhEntry { get; private set; }

    public byte? StartupVector { get; private set; }

    public override ulong Rax { get => _registers[0]; set => _registers[0] = value; }

    public override ulong Rbx { get => _registers[3]; set => _registers[3] = value; }

    public override ulong Rcx { get => _registers[1]; set => _registers[1] = value; }

    public override ulong Rdx { get => _registers[2]; set => _registers[2] = value; }

    public override ulong Rsi { get => _registers[6]; set => _registers[6] = value; }

    public override ulong Rdi { get => _registers[7]; set => _registers[7] = value; }

    public override ulong R8 { get => _registers[8]; set => _registers[8] = value; }

    public override ulong R9 { get => _registers[9]; set => _registers[9] = value; }

    public override ulong R10 { get => _registers[10]; set => _registers[10] = value; }

    public override ulong GetRegister(int number) => _registers[number];

    public override void SetRegister(int number, ulong value) => _registers[number] = value;

    public override ulong Rip { get; set; }

    public override ulong Rflags { get; set; } = 2;

    public override ulong Cr0 => Control0;

    public override ulong Cr3 => Control3;

    public override ulong Cr4 => Control4;

    public override ulong Efer => ExtendedFeatures;

    public ulong Control0 { get; set; } = 0x11;

    public ulong Control3 { get; set; }

    public ulong Control4 { get; set; }

    public ulong ExtendedFeatures { get; set; }

    public int Privilege { get; set; }

    public bool Long { get; set; } = true;

    public override int PrivilegeLevel => Privilege;

    public override bool Is64Bit => Long;

    public override ulong CodeBase => SegmentBases[1];

    public override ulong SegmentBase(int segment) => SegmentBases[segment];

    public SegmentState[] Segments { get; } = new SegmentState[10];

    /// <summary>What <see cref="LoadSystem"/> was given last; the control registers are those above.</summary>
    public SystemState System { get; set; }

    public byte[] Image { get; } = new byte[3072];

    public override Span<byte> ExtendedImage => Image;

    public override void GetSegment(int segment, out SegmentState state) => state = Segments[segment];

    public override void LoadSegment(int segment, in SegmentState state) => Segments[segment] = state;

    public override void GetSystem(out SystemState state)
    {
        state = System;
        state.Cr0 = Control0;
        state.Cr3 = Control3;
        state.Cr4 = Control4;
        state.Efer = ExtendedFeatures;
    }

    public override void LoadSystem(in SystemState state)
    {
        System = state;
        Control0 = state.Cr0;
        Control3 = state.Cr3;
        Control4 = state.Cr4;
        ExtendedFeatures = state.Efer;
    }

    public override bool StopsForDebugger { get; set; }

    public override void ResetToPvhEntry(uint entry, uint startInfo) => PvhEntry = (entry, startInfo);

    public override void ResetToStartup(byte vector) => StartupVector = vector;

    public override void InjectException(int vector, int errorCode) => InjectedExceptions.Add((vector, errorCode));
}
