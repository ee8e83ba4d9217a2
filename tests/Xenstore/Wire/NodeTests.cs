// SPDX-License-Identifier: MIT
// Requests about nodes, on the wire. Expected answers are those of Xen 4.17's xenstored.

using System.Linq;
using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

public sealed class NodeTests
{
    [Fact]
    public void WhatIsWrittenIsRead() => WireScript.Run("""
        A READ /a/b| = ENOENT
        A WRITE /a/b|one = OK
        A READ /a/b| = one
        A READ /a| = -
        A WRITE /a/b| = OK
        A READ /a/b| = -
        A WRITE /a/b|x|y = OK
        A READ /a/b| = x|y
        A DIRECTORY /| = a|tool|
        A DIRECTORY /a| = b|
        A DIRECTORY /a/b| = -
        """);

    [Fact]
    public void MkdirKeepsAndMakesParents() => WireScript.Run("""
        A MKDIR /p/q/r| = OK
        A WRITE /p/q|v = OK
        A MKDIR /p/q| = OK
        A READ /p/q| = v
        A DIRECTORY /p| = q|
        """);

    [Fact]
    public void RmTakesTheSubtree() => WireScript.Run("""
        A WRITE /a/b/c|1 = OK
        A WRITE /a/d|2 = OK
        A RM /a/b| = OK
        A READ /a/b/c| = ENOENT
        A DIRECTORY /a| = d|
        A RM /a/b| = OK
        A RM /a/x/y| = ENOENT
        A RM /| = EINVAL
        """);

    [Fact]
    public void BadPathsAreRefused() => WireScript.Run("""
        A READ /a/| = EINVAL
        A READ //a| = EINVAL
        A READ /a//b| = EINVAL
        A READ /a.b| = EINVAL
        A READ | = EINVAL
        A READ /a = EINVAL
        A READ /tool|/tool| = EINVAL
        A WRITE @x|1 = EINVAL
        A READ tool = EINVAL
        A WRITE rel/x|1 = OK
        A READ /local/domain/0/rel/x| = 1
        A WRITE - = EINVAL
        """);

    [Fact]
    public void LongPathsAndValues()
    {
        string longest = "/" + new string('x', 2047);
        WireScript.Run($"""
            A WRITE {longest}|1 = OK
            A WRITE {longest}y|1 = EINVAL
            A WRITE /local/domain/7{longest}|1 = OK
            A READ /local/domain/7{longest}| = 1
            A WRITE /v|{new string('v', 4090)} = OK
            A READ /v| = {new string('v', 4090)}
            """);
    }

    [Fact]
    public void DirectoriesTooLongForOneMessageComeInParts()
    {
        TestWorld world = new();
        XenSharp.Xenstore.Protocol.Connection socket = world.Socket();
        string[] names = Enumerable.Range(0, 2000).Select(index => $"child-{index:D6}").ToArray();
        foreach (string name in names)
            Assert.Equal("OK|", world.Ask(socket, Abi.XenstoreMessageType.Write, $"/d/{name}|"));
        Assert.Equal("E2BIG", world.Ask(socket, Abi.XenstoreMessageType.Directory, "/d|"));
        string list = "";
        string? generation = null;
        while (true)
        {
            string part = world.Ask(socket, Abi.XenstoreMessageType.DirectoryPart, $"/d|{list.Length}|");
            int end = part.IndexOf('|');
            generation ??= part[..end];
            Assert.Equal(generation, part[..end]);
            Assert.True(part.Length <= 4096);
            bool isLast = part.EndsWith("||", System.StringComparison.Ordinal) || part.Length == end + 2;
            list += isLast ? part[(end + 1)..^1] : part[(end + 1)..];
            if (isLast)
                break;
        }
        Assert.Equal(names, list.Split('|', System.StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal($"{generation}||", world.Ask(socket, Abi.XenstoreMessageType.DirectoryPart, "/d|999999|"));
    }

    [Fact]
    public void UnknownAndForbiddenTypes() => WireScript.Run("""
        A 20 | = ENOSYS
        A 23 | = ENOSYS
        A 15 /a|t| = ENOSYS
        A 16 EINVAL| = ENOSYS
        A 65535 | = ENOSYS
        3 INTRODUCE 4|1|1| = EACCES
        3 CONTROL help| = EACCES
        3 RELEASE 3| = EACCES
        3 SET_TARGET 3|0| = EACCES
        3 GET_DOMAIN_PATH 9| = /local/domain/9|
        3 IS_DOMAIN_INTRODUCED 3| = EACCES
        """);
}
