// SPDX-License-Identifier: MIT
// Transactions on the wire: isolation, and each line of the conflict rule's examples.

using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

public sealed class TransactionTests
{
    [Fact]
    public void ChangesShowAfterTheCommit() => WireScript.Run("""
        A WRITE /x|1 = OK
        A TRANSACTION_START | = t
        A:t WRITE /x|2 = OK
        A:t WRITE /y/z|3 = OK
        A:t READ /x| = 2
        A READ /x| = 1
        A READ /y/z| = ENOENT
        A:t TRANSACTION_END T| = OK
        A READ /x| = 2
        A READ /y/z| = 3
        A:t READ /x| = ENOENT
        A TRANSACTION_START | = u
        A:u RM /y| = OK
        A:u DIRECTORY /| = tool|x|
        A:u TRANSACTION_END F| = OK
        A READ /y/z| = 3
        """);

    [Fact]
    public void TheTreeStandsStill() => WireScript.Run("""
        A WRITE /x|1 = OK
        A TRANSACTION_START | = t
        A WRITE /x|2 = OK
        A RM /tool| = OK
        A:t READ /x| = 1
        A:t DIRECTORY /tool| = xenstored|
        A:t TRANSACTION_END T| = EAGAIN
        """);

    [Theory]
    [InlineData("A:t READ /x| = 1\nA:t WRITE /y|1 = OK\nA WRITE /x|2 = OK", "EAGAIN")]
    [InlineData("A:t READ /x| = 1\nA:t WRITE /y|1 = OK\nA WRITE /z|2 = OK", "OK")]
    [InlineData("A:t WRITE /d/a|1 = OK\nA WRITE /d/b|1 = OK", "OK")]
    [InlineData("A:t DIRECTORY /d| = -\nA WRITE /d/b|1 = OK", "EAGAIN")]
    [InlineData("A:t WRITE /x|5 = OK\nA WRITE /x|6 = OK", "OK")]
    [InlineData("A:t READ /x| = 1\nA:t WRITE /x|2 = OK\nA WRITE /x|3 = OK", "EAGAIN")]
    [InlineData("A:t READ /n| = ENOENT\nA:t WRITE /n|2 = OK\nA WRITE /n|3 = OK", "EAGAIN")]
    [InlineData("A:t READ /x| = 1\nA WRITE /x|2 = OK\nA WRITE /x|1 = OK", "OK")]
    [InlineData("A:t WRITE /d/a|1 = OK\nA RM /d| = OK", "OK")]
    [InlineData("A:t GET_PERMS /x| = n0|\nA SET_PERMS /x|r0| = OK", "EAGAIN")]
    [InlineData("A:t RM /x| = OK\nA WRITE /x/sub|1 = OK", "OK")]
    [InlineData("A:t READ /d| = -\nA WRITE /d/b|1 = OK", "OK")]
    public void Conflicts(string during, string end) => WireScript.Run($"""
        A WRITE /x|1 = OK
        A MKDIR /d| = OK
        A TRANSACTION_START | = t
        {during}
        A:t TRANSACTION_END T| = {end}
        A CONTROL check| = OK
        """);

    [Fact]
    public void DifferentSubtreesDoNotConflict() => WireScript.Run("""
        A TRANSACTION_START | = t
        B TRANSACTION_START | = u
        A:t WRITE /one/a|1 = OK
        B:u WRITE /two/b|2 = OK
        A:t READ /one/a| = 1
        B:u READ /two/b| = 2
        B:u TRANSACTION_END T| = OK
        A:t TRANSACTION_END T| = OK
        A READ /one/a| = 1
        A READ /two/b| = 2
        """);

    [Fact]
    public void WrongUses() => WireScript.Run("""
        A TRANSACTION_START | = t
        A:t TRANSACTION_START | = EBUSY
        A:99 READ /tool| = ENOENT
        A TRANSACTION_END T| = ENOENT
        A:t TRANSACTION_END X| = EINVAL
        B:t READ /tool| = ENOENT
        A:t TRANSACTION_END F| = OK
        A:t TRANSACTION_END T| = ENOENT
        A:77 WATCH /tool|w| = OK
        """);

    [Fact]
    public void EventsComeOnceAndAfterTheCommit() => WireScript.Run("""
        A WATCH /a|w| = OK
        A ! /a|w|
        B TRANSACTION_START | = t
        B:t WRITE /a/b|1 = OK
        B:t WRITE /a/b|2 = OK
        B:t MKDIR /a/c| = OK
        A !
        B:t TRANSACTION_END T| = OK
        A ! /a/b|w| /a/c|w|
        B TRANSACTION_START | = u
        B:u WRITE /a/b|3 = OK
        B:u TRANSACTION_END F| = OK
        A !
        """);
}
