// SPDX-License-Identifier: MIT
// Words of a feature set: what each is, and the short names of its bits as Xen 4.17's xen-cpuid prints them. Used by CpuidTool.
// Source of the bits: xen/include/public/arch-x86/cpufeatureset.h (MIT).

using System;
using System.Globalization;

namespace XenSharp.Inspection;

/// <param name="Name">Where CPUID or an MSR has the word.</param>
/// <param name="Key">The short form of that.</param>
/// <param name="Bits">Names by bit; null where a bit has none.</param>
internal sealed record FeatureWord(string Name, string Key, string?[] Bits);

internal static class FeatureNames
{
    public static readonly FeatureWord[] Words =
    [
        Word("CPUID 0x00000001.edx", "1d",
            "0:fpu 1:vme 2:de 3:pse 4:tsc 5:msr 6:pae 7:mce 8:cx8 9:apic 11:sysenter 12:mtrr 13:pge 14:mca 15:cmov 16:pat 17:pse36 18:psn " +
            "19:clflush 21:ds 22:acpi 23:mmx 24:fxsr 25:sse 26:sse2 27:ss 28:htt 29:tm 30:ia64 31:pbe"),
        Word("CPUID 0x00000001.ecx", "1c",
            "0:sse3 1:pclmulqdq 2:dtes64 3:monitor 4:ds-cpl 5:vmx 6:smx 7:est 8:tm2 9:ssse3 10:cntx-id 11:sdgb 12:fma 13:cx16 14:xtpr 15:pdcm " +
            "17:pcid 18:dca 19:sse41 20:sse42 21:x2apic 22:movebe 23:popcnt 24:tsc-dl 25:aesni 26:xsave 27:osxsave 28:avx 29:f16c 30:rdrnd 31:hyper"),
        Word("CPUID 0x80000001.edx", "e1d",
            "0:fpu 1:vme 2:de 3:pse 4:tsc 5:msr 6:pae 7:mce 8:cx8 9:apic 11:syscall 12:mtrr 13:pge 14:mca 15:cmov 16:fcmov 17:pse36 19:mp 20:nx " +
            "22:mmx+ 23:mmx 24:fxsr 25:fxsr+ 26:pg1g 27:rdtscp 29:lm 30:3dnow+ 31:3dnow"),
        Word("CPUID 0x80000001.ecx", "e1c",
            "0:lahf-lm 1:cmp 2:svm 3:extapic 4:cr8d 5:lzcnt 6:sse4a 7:msse 8:3dnowpf 9:osvw 10:ibs 11:xop 12:skinit 13:wdt 15:lwp 16:fma4 17:tce " +
            "19:nodeid 21:tbm 22:topoext 23:perfctr-core 24:perfctr-nb 26:dbx 27:perftsc 28:pcx-l2i 29:monitorx"),
        Word("CPUID 0x0000000d:1.eax", "Da1", "0:xsaveopt 1:xsavec 2:xgetbv1 3:xsaves"),
        Word("CPUID 0x00000007:0.ebx", "7b0",
            "0:fsgsbase 1:tsc-adj 2:sgx 3:bmi1 4:hle 5:avx2 6:fdp-exn 7:smep 8:bmi2 9:erms 10:invpcid 11:rtm 12:pqm 13:depfpp 14:mpx 15:pqe " +
            "16:avx512f 17:avx512dq 18:rdseed 19:adx 20:smap 21:avx512-ifma 22:pcommit 23:clflushopt 24:clwb 25:proc-trace 26:avx512pf 27:avx512er " +
            "28:avx512cd 29:sha 30:avx512bw 31:avx512vl"),
        Word("CPUID 0x00000007:0.ecx", "7c0",
            "0:prefetchwt1 1:avx512-vbmi 2:umip 3:pku 4:ospke 5:waitpkg 6:avx512-vbmi2 7:cet-ss 8:gfni 9:vaes 10:vpclmulqdq 11:avx512-vnni " +
            "12:avx512-bitalg 14:avx512-vpopcntdq 22:rdpid 25:cldemote 27:movdiri 28:movdir64b 29:enqcmd 30:sgx-lc"),
        Word("CPUID 0x80000007.edx", "e7d", "7:hw-pstate 8:itsc 9:cpb 10:efro"),
        Word("CPUID 0x80000008.ebx", "e8b",
            "0:clzero 2:rstr-fp-err-ptrs 9:wbnoinvd 12:ibpb 14:ibrs 15:amd-stibp 16:ibrs-always 17:stibp-always 18:ibrs-fast 19:ibrs-same-mode " +
            "20:no-lmsl 23:ppin 24:amd-ssbd 25:virt-ssbd 26:ssb-no 28:psfd 29:btc-no 30:ibpb-ret"),
        Word("CPUID 0x00000007:0.edx", "7d0",
            "2:avx512-4vnniw 3:avx512-4fmaps 4:fsrm 8:avx512-vp2intersect 9:srbds-ctrl 10:md-clear 11:rtm-always-abort 13:tsx-force-abort " +
            "14:serialize 15:hybrid 16:tsxldtrk 18:pconfig 20:cet-ibt 23:avx512-fp16 26:ibrsb 27:stibp 28:l1d-flush 29:arch-caps 30:core-caps " +
            "31:ssbd"),
        Word("CPUID 0x00000007:1.eax", "7a1", "4:avx-vnni 5:avx512-bf16 10:fzrm 11:fsrs 12:fsrcs"),
        Word("CPUID 0x80000021.eax", "e21a",
            "2:lfence+ 5:verw-clear 6:nscb 8:auto-ibrs 27:sbpb 28:ibpb-brtype 29:srso-no 30:srso-us-no 31:srso-msr-fix"),
        Word("CPUID 0x00000007:1.ebx", "7b1", "0:ppin"),
        Word("CPUID 0x00000007:2.edx", "7d2", "0:intel-psfd 1:ipred-ctrl 2:rrsba-ctrl 4:bhi-ctrl 5:mcdt-no"),
        Word("CPUID 0x00000007:1.ecx", "7c1", ""),
        Word("CPUID 0x00000007:1.edx", "7d1", "18:cet-sss"),
        Word("MSR_ARCH_CAPS.lo", "m10Al",
            "0:rdcl-no 1:eibrs 2:rsba 3:skip-l1dfl 4:intel-ssb-no 5:mds-no 6:if-pschange-mc-no 7:tsx-ctrl 8:taa-no 9:mcu-ctrl 10:misc-pkg-ctrl " +
            "11:energy-ctrl 12:doitm 13:sbdr-ssdp-no 14:fbsdp-no 15:psdp-no 17:fb-clear 18:fb-clear-ctrl 19:rrsba 20:bhi-no 21:xapic-status " +
            "23:ovrclk-status 24:pbrsb-no 25:gds-ctrl 26:gds-no 27:rfds-no 28:rfds-clear"),
        Word("MSR_ARCH_CAPS.hi", "m10Ah", "30:its-no"),
        Word("CPUID 0x80000021.ecx", "e21c", "1:tsa-sq-no 2:tsa-l1-no"),
    ];

    /// <summary>The sets that do not depend on the machine: what Xen's interface knows, and what a default build of Xen 4.17 offers to guests.</summary>
    public static readonly (string Name, uint[] Words)[] StaticSets =
    [
        ("Known",
        [
            0xbfebfbff, 0xfffef3ff, 0xee500800, 0x2469bfff, 0x0000000f, 0xffbfffff, 0x3a405fdf, 0x00000780, 0x779fd205, 0xfc91ef1c,
            0x00001c30, 0xf8000164, 0x00000001, 0x00000037, 0x00000000, 0x00040000, 0x1fbeffff, 0x40000000, 0x00000006,
        ]),
        ("Special",
        [
            0x10000200, 0xc8200000, 0x00000000, 0x00000002, 0x00000000, 0x01002850, 0x00000010, 0x00000000, 0x02000000, 0x20000c00,
            0x00000000, 0x40000020, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x100a0004, 0x40000000, 0x00000000,
        ]),
        ("PV Max",
        [
            0x1fc9cbf5, 0xf6d83203, 0xea500800, 0x042109e3, 0x00000007, 0xfdaf0b39, 0x1a405f43, 0x00000100, 0x64001005, 0xac01451c,
            0x00001c30, 0x78000064, 0x00000000, 0x00000021, 0x00000000, 0x00000000, 0x1d12e173, 0x40000000, 0x00000006,
        ]),
        ("PV Default",
        [
            0x1fc9cbf5, 0xf6d83203, 0xea500800, 0x042109e3, 0x00000007, 0xfdaf0b29, 0x02405f43, 0x00000000, 0x64001005, 0xac00441c,
            0x00001c30, 0x78000064, 0x00000000, 0x00000021, 0x00000000, 0x00000000, 0x1d12e173, 0x40000000, 0x00000006,
        ]),
        ("HVM Shadow Max",
        [
            0x1fcbfbff, 0xf7f83203, 0xea500800, 0x042109f3, 0x0000000f, 0xfdbf4bbb, 0x1a405f47, 0x00000100, 0x751fd005, 0xbc01451c,
            0x00001c30, 0x78000064, 0x00000000, 0x00000037, 0x00000000, 0x00000000, 0x1d12e173, 0x40000000, 0x00000006,
        ]),
        ("HVM Shadow Default",
        [
            0x1fcbfbff, 0xf7f83203, 0xea500800, 0x042109f3, 0x0000000f, 0xfdbf0bab, 0x02405f47, 0x00000000, 0x751fd005, 0xbc00441c,
            0x00001c30, 0x78000064, 0x00000000, 0x00000037, 0x00000000, 0x00000000, 0x1d12e173, 0x40000000, 0x00000006,
        ]),
        ("HVM Hap Max",
        [
            0x1fcbfbff, 0xf7fa3223, 0xee500800, 0x042109f7, 0x0000000f, 0xfdbf4fbb, 0x1a405f4f, 0x00000100, 0x751fd005, 0xbc01451c,
            0x00001c30, 0x78000064, 0x00000000, 0x00000037, 0x00000000, 0x00000000, 0x1d12e173, 0x40000000, 0x00000006,
        ]),
        ("HVM Hap Default",
        [
            0x1fcbfbff, 0xf7fa3203, 0xee500800, 0x042109f3, 0x0000000f, 0xfdbf0fab, 0x02405f4f, 0x00000000, 0x751fd005, 0xbc00441c,
            0x00001c30, 0x78000064, 0x00000000, 0x00000037, 0x00000000, 0x00000000, 0x1d12e173, 0x40000000, 0x00000006,
        ]),
    ];

    private static FeatureWord Word(string name, string key, string bits)
    {
        string?[] names = new string?[32];
        foreach (string bit in bits.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = bit.IndexOf(':');
            names[int.Parse(bit.AsSpan(0, colon), CultureInfo.InvariantCulture)] = bit[(colon + 1)..];
        }
        return new FeatureWord(name, key, names);
    }
}
