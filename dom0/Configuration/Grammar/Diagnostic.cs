// SPDX-License-Identifier: MIT
// What a reader of configuration files has to say, and where.
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration;

/// <summary>A place in a file. Lines and columns count from 1; columns count characters. A line of 0 means the file as a whole.</summary>
/// <param name="File">The file's name as it was given, or <see cref="CommandLine"/>.</param>
/// <param name="Line">For the command line, the number of the <c>key=value</c> argument.</param>
/// <param name="Column">0 for the line as a whole.</param>
public readonly record struct SourcePosition(string File, int Line, int Column)
{
    /// <summary>Stands for the file of what was given on the command line.</summary>
    public const string CommandLine = "<command line>";

    /// <summary>A place further right in the same line.</summary>
    public SourcePosition Plus(int columns) => this with { Column = Column + columns };

    public override string ToString() => Line == 0 ? File : Column == 0 ? $"{File}:{Line}" : $"{File}:{Line}:{Column}";
}

/// <summary>How bad it is.</summary>
public enum Severity
{
    /// <summary>The file can be used, and does perhaps not mean what its writer meant. xl, too, goes on here, often without a word.</summary>
    Warning,

    /// <summary>The file is right, but what it asks for does not exist here yet: it can be shown, and no domain can be built from it.</summary>
    Unsupported,

    /// <summary>The file is wrong, and nothing came of reading it.</summary>
    Error,
}

/// <summary>One remark about a configuration.</summary>
public sealed record Diagnostic(Severity Severity, SourcePosition Position, string Message)
{
    /// <summary><c>file:line:column: error: message</c>, as compilers do.</summary>
    public override string ToString() => $"{Position}: {Word}: {Message}";

    private string Word => Severity switch
    {
        Severity.Error => "error",
        Severity.Unsupported => "not supported yet",
        _ => "warning",
    };
}

/// <summary>Collects remarks while a file is read.</summary>
public sealed class Diagnostics
{
    private readonly List<Diagnostic> _items = [];
    private readonly HashSet<(string File, int Line)> _linesWithErrors = [];

    /// <summary>All of them in the order of files and lines.</summary>
    public IReadOnlyList<Diagnostic> Sorted =>
        [.. _items.Distinct().OrderBy(item => item.Position.File == SourcePosition.CommandLine).ThenBy(item => item.Position.Line).ThenBy(item => item.Position.Column)];

    public bool HasErrors => _linesWithErrors.Count > 0;

    /// <summary>Whether something wrong was told of this line already, so that what follows from it is not worth telling.</summary>
    internal bool HasErrorInLine(SourcePosition position) => _linesWithErrors.Contains((position.File, position.Line));

    public void Error(SourcePosition position, string message)
    {
        _items.Add(new(Severity.Error, position, message));
        _linesWithErrors.Add((position.File, position.Line));
    }

    public void Warn(SourcePosition position, string message) => _items.Add(new(Severity.Warning, position, message));
    public void Unsupported(SourcePosition position, string message) => _items.Add(new(Severity.Unsupported, position, message));
}
