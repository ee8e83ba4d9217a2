// SPDX-License-Identifier: MIT
// xenctx: registers, code and stack of a domain's vCPUs, while it is paused. Options and form of Xen 4.17's tools/xentrace/xenctx.c. Called by InspectionTools.

using System;
using System.IO;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;

namespace XenSharp.Inspection;

internal static class VcpuContextTool
{
    private const int FailedStatus = 255;       // exit(-1)

    public static int Run(string name, string[] arguments, TextWriter output, TextWriter errors)
    {
        VcpuContextOptions options;
        SymbolTable symbols;
        try
        {
            options = VcpuContextOptions.Parse(arguments);
            if (options.IsHelp)
            {
                output.WriteLine(VcpuContextOptions.Usage);
                return FailedStatus;
            }
            symbols = new SymbolTable { KernelStart = options.KernelStart ?? SymbolTable.DefaultKernelStart, IsStartGiven = options.KernelStart is not null };
            if (options.SymbolFile is { } file)
            {
                using StreamReader map = new(file);
                symbols.Read(map);
            }
        }
        catch (FormatException failure)
        {
            errors.WriteLine($"{name}: {failure.Message}\n{name} --help for more options");
            return FailedStatus;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            errors.WriteLine($"failed to open symbol table: {failure.Message}");
            return FailedStatus;
        }

        using Hypervisor hypervisor = Hypervisor.Open();
        try
        {
            hypervisor.PauseDomain(options.Domain);
        }
        catch (HypercallException failure)
        {
            errors.WriteLine($"xc_domain_pause: {Text(failure)}");
            return FailedStatus;
        }
        try
        {
            Print(hypervisor, options, symbols, output, errors);
        }
        finally
        {
            hypervisor.UnpauseDomain(options.Domain);
        }
        return 0;
    }

    private static void Print(Hypervisor hypervisor, VcpuContextOptions options, SymbolTable symbols, TextWriter output, TextWriter errors)
    {
        if (!hypervisor.TryGetDomain(options.Domain, out DomctlGetDomainInfo domain))
            return;
        bool isHvm = (domain.Flags & DomainInfoFlags.HvmGuest) != 0;
        void One(uint vcpu, Action<VcpuContextPrinter> action)
        {
            if (TryOpen(hypervisor, options, symbols, vcpu, isHvm, output, errors) is not { } printer)
                return;
            using (printer)
                action(printer);
        }
        if (options.MemoryAddress is { } memory)
        {
            One(options.Vcpu, printer => printer.PrintMemory(memory));
            if (options.StackAddress is not null || options.ForAllVcpus)
                output.WriteLine();
        }
        if (options.StackAddress is { } stack)
        {
            One(options.Vcpu, printer => printer.PrintStack(stack));
            if (options.ForAllVcpus)
                output.WriteLine();
        }
        if (options is { ForAllVcpus: false, MemoryAddress: null, StackAddress: null })
            One(options.Vcpu, printer => printer.PrintAll());
        for (uint vcpu = 0; options.ForAllVcpus && vcpu <= domain.MaxVcpuId; vcpu++)
        {
            if (hypervisor.GetVcpuInfo(options.Domain, vcpu).Online == 0)
            {
                output.WriteLine($"vcpu{vcpu} offline\n");
                continue;
            }
            output.WriteLine($"vcpu{vcpu}:");
            One(vcpu, printer => printer.PrintAll());
            output.WriteLine();
        }
    }

    private static VcpuContextPrinter? TryOpen(
        Hypervisor hypervisor, VcpuContextOptions options, SymbolTable symbols, uint vcpu, bool isHvm, TextWriter output, TextWriter errors)
    {
        string step = "xc_vcpu_getcontext";
        try
        {
            VcpuGuestContext context = hypervisor.GetVcpuContext(options.Domain, vcpu);
            HvmHwCpu cpu = default;
            step = "xc_domain_hvm_getcontext_partial";
            if (isHvm)
            {
                cpu = hypervisor.GetHvmContext<HvmHwCpu>(options.Domain, (uint)HvmSaveType.Cpu, vcpu);
            }
            else
            {
                // A PV guest is in long mode; its page tables hold machine frames, which are mapped as they are.
                cpu.Cr0 = 0x8000_0001;
                cpu.Cr4 = 0x20;
                cpu.MsrEfer = 0x400;
                cpu.Cr3 = context.ControlRegister[3];
            }
            return new VcpuContextPrinter(options, symbols, context, cpu, frame => hypervisor.MapForeign(options.Domain, [frame], isWritable: false), output, errors);
        }
        catch (HypercallException failure)
        {
            output.Flush();
            errors.WriteLine($"{step}: {Text(failure)}");
            return null;
        }
    }

    private static string Text(HypercallException failure) => Marshal.GetPInvokeErrorMessage((int)failure.Error);
}
