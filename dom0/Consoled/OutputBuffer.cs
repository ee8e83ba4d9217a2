// SPDX-License-Identifier: MIT
// What a guest has written and no reader has taken yet. Limits and what is discarded are those of Xen 4.17's xenconsoled. Used by GuestConsole.

using System;

namespace XenSharp.Consoled;

internal sealed class OutputBuffer
{
    private byte[] _data = [];
    private int _start;
    private int _end;

    /// <summary>The node `limit` of the console; without it no more than libxl's own limit.</summary>
    public int Limit { get; set; } = DefaultLimit;

    public const int DefaultLimit = 1048576;

    public bool IsEmpty => _start == _end;

    public int Waiting => _end - _start;

    /// <summary>Where nothing may be lost: whether more may be taken from the guest.</summary>
    public bool HasRoom => _end < Limit;

    public ReadOnlySpan<byte> Next => _data.AsSpan(_start, _end - _start);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_data.Length - _end < bytes.Length)
            Array.Resize(ref _data, Math.Max(_end + bytes.Length + 1024, Math.Min(2 * _end, Limit + (Limit / 4))));
        bytes.CopyTo(_data.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>
    /// Above five quarters of the limit: forgets what readers have had, or else the middle, so that the oldest half of the limit and the newest bytes stay.
    /// </summary>
    public void Trim()
    {
        if (_end <= Limit + (Limit / 4))
            return;
        if (_start > Limit / 4)
        {
            _data.AsSpan(_start, _end - _start).CopyTo(_data);
            _end -= _start;
            _start = 0;
            return;
        }
        int newest = _end - Limit;
        _data.AsSpan(Limit, newest).CopyTo(_data.AsSpan(Limit / 2));
        _end = (Limit / 2) + newest;
    }

    public void Advance(int count)
    {
        _start += count;
        if (_start < _end)
            return;
        _start = _end = 0;
        if (_data.Length > Math.Min(Limit, IdleSize))
            _data = [];
    }

    /// <summary>An empty buffer keeps no more memory than that.</summary>
    private const int IdleSize = 4096;
}
