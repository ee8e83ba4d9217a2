// SPDX-License-Identifier: MIT
// Where the daemon says what is wrong: the system's log, as RFC 3164 lines to /dev/log, and the terminal when asked for. Used by ConsoledProgram.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;

namespace XenSharp.Consoled;

internal sealed class SystemLog(string program, bool isOnTerminal) : IDisposable
{
    private const int DaemonFacility = 3 << 3, Error = 3;

    private readonly Socket? _socket = Connect();

    public void Report(string text)
    {
        if (isOnTerminal || _socket is null)
        {
            try
            {
                Console.Error.WriteLine($"{program}: {text}");
            }
            catch (IOException)
            {
                // Nobody reads it any more.
            }
        }
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes($"<{DaemonFacility | Error}>{program}[{Environment.ProcessId}]: {text}"));
        }
        catch (SocketException)
        {
            // The log's daemon is being restarted.
        }
    }

    public void Dispose() => _socket?.Dispose();

    private static Socket? Connect()
    {
        if (!File.Exists("/dev/log"))
            return null;
        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint("/dev/log"));
            socket.Blocking = false;
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
