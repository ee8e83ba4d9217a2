// SPDX-License-Identifier: MIT
// The state on file: generations, each a base (the state at one moment) and a log (what came after). Used by Daemon.
//
// A new generation is begun when the log has grown: its log starts at once, beside the old one's, while its base is written in steps; it counts when the
// base is complete, which its name says. Until then the old generation is whole. When there is no space for a new one, the old one is used on.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class StateFolder : IDisposable
{
    private const string BaseSuffix = ".base";
    private const string LogSuffix = ".log";
    private const string PartSuffix = ".part";
    private const int RecordsPerStep = 256;
    private const int RetryMs = 1000;
    private const int LeftRoom = 512 << 10;

    /// <summary>Records of this kind and above are not the store's.</summary>
    public const byte FirstOwnKind = 200;

    private readonly string _folder;
    private readonly long _mostLog;
    private readonly long _mostFile;
    private readonly bool _isTrial;
    private readonly Action<LogLevel, string> _report;
    private JournalFile? _log;
    private JournalFile? _nextLog;
    private JournalFile? _nextBase;
    private StateSaver? _saver;
    private int _generation;
    private long _baseLength;
    private long _retryAt;
    private bool _hasNoRoom;        // Something was refused for want of space.
    private bool _hasToldOfSpace;
    private bool _isDamaged;        // The log cannot be read to its end; it is kept when a new generation replaces it.

    /// <param name="mostLog">A log longer than this, and than twice its base, is replaced.</param>
    /// <param name="mostFile">What no file may be longer than.</param>
    /// <param name="isTrial">Leave a state that cannot be read where it is.</param>
    public StateFolder(string folder, long mostLog, bool isTrial, Action<LogLevel, string> report, long mostFile = JournalFile.MostBytes)
    {
        _folder = folder;
        _isTrial = isTrial;
        _mostLog = mostLog;
        _mostFile = mostFile;
        _report = report;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        ForgetOtherBoots();
    }

    /// <summary>Whether a daemon that ends now can be followed by one with the same state.</summary>
    public bool IsSafe => _log is { IsFull: false };

    /// <summary>
    /// Whether a change of so many bytes would be safe. Some space is left for what frees some, and some more for what cannot be refused: clients that go,
    /// domains that die, messages that nobody takes.
    /// </summary>
    public bool HasRoom(int bytes, Room room)
    {
        bool hasRoom = _log is not null && _log.HasRoom(bytes + (room == Room.ToGrow ? 2 * LeftRoom : LeftRoom));
        _hasNoRoom |= !hasRoom;
        return hasRoom;
    }

    public bool IsSaving => _saver is not null;

    /// <summary>Whether a new generation should begin.</summary>
    public bool IsDue => _saver is null && (_log is null || _log.IsFull || _hasNoRoom || _log.Length > Math.Max(_mostLog, 2 * _baseLength));

    /// <summary>Gives the daemon's own records for a new generation's log.</summary>
    public Action<RecordSink>? OwnRecords { get; set; }

    public long LogLength => _log?.Length ?? 0;

    public bool HasPending => _log is { HasPending: true };

    public string SlotPath => Path.Combine(_folder, "slots");

    /// <summary>The seed that goes with the state: fingerprints of answers are made with it.</summary>
    public ulong Seed(ulong suggested)
    {
        string path = Path.Combine(_folder, "seed");
        if (File.Exists(path) && ulong.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed))
            return seed;
        File.WriteAllText(path, suggested.ToString(CultureInfo.InvariantCulture));
        return suggested;
    }

    /// <summary>The newest state that can be read, if there is one.</summary>
    /// <param name="makeServer">Makes a server to read into; called again if a generation turns out to be unreadable.</param>
    /// <param name="own">Takes the daemon's own records.</param>
    public XenstoreServer? Restore(Func<XenstoreServer> makeServer, Action<byte[]> own, Dictionary<int, ulong> positions)
    {
        foreach (int generation in Generations().OrderDescending())
        {
            XenstoreServer? server = TryRestore(generation, long.MaxValue, makeServer, own, positions, out long groups, out string? failure);
            if (failure is null)
                return server;
            bool isLog = groups >= 0;
            _report(LogLevel.Error, $"the saved state {generation} cannot be used{(isLog ? $" beyond change {groups} after its base" : "")}: {failure} It is kept as {generation}.bad");
            if (_isTrial)
                return null;
            if (!isLog)
            {
                SetAside(generation);
                continue;
            }
            // What came before the damage is good. The files are left until a new generation has it.
            server = TryRestore(generation, groups, makeServer, own, positions, out _, out failure);
            _log?.Dispose();
            _log = null;
            _isDamaged = failure is null;
            if (_isDamaged)
                return server;
            SetAside(generation);
        }
        return null;
    }

    /// <param name="most">How many groups of the log to read.</param>
    /// <param name="groups">How many of the log were read before a failure; -1 if already the base fails.</param>
    private XenstoreServer? TryRestore(
        int generation, long most, Func<XenstoreServer> makeServer, Action<byte[]> own, Dictionary<int, ulong> positions, out long groups, out string? failure)
    {
        positions.Clear();
        List<byte[]> owned = [];
        groups = -1;
        failure = null;
        XenstoreServer server = makeServer();
        JournalFile? log = null;
        try
        {
            using (JournalFile saved = JournalFile.Open(PathOf(generation, BaseSuffix)))
            {
                saved.Read(Take, (_, _) => { });
                _baseLength = saved.Length;
            }
            groups = 0;
            _generation = generation;
            if (most > 0)
            {
                log = JournalFile.Open(PathOf(generation, LogSuffix), _mostFile);
                log.Read(Take, (slot, position) => positions[slot] = position, most);
            }
            _log = log;
            owned.ForEach(own);
            return server;
        }
        catch (Exception damage) when (damage is InvalidDataException or StateException or IOException)
        {
            groups = log?.GroupsRead ?? groups;
            log?.Dispose();
            failure = damage.Message;
            return null;
        }

        void Take(ReadOnlySpan<byte> record)
        {
            if (record[0] >= FirstOwnKind)
                owned.Add(record.ToArray());
            else
                server.Restore(record);
        }
    }

    /// <summary>Begins a generation and writes all of it.</summary>
    public void SaveNow(XenstoreServer server)
    {
        if (_saver is null)
            Begin(server);
        while (_saver is not null)
            Step();
    }

    public void Record(ReadOnlySpan<byte> record)
    {
        _log?.Add(record);
        _nextLog?.Add(record);
    }

    public void Commit(ReadOnlySpan<(int Slot, ulong Position)> positions)
    {
        _log?.Commit(positions);
        _nextLog?.Commit(positions);
    }

    /// <summary>Does a little of what is due. To be called between requests.</summary>
    public void Turn(XenstoreServer server, long now)
    {
        if (_saver is not null)
            Step();
        else if (IsDue)
            BeginIfTime(server, now);
    }

    public void Dispose()
    {
        Abandon();
        _log?.Dispose();
        _log = null;
    }

    private void BeginIfTime(XenstoreServer server, long now)
    {
        if (now < _retryAt)
            return;
        _retryAt = now + RetryMs;
        Begin(server);
        if (_saver is null)
            NoteNoSpace();
    }

    private void NoteNoSpace()
    {
        if (_hasToldOfSpace || _log is { IsFull: false } && !_hasNoRoom)
            return;
        _hasToldOfSpace = true;
        _report(LogLevel.Error, $"no space for the state in {_folder}: changes are refused with ENOSPC until there is");
    }

    private void Begin(XenstoreServer server)
    {
        int next = _generation + 1;
        try
        {
            _nextLog = JournalFile.Create(PathOf(next, LogSuffix), _mostFile);
            _nextBase = JournalFile.Create(PathOf(next, BaseSuffix + PartSuffix), _mostFile);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or Interop.SystemFailure)
        {
            _report(LogLevel.Error, $"the state cannot be saved: {failure.Message}");
        }
        if (_nextLog is null || _nextBase is null)
        {
            Abandon();
            return;
        }
        _saver = server.Save();
        OwnRecords?.Invoke(_nextLog.Add);
        _nextLog.Commit([]);
    }

    private void Step()
    {
        _saver!.Step(RecordsPerStep, _nextBase!.Add);
        _nextBase.Commit([]);
        if (_nextBase.IsFull || _nextLog!.IsFull)
        {
            Abandon();
            NoteNoSpace();
            return;
        }
        if (!_saver.IsDone)
            return;
        File.Move(PathOf(_generation + 1, BaseSuffix + PartSuffix), PathOf(_generation + 1, BaseSuffix), overwrite: true);
        _baseLength = _nextBase.Length;
        _nextBase.Dispose();
        _nextBase = null;
        _saver.Dispose();
        _saver = null;
        _log?.Dispose();
        _log = _nextLog;
        _nextLog = null;
        _hasNoRoom = _hasToldOfSpace = false;
        if (_isDamaged)
            SetAside(_generation);
        _isDamaged = false;
        File.Delete(PathOf(_generation, BaseSuffix));
        File.Delete(PathOf(_generation, LogSuffix));
        _generation++;
    }

    private void Abandon()
    {
        _saver?.Dispose();
        _saver = null;
        _nextLog?.Dispose();
        _nextLog = null;
        _nextBase?.Dispose();
        _nextBase = null;
        File.Delete(PathOf(_generation + 1, LogSuffix));
        File.Delete(PathOf(_generation + 1, BaseSuffix + PartSuffix));
    }

    /// <summary>A state of before the host's last start is of no use: its domains are gone.</summary>
    private void ForgetOtherBoots()
    {
        const string source = "/proc/sys/kernel/random/boot_id";
        string boot = File.Exists(source) ? File.ReadAllText(source) : "";
        string note = Path.Combine(_folder, "boot");
        if (File.Exists(note) && File.ReadAllText(note) == boot)
            return;
        foreach (string file in Directory.GetFiles(_folder))
            File.Delete(file);
        File.WriteAllText(note, boot);
    }

    private void SetAside(int generation)
    {
        foreach (string suffix in (string[])[BaseSuffix, LogSuffix])
        {
            if (File.Exists(PathOf(generation, suffix)))
                File.Move(PathOf(generation, suffix), PathOf(generation, suffix + ".bad"), overwrite: true);
        }
        _generation = Math.Max(_generation, generation);
    }

    private IEnumerable<int> Generations() =>
        Directory.GetFiles(_folder, "*" + BaseSuffix).Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Select(name => int.Parse(name, CultureInfo.InvariantCulture));

    private string PathOf(int generation, string suffix) => Path.Combine(_folder, generation.ToString(CultureInfo.InvariantCulture) + suffix);
}
