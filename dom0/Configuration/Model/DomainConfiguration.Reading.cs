// SPDX-License-Identifier: MIT
// From a file of xl.cfg(5) to the model: the library's main entries.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Configuration.Reading;

namespace XenSharp.Configuration;

public sealed partial record DomainConfiguration
{
    /// <summary>
    /// Reads the configuration of a domain. Null when it has errors. Remarks come in the order of lines, all of them at once; one of
    /// <see cref="Severity.Unsupported"/> says that no domain can be built from the result yet.
    /// </summary>
    /// <param name="path">The file; <c>/dev/null</c> for none, as in xl.</param>
    /// <param name="overrides">Settings of the command line, <c>name=value</c> in the file's grammar; they count more than the file's.</param>
    /// <param name="context">The host and xl.conf; null for an unknown host and defaults.</param>
    /// <param name="diagnostics">All that is to be said about it.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static DomainConfiguration? Load(string path, IReadOnlyList<string>? overrides, ConfigurationContext? context, out IReadOnlyList<Diagnostic> diagnostics) =>
        Parse(File.ReadAllBytes(path), path, overrides, context, out diagnostics);

    /// <summary>As <see cref="Load"/>, of a file's content.</summary>
    public static DomainConfiguration? Parse(
        ReadOnlySpan<byte> content, string name, IReadOnlyList<string>? overrides, ConfigurationContext? context, out IReadOnlyList<Diagnostic> diagnostics)
    {
        ConfigurationFile file = ConfigurationFile.Parse(content, name, overrides);
        DomainConfiguration configuration = DomainConfigurationReader.Read(file, context ?? new ConfigurationContext());
        diagnostics = file.Diagnostics.Sorted;
        return file.Diagnostics.HasErrors ? null : configuration;
    }

    /// <summary>Whether a domain can be built, going by what was remarked.</summary>
    public static bool CanBeBuilt(IEnumerable<Diagnostic> diagnostics) => diagnostics.All(remark => remark.Severity == Severity.Warning);
}
