// SPDX-License-Identifier: MIT
// Sends back what it gets: the ceiling of what sockets allow here. Runs in a process of its own, started by the benchmark.

using System;
using XenSharp.Interop;

namespace XenSharp.Bench.Xenstore;

internal static class EchoServer
{
    public static int Run(string path)
    {
        int listener = UnixSocket.Listen(path, 512);
        using Epoll epoll = new();
        epoll.Add(listener, EpollFlags.Read, listener);
        EpollEvent[] events = new EpollEvent[128];
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            int count = epoll.Wait(events, -1);
            for (int index = 0; index < count; index++)
            {
                int key = events[index].Key;
                if (key == listener)
                {
                    int client = UnixSocket.Accept(listener);
                    if (client >= 0)
                        epoll.Add(client, EpollFlags.Read, client);
                    continue;
                }
                int received = UnixSocket.Receive(key, buffer);
                if (received > 0)
                    UnixSocket.Send(key, buffer.AsSpan(0, received));
                else if (received == 0)
                    UnixSocket.Close(key);
            }
        }
    }
}
