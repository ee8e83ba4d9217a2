// SPDX-License-Identifier: MIT
// A domain that makes hypercalls through its registers, as a guest does.

using System;
using System.Text;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;

namespace XenSharp.Tests.Unit.Hypercalls;

internal static class HypercallGuest
{
    public const ulong Memory = 12, Multicall = 13, Version = 17, Console = 18, Grants = 20, Assist = 21, Physdev = 33, Hvm = 34, Sysctl = 35,
        Domctl = 36, HypFs = 42;

    public const long Perm = -1, NoEntry = -2, NoProcess = -3, TooBig = -7, NoMemory = -12, Access = -13, Fault = -14, Exists = -17, Invalid = -22,
        NoSystem = -38, NotSupported = -95, NoBuffers = -105;

    /// <summary>An address that no test domain has memory at.</summary>
    public const ulong Unmapped = 0x0f00_0000;

    /// <summary>Makes the call by registers; rounds counts how often the guest executed the instruction.</summary>
    public static long Hypercall(this TestDomain domain, out int rounds, ulong number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0)
    {
        FakeVcpuContext context = domain.Context();
        context.Rax = number;
        context.Rdi = first;
        context.Rsi = second;
        context.Rdx = third;
        context.R10 = fourth;
        context.R8 = fifth;
        for (rounds = 1; HypercallTable.Dispatch(domain.Vcpu()); rounds++)
        {
            if (rounds > 100_000)
                throw new InvalidOperationException("the hypercall never ends");
        }

        return (long)context.Rax;
    }

    public static long Hypercall(this TestDomain domain, ulong number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0) =>
        domain.Hypercall(out _, number, first, second, third, fourth, fifth);

    /// <summary>The same from 32-bit code, which has its arguments in other registers.</summary>
    public static int NarrowHypercall(this TestDomain domain, out int rounds, ulong number, uint first = 0, uint second = 0, uint third = 0, uint fourth = 0)
    {
        FakeVcpuContext context = domain.Context();
        (context.Long, context.Rax, context.Rbx, context.Rcx, context.Rdx, context.Rsi, context.Rdi) = (false, number, first, second, third, fourth, 0);
        for (rounds = 1; HypercallTable.Dispatch(domain.Vcpu()); rounds++)
        {
            if (rounds > 100_000)
                throw new InvalidOperationException("the hypercall never ends");
        }

        return (int)context.Rax;
    }

    public static int NarrowHypercall(this TestDomain domain, ulong number, uint first = 0, uint second = 0, uint third = 0, uint fourth = 0) =>
        domain.NarrowHypercall(out _, number, first, second, third, fourth);

    public static void WriteHalves(this TestDomain domain, ulong address, params uint[] words)
    {
        for (int i = 0; i < words.Length; i++)
            domain.Write(address + ((ulong)i * 4), words[i]);
    }

    public static string Text(this TestDomain domain, ulong address, int length) =>
        Encoding.ASCII.GetString(domain.Page(address >> 12).Slice((int)(address & 0xfff), length)).TrimEnd('\0');

    public static void WriteWords(this TestDomain domain, ulong address, params ulong[] words)
    {
        for (int i = 0; i < words.Length; i++)
            domain.Write(address + ((ulong)i * 8), words[i]);
    }
}
