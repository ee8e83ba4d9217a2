// SPDX-License-Identifier: MIT
// Why a file is not a kernel that can be started, and the words for it. Produced by KernelImage and the parsers below it.

using System;

namespace XenSharp.Core.Boot.Kernel;

public enum KernelError
{
    None = 0,
    FileEmpty,
    NotAKernel,
    BootProtocolTooOld,
    NoPayload,
    PayloadOutsideFile,
    PayloadUnknown,
    PayloadUnsupported,
    PayloadSizeImplausible,
    /// <summary>The payload could not be unpacked; the <see cref="DecompressStatus"/> says why.</summary>
    PayloadDamaged,
    PayloadNotElf,
    ElfTruncated,
    ElfWrongClass,
    ElfWrongMachine,
    ElfNotExecutable,
    ElfBadProgramHeaders,
    ElfBadSegment,
    ElfSegmentsOverlap,
    ElfNothingToLoad,
    ElfBadNotes,
    ElfBadEntryNote,
    ElfNoEntryNote,
    ElfEntryOutside,
}

/// <summary>The sentences. Those that name the payload's format or show the file's first bytes are completed by KernelImage.Describe.</summary>
public static class KernelErrorText
{
    public static ReadOnlySpan<byte> Text(KernelError error) => error switch
    {
        KernelError.None => "is a kernel that can be started"u8,
        KernelError.FileEmpty => "is empty"u8,
        KernelError.NotAKernel => "is not an ELF or bzImage kernel: starts with"u8,
        KernelError.BootProtocolTooOld => "is a bzImage with a boot protocol older than 2.08: no payload to be found"u8,
        KernelError.NoPayload => "is a bzImage without a payload"u8,
        KernelError.PayloadOutsideFile => "is a truncated bzImage: its payload ends after the end of the file"u8,
        KernelError.PayloadUnknown => "is a bzImage whose payload is packed in an unknown way"u8,
        KernelError.PayloadUnsupported => "is packed with an unsupported format:"u8,
        KernelError.PayloadSizeImplausible => "announces an impossible size of its unpacked kernel"u8,
        KernelError.PayloadDamaged => "holds a payload that cannot be unpacked:"u8,
        KernelError.PayloadNotElf => "holds a payload that is not an ELF file: starts with"u8,
        KernelError.ElfTruncated => "is a truncated ELF: its headers or segments end after the end of the file"u8,
        KernelError.ElfWrongClass => "is an ELF, but not a little-endian one of 32 or 64 bits"u8,
        KernelError.ElfWrongMachine => "is an ELF for another processor"u8,
        KernelError.ElfNotExecutable => "is an ELF, but not an executable one"u8,
        KernelError.ElfBadProgramHeaders => "is an ELF with a bad program header table"u8,
        KernelError.ElfBadSegment => "is an ELF with a bad segment: larger in the file than in memory, or past the last address"u8,
        KernelError.ElfSegmentsOverlap => "is an ELF whose segments overlap in memory"u8,
        KernelError.ElfNothingToLoad => "is an ELF with nothing to load"u8,
        KernelError.ElfBadNotes => "is an ELF with damaged notes"u8,
        KernelError.ElfBadEntryNote => "has a Xen PHYS32_ENTRY note that is neither 4 nor 8 bytes long"u8,
        KernelError.ElfNoEntryNote => "has no Xen PHYS32_ENTRY note: not a PVH kernel"u8,
        KernelError.ElfEntryOutside => "has a Xen PHYS32_ENTRY that lies in none of its segments"u8,
        _ => "cannot be started"u8,
    };
}
