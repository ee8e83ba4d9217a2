// SPDX-License-Identifier: MIT
// What a daemon that makes room for another program leaves for it: who asked for the update, and with which program. Used by Keeper and Daemon.

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using XenSharp.Abi;

namespace XenSharp.Xenstored;

/// <param name="Failure">Why the update failed; null while that is open.</param>
internal sealed record UpdateFile(ProgramLine Program, int ConnectionId, uint RequestId, uint TransactionId, string? Failure)
{
    private const string Name = "update";

    public void Write(string folder) =>
        File.WriteAllLines(Path.Combine(folder, Name),
        [
            ConnectionId.ToString(CultureInfo.InvariantCulture), RequestId.ToString(CultureInfo.InvariantCulture),
            TransactionId.ToString(CultureInfo.InvariantCulture), Failure ?? "", Program.File, .. Program.Words,
        ]);

    public static UpdateFile? Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!File.Exists(path))
            return null;
        string[] lines = File.ReadAllLines(path);
        bool isWhole = lines.Length >= 5 & int.TryParse(lines.ElementAtOrDefault(0), out int connection)
            & uint.TryParse(lines.ElementAtOrDefault(1), out uint request) & uint.TryParse(lines.ElementAtOrDefault(2), out uint transaction);
        return isWhole ? new UpdateFile(new ProgramLine(lines[4], lines[5..]), connection, request, transaction, lines[3].Length > 0 ? lines[3] : null) : null;
    }

    public static void NoteFailure(string folder, string reason)
    {
        if (Read(folder) is { Failure: null } update)
            (update with { Failure = reason }).Write(folder);
    }

    public static void Delete(string folder) => File.Delete(Path.Combine(folder, Name));

    public XenstoreMessageHeader Request => new() { Type = XenstoreMessageType.Control, RequestId = RequestId, TxId = TransactionId };
}
