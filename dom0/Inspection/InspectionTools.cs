// SPDX-License-Identifier: MIT
// Entry of the tools of this folder. Called by the multi-call program in ../Tools.

using System;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using XenSharp.Control;

namespace XenSharp.Inspection;

public static class InspectionTools
{
    /// <returns>The exit status.</returns>
    public static async Task<int> RunAsync(string name, string[] arguments)
    {
        // Bytes as they are, and one write for many lines. Writers of our own, closed without await: those of Console, and asynchronous writes, would start threads.
        using StreamWriter output = new(Console.OpenStandardOutput(), Encoding.Latin1, bufferSize: 16 * 1024);
        using StreamWriter errors = new(Console.OpenStandardError(), Encoding.Latin1) { AutoFlush = true };
        try
        {
            return name switch
            {
                "lsevtchn" => EventChannelTool.Run(arguments, output, errors),
                "xen-hvmctx" => HvmContextTool.Run(name, arguments, output, errors),
                "xen-cpuid" => CpuidTool.Run(name, arguments, output, errors),
                "xenhypfs" => HypFsTool.Run(arguments, output, errors),
                "xenctx" => VcpuContextTool.Run(name, arguments, output, errors),
                "xentop" => await TopTool.RunAsync(name, arguments, output, errors),
                _ => throw new ArgumentException(name, nameof(name)),
            };
        }
        catch (HypercallException failure)
        {
            output.Flush();
            errors.WriteLine($"{name}: {failure.Message}");
            return 1;
        }
    }
}
