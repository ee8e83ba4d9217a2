// SPDX-License-Identifier: MIT
// Debian's vchan-socket-proxy (libxenvchan) between a guest and dom0, with the rings in the guest's memory and in dom0's: gntalloc, gntdev and evtchn
// on both sides. Of level long.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class VchanTests
{
    private const string Program = "usr/lib/xen-4.17/bin/vchan-socket-proxy";
    private const string Loader = "ld-linux-x86-64.so.2";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(10);

    private static readonly string[] s_modules = ["xen-gntalloc", "xen-gntdev", "xen-evtchn", "xen-privcmd"];

    // exchange ROLE DOMAIN PATH FROM TO: both ends send a file and keep the channel open until both have all of it.
    private const string Exchange = """
        exchange() {
            : > "$5"; rm -f "$5.hold"; mkfifo "$5.hold"
            { cat "$4" "$5.hold" | vchan-socket-proxy -m "$1" "$2" "$3" - > "$5"; echo "$1 ended"; } &
            exec 9> "$5.hold"
            until [ "$(stat -c %s "$5")" = 1000000 ]; do usleep 100000; done
        }

        # ended: waits until the other end has closed the channel.
        ended() {
            while pidof vchan-socket-proxy; do usleep 100000; done > /dev/null
            exec 9>&-
            wait
        }

        """;

    private const string Script = """
        . /exchange
        head -c 1000000 /dev/urandom > /sent
        echo "sent: $(md5sum < /sent)"
        exchange server 0 data/one /sent /one
        echo "one: $(md5sum < /one)"
        ended
        exchange client 0 /local/domain/0/data/two /sent /two
        echo "two: $(md5sum < /two)"
        ended
        """;

    [Fact]
    [Trait("Level", "long")]
    public void A_guest_and_dom0_exchange_data_by_vchan()
    {
        string output = GuestMachine.RunScript(GuestMachine.Steps("vchan.txt"), s_limit, extra: [Proxy(), Guest()]);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.All(line => line == "-- status 0") && statuses.Length == GuestMachine.Steps("vchan.txt").Count, output);
    }

    private static byte[] Proxy()
    {
        CpioWriter archive = new();
        AddProxy(archive);
        archive.AddFile("guest/exchange", Exchange);
        return archive.Finish();
    }

    private static void AddProxy(CpioWriter archive)
    {
        PackageFiles files = new("xen-utils-4.17");
        files.AddProgram(Program);
        files.AddLibrary("libgcc_s.so.1"); // opened by name, for pthread_cancel
        files.AddLibrary(Loader);
        foreach ((string path, string source, bool isProgram) in files.Files)
            archive.AddFile(path, File.ReadAllBytes(source), isProgram);
        archive.AddLink("bin/vchan-socket-proxy", "/" + Program);
        archive.AddLink($"lib64/{Loader}", files.Files.Select(file => "/" + file.Path).First(path => path.EndsWith("/" + Loader, StringComparison.Ordinal)));
    }

    private static byte[] Guest()
    {
        BusyboxGuest guest = new("vchan", "linux-image-cloud-amd64", s_modules, Script);
        guest.Ramdisk.AddFile("exchange", Exchange);
        AddProxy(guest.Ramdisk);
        CpioWriter archive = new();
        guest.AddTo(archive, "memory = 160");
        return archive.Finish();
    }
}
