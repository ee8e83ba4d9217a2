// SPDX-License-Identifier: MIT
// Watches on the wire.

using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

public sealed class WatchTests
{
    [Fact]
    public void EventsNameWhatChanged() => WireScript.Run("""
        A WATCH /a|w| = OK
        A ! /a|w|
        B WRITE /a/b|1 = OK
        A ! /a/b|w|
        B WRITE /ab|1 = OK
        A !
        B MKDIR /a/c| = OK
        B MKDIR /a/c| = OK
        B SET_PERMS /a/c|r0| = OK
        A ! /a/c|w|
        B RM /a/c| = OK
        B RM /a| = OK
        A ! /a/c|w| /a|w|
        A UNWATCH /a|w| = OK
        A UNWATCH /a|w| = ENOENT
        B WRITE /a|1 = OK
        A !
        """);

    [Fact]
    public void RemovalOfAParentNamesTheWatch() => WireScript.Run("""
        A WRITE /a/b/c|1 = OK
        A WATCH /a/b|w| = OK
        A WATCH /a/b/c|v| = OK
        A WATCH /a/b/none|u| = OK
        A ! /a/b|w| /a/b/c|v| /a/b/none|u|
        B RM /a| = OK
        A ! /a/b/c|v| /a/b|w|
        """);

    [Fact]
    public void RelativeWatchesGetRelativeEvents() => WireScript.Run("""
        A WRITE /local/domain/1|h = OK
        A SET_PERMS /local/domain/1|b1| = OK
        1 WATCH device|t| = OK
        1 ! device|t|
        A WRITE /local/domain/1/device/vif|0 = OK
        1 ! device/vif|t|
        1 UNWATCH device|t| = OK
        """);

    [Fact]
    public void DuplicatesAndLimits() => WireScript.Run("""
        A WATCH /a|w| = OK
        A WATCH /a|w| = EEXIST
        A WATCH /a|w2| = OK
        A WATCH /a = EINVAL
        A WATCH /a| = EINVAL
        A WATCH a/|w| = EINVAL
        A WATCH @any|w| = OK
        A ! /a|w| /a|w2| @any|w|
        A RESET_WATCHES | = OK
        A WRITE /a|1 = OK
        A !
        """);

    [Fact]
    public void DepthLimitsTheLevels() => WireScript.Run("""
        A WATCH /a|zero|0| = OK
        A WATCH /a|one|1| = OK
        A WATCH /|two|2| = OK
        A WATCH /a|bad|x| = EINVAL
        A ! /a|zero| /a|one| /|two|
        B WRITE /a|1 = OK
        A ! /a|zero| /a|one| /a|two|
        B WRITE /a/b|1 = OK
        A ! /a/b|one| /a/b|two|
        B WRITE /a/b/c|1 = OK
        A !
        """);

    [Fact]
    public void WhoMayNotReadHearsNothing() => WireScript.Run("""
        A WRITE /s|1 = OK
        1 WATCH /s|w| = OK
        1 ! /s|w|
        A WRITE /s|2 = OK
        A WRITE /s/t|2 = OK
        1 !
        A SET_PERMS /s|n0|r1| = OK
        1 ! /s|w|
        A WRITE /s|3 = OK
        1 ! /s|w|
        A SET_PERMS /s|n0| = OK
        1 ! /s|w|
        A WRITE /s|4 = OK
        1 !
        """);

    [Fact]
    public void SpecialEventsNeedPermission() => WireScript.Run("""
        A WATCH @introduceDomain|i| = OK
        A WATCH @releaseDomain|r| = OK
        A WATCH @releaseDomain|which|1| = OK
        A WATCH @releaseDomain/6|only| = OK
        A ! @introduceDomain|i| @releaseDomain|r| @releaseDomain|which| @releaseDomain/6|only|
        1 WATCH @releaseDomain|r| = OK
        1 ! @releaseDomain|r|
        A ! @introduceDomain|i|
        A INTRODUCE 5|1|1| = OK
        A ! @introduceDomain|i|
        A INTRODUCE 5|1|1| = OK
        A !
        A RELEASE 5| = OK
        A ! @releaseDomain|r| @releaseDomain/5|which|
        1 !
        1 SET_PERMS @releaseDomain|n0|r1| = EACCES
        A SET_PERMS @releaseDomain|n0|r1| = OK
        A SET_PERMS @nothing|n0| = EINVAL
        A INTRODUCE 6|1|1| = OK
        A RELEASE 6| = OK
        A ! @introduceDomain|i| @releaseDomain|r| @releaseDomain/6|which| @releaseDomain/6|only|
        1 ! @releaseDomain|r|
        """);
}
