// SPDX-License-Identifier: MIT
// Reading QEMU's log, the hypervisor's debug keys and binutils' size.

using System.Collections.Generic;
using System.IO;
using System.Text;
using XenSharp.Bench.Measuring;
using XenSharp.Lab.Common;
using Xunit;

namespace XenSharp.Tests.Bench;

public class MeasuringTests
{
    private const string ExitLog = "vmrun! 000000003a92f000\nvmexit(0000007b, 0000000000420210, 0000000000000000, 0000000001000880)!\n"
        + "vmrun! 000000003a92f000\nvmexit(00000014, 0000000000000000, 0000000000000000, 0000000001000880)!\n"
        + "vmexit(00000010, 0000000000000000, 0000000000000000, 0000000001000880)!\n";

    [Fact]
    public void Exits_are_counted_by_kind_the_most_frequent_first()
    {
        ExitCounts counts = Read(ExitLog, ExitLog.Length);

        Assert.Equal(3, counts.Total);
        Assert.Equal([KeyValuePair.Create("CR write", 2), KeyValuePair.Create("IOIO", 1)], counts.ByKind);
    }

    [Fact]
    public void Exits_behind_the_given_length_do_not_count()
    {
        Assert.Equal(1, Read(ExitLog, ExitLog.IndexOf("vmexit(00000014", System.StringComparison.Ordinal) + 4).Total);
    }

    [Fact]
    public void Kept_memory_is_what_neither_dom0_has_nor_is_free()
    {
        const string Console = "(XEN) System RAM: 1023MB (1048056kB)\r\n(XEN) Physical memory information:\r\n(XEN)     Xen heap: 0kB free\r\n"
            + "(XEN)     heap[09]: 1024kB free\r\n(XEN)     Dom heap: 507192kB free\r\n(XEN) General information for domain 0:\r\n"
            + "(XEN)     refcnt=3 dying=0 pause_count=0\r\n(XEN)     nr_pages=131071 xenheap_pages=2 dirty_cpus={} max_pages=4294967295\r\n";

        Assert.Equal(1048056 - (4 * 131071) - 507192, KeptMemory.Parse(Console).Kept);
    }

    [Fact]
    public void Kept_memory_is_read_from_our_own_debug_keys_too()
    {
        const string Console = "(XEN) System RAM: 1023MB (1048056kB)\r\n(XEN) Physical memory information:\r\n(XEN)     Xen and domain heap: 517192kB free\r\n"
            + "(XEN) General information for domain 0:\r\n(XEN)     refcnt=1 dying=0 pause_count=0\r\n(XEN)     nr_pages=131072 xenheap_pages=30 dirty_cpus={0} max_pages=131072\r\n";

        Assert.Equal(1048056 - (4 * 131072) - 517192, KeptMemory.Parse(Console).Kept);
    }

    [Fact]
    public void A_missing_debug_key_is_named()
    {
        LabException refusal = Assert.Throws<LabException>(() => KeptMemory.Parse("(XEN) System RAM: 1023MB (1048056kB)\n"));

        Assert.Contains("debug key m", refusal.Message);
    }

    [Fact]
    public void Text_is_the_sum_of_the_text_sections()
    {
        const string Listing = "out/x  :\nsection   size   addr\n.text   4096   18446606429673492480\n.text.cold  16  1\n.textual  7  1\n.rodata  128  18446606429673496576\nTotal   4247\n";

        Assert.Equal(4112, ImageText.Parse(Listing));
    }

    private static ExitCounts Read(string log, long length) => ExitCounts.Read(new MemoryStream(Encoding.ASCII.GetBytes(log)), length);
}
