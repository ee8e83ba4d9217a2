// SPDX-License-Identifier: MIT
// Debian's two daemons, started by eng/xenstore-oracles.sh for as long as the tests of a class run.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class Oracles : IDisposable
{
    private readonly Process _script;
    private readonly Dictionary<string, string> _values = [];

    public Oracles()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "XenSharp.slnx")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("The tests do not run in the repository.");
        ProcessStartInfo start = new("bash", [Path.Combine(root, "eng/xenstore-oracles.sh"), "sh", "-c", "env | grep ^XENSTORE_; echo READY; cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _script = Process.Start(start)!;
        while (_script.StandardOutput.ReadLine() is { } line && line != "READY")
        {
            string[] parts = line.Split('=', 2);
            _values[parts[0]] = parts[1];
        }
        if (!_values.ContainsKey("XENSTORE_C"))
            throw new InvalidOperationException("Debian's daemons do not start.");
    }

    public string C => _values["XENSTORE_C"];

    public string OCaml => _values["XENSTORE_OCAML"];

    /// <summary>Runs one of Debian's programs; gives its status, output and errors as one text.</summary>
    public string RunClient(string socket, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(Path.Combine(_values["XENSTORE_CLIENTS"], program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XENSTORED_PATH"] = socket;
        return Run(start);
    }

    /// <summary>Runs xen-utils' test-xenstore.</summary>
    public string RunTestProgram(string socket, params string[] arguments)
    {
        ProcessStartInfo start = new(Path.Combine(_values["XENSTORE_TOOLS"], "test-xenstore"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XENSTORED_PATH"] = socket;
        start.Environment["LD_LIBRARY_PATH"] = _values["XENSTORE_LIBRARIES"];
        return Run(start);
    }

    public static string Run(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return $"{process.ExitCode}\n{output}{errors.Result}";
    }

    public void Dispose()
    {
        _script.StandardInput.Close();
        _script.WaitForExit();
        _script.Dispose();
    }
}
