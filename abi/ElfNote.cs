// SPDX-License-Identifier: MIT
// ELF notes by which a kernel says how it wants to be loaded. Contract: xen/include/public/elfnote.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Types of notes with the name "Xen", XEN_ELFNOTE_*.</summary>
public enum ElfNote : uint
{
    Info = 0, // XEN_ELFNOTE_INFO: NAME=VALUE pair (string).
    Entry = 1, // XEN_ELFNOTE_ENTRY: The virtual address of the entry point (numeric).
    HypercallPage = 2, // XEN_ELFNOTE_HYPERCALL_PAGE: The virtual address of the hypercall transfer page (numeric).
    VirtBase = 3, // XEN_ELFNOTE_VIRT_BASE: The virtual address where the kernel image should be mapped (numeric).

    // XEN_ELFNOTE_PADDR_OFFSET: The offset of the ELF paddr field from the actual required pseudo-physical address (numeric).
    PhysicalAddressOffset = 4,

    XenVersion = 5, // XEN_ELFNOTE_XEN_VERSION: The version of Xen that we work with (string).
    GuestOs = 6, // XEN_ELFNOTE_GUEST_OS: The name of the guest operating system (string).
    GuestVersion = 7, // XEN_ELFNOTE_GUEST_VERSION: The version of the guest operating system (string).
    Loader = 8, // XEN_ELFNOTE_LOADER: The loader type (string).
    PaeMode = 9, // XEN_ELFNOTE_PAE_MODE: The kernel supports PAE (x86/32 only, string = "yes", "no" or "bimodal").
    Features = 10, // XEN_ELFNOTE_FEATURES: The features supported/required by this kernel (string).

    // XEN_ELFNOTE_BSD_SYMTAB: The kernel requires the symbol table to be loaded (string = "yes" or "no") LEGACY: BSD_SYMTAB (n.b. The legacy treated
    // the presence or absence of this string as a boolean flag rather than requiring "yes" or "no".
    BsdSymtab = 11,

    HvStartLow = 12, // XEN_ELFNOTE_HV_START_LOW: The lowest address the hypervisor hole can begin at (numeric).

    // XEN_ELFNOTE_L1_MFN_VALID: List of maddr_t-sized mask/value pairs describing how to recognize (non-present) L1 page table entries carrying valid
    // MFNs (numeric).
    L1MfnValid = 13,

    // XEN_ELFNOTE_SUSPEND_CANCEL: Whether or not the guest supports cooperative suspend cancellation. This is a numeric value.
    SuspendCancel = 14,

    // XEN_ELFNOTE_INIT_P2M: The (non-default) location the initial phys-to-machine map should be placed at by the hypervisor (Dom0) or the tools
    // (DomU).
    InitP2m = 15,

    // XEN_ELFNOTE_MOD_START_PFN: Whether or not the guest can deal with being passed an initrd not mapped through its initial page tables.
    ModuleStartPfn = 16,

    SupportedFeatures = 17, // XEN_ELFNOTE_SUPPORTED_FEATURES: The features supported by this kernel (numeric).
    Phys32Entry = 18, // XEN_ELFNOTE_PHYS32_ENTRY: Physical entry point into the kernel.
    Max = 18, // XEN_ELFNOTE_MAX: The number of the highest elfnote defined.
    CrashInfo = 0x1000001, // XEN_ELFNOTE_CRASH_INFO: System information exported through crash notes.
    CrashRegisters = 0x1000002, // XEN_ELFNOTE_CRASH_REGS: System registers exported through crash notes.

    // XEN_ELFNOTE_DUMPCORE_NONE: xen dump-core none note. xm dump-core code will create one XEN_ELFNOTE_DUMPCORE_NONE in its dump file to indicate
    // that the file is xen dump-core file. This note doesn't have any other information. See tools/libxc/xc_core.h for more information.
    DumpcoreNone = 0x2000000,

    // XEN_ELFNOTE_DUMPCORE_HEADER: xen dump-core header note. xm dump-core code will create one XEN_ELFNOTE_DUMPCORE_HEADER in its dump file. See
    // tools/libxc/xc_core.h for more information.
    DumpcoreHeader = 0x2000001,

    // XEN_ELFNOTE_DUMPCORE_XEN_VERSION: xen dump-core xen version note. xm dump-core code will create one XEN_ELFNOTE_DUMPCORE_XEN_VERSION in its
    // dump file. It contains the xen version obtained via the XENVER hypercall. See tools/libxc/xc_core.h for more information.
    DumpcoreXenVersion = 0x2000002,

    // XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION: xen dump-core format version note. xm dump-core code will create one XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION
    // in its dump file. It contains a format version identifier. See tools/libxc/xc_core.h for more information.
    DumpcoreFormatVersion = 0x2000003,
}
