// SPDX-License-Identifier: MIT
// Permissions on the wire.

using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

public sealed class PermissionTests
{
    [Fact]
    public void DomainsSeeTheirOwnAndWhatTheyAreGiven() => WireScript.Run("""
        A WRITE /local/domain/1/secret|s = OK
        A SET_PERMS /local/domain/1|n1|r2| = OK
        A GET_PERMS /local/domain/1| = n1|r2|
        1 READ secret| = EACCES
        1 WRITE mine|1 = OK
        1 READ /local/domain/1/mine| = 1
        1 GET_PERMS mine| = n1|r2|
        2 READ /local/domain/1/mine| = 1
        2 WRITE /local/domain/1/mine|2 = EACCES
        2 DIRECTORY /local/domain/1| = mine|secret|
        3 READ /local/domain/1/mine| = EACCES
        3 READ /local/domain/1/none| = EACCES
        2 READ /local/domain/1/none| = ENOENT
        2 RM /local/domain/1/mine| = EACCES
        1 RM mine| = OK
        """);

    [Fact]
    public void AccessOfOthersIsTheOwnersEntry() => WireScript.Run("""
        A WRITE /open|1 = OK
        A SET_PERMS /open|r0|n2|w3| = OK
        1 READ /open| = 1
        2 READ /open| = EACCES
        3 READ /open| = EACCES
        3 WRITE /open|3 = OK
        1 WRITE /open|1 = EACCES
        A READ /open| = 3
        """);

    [Fact]
    public void OnlyOwnersSetAndOnlyPrivilegedGiveAway() => WireScript.Run("""
        A WRITE /n|1 = OK
        A SET_PERMS /n|b1| = OK
        2 READ /n| = 1
        2 SET_PERMS /n|b1|b2| = EACCES
        1 SET_PERMS /n|n1|r2| = OK
        1 SET_PERMS /n|n2| = EPERM
        A SET_PERMS /n|n2| = OK
        1 READ /n| = EACCES
        A SET_PERMS /n|x1| = EINVAL
        A SET_PERMS /n|n| = EINVAL
        A SET_PERMS /n| = EINVAL
        A SET_PERMS /n|n5000| = ENOENT
        A SET_PERMS /n|n1|r5000| = OK
        A GET_PERMS /n| = n1|r5000|
        1 SET_PERMS /n|n1|r2|r3|r4|r5|r6| = ENOSPC
        """);

    [Fact]
    public void ATargetsRightsAreItsServants() => WireScript.Run("""
        A WRITE /local/domain/1/x|1 = OK
        A SET_PERMS /local/domain/1/x|n1| = OK
        1 READ x| = 1
        2 READ /local/domain/1/x| = EACCES
        A SET_TARGET 2|1| = OK
        2 READ /local/domain/1/x| = 1
        2 WRITE /local/domain/1/x|2 = OK
        2 GET_PERMS /local/domain/1/x| = n1|
        A SET_TARGET 2|99| = ENOENT
        """);

    [Fact]
    public void ADomainOfTheSameNumberInheritsNothing() => WireScript.Run("""
        A WRITE /a|1 = OK
        1 READ /a| = EACCES
        A SET_PERMS /a|n0|r1| = OK
        1 READ /a| = 1
        1 WRITE own|x = EACCES
        A WRITE /local/domain/1| = OK
        A SET_PERMS /local/domain/1|n1| = OK
        1 WRITE own|x = OK
        A RELEASE 1| = OK
        A READ /local/domain/1/own| = ENOENT
        A IS_DOMAIN_INTRODUCED 1| = F|
        A INTRODUCE 1|1|1| = OK
        A GET_PERMS /a| = n0|r1|
        1 READ /a| = EACCES
        A WRITE /a|2 = OK
        1 READ /a| = EACCES
        A SET_PERMS /a|n0|r1| = OK
        1 READ /a| = 2
        """);
}
