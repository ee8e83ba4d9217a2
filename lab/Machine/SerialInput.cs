// SPDX-License-Identifier: MIT
// Sends to a serial line no faster than a hypervisor takes it. Owned by QemuMachine.

using System;
using System.Collections.Concurrent;
using System.IO;
using System.Threading;

namespace XenSharp.Lab.Machine;

/// <summary>
/// Xen's receive ring holds 32 characters and its ring for dom0 128, without flow control: more than about 16 characters in 30 ms are lost when the
/// machine is slow. A thread of its own keeps that pace, so that no caller waits.
/// </summary>
internal sealed class SerialInput : IDisposable
{
    private const int PieceLength = 16;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(30);

    private readonly Stream _stream;
    private readonly BlockingCollection<byte[]> _pieces = [];

    public SerialInput(Stream stream)
    {
        _stream = stream;
        new Thread(Run) { IsBackground = true, Name = "QEMU input" }.Start();
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && !_pieces.IsAddingCompleted)
        {
            int length = Math.Min(PieceLength, bytes.Length);
            _pieces.Add(bytes[..length].ToArray());
            bytes = bytes[length..];
        }
    }

    public void Dispose() => _pieces.CompleteAdding();

    private void Run()
    {
        foreach (byte[] piece in _pieces.GetConsumingEnumerable())
        {
            try
            {
                _stream.Write(piece);
                _stream.Flush();
            }
            catch (IOException)
            {
                return;    // QEMU has ended; nobody reads any more.
            }
            Thread.Sleep(s_pause);
        }
    }
}
