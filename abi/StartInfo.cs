// SPDX-License-Identifier: MIT
// What a PV guest finds at its start, and the video console of dom0. Contract: xen/include/public/xen.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct start_info, member console.domU, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct StartInfoConsoleDomU
{
    public ulong Mfn; // MACHINE page number of console page.
    public uint EventChannel; // Event channel for console page.
    public uint Padding0;
}

/// <summary>struct start_info, member console.dom0, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct StartInfoConsoleDom0
{
    public uint InfoOffset; // Offset of console_info struct.
    public uint InfoSize; // Size of console_info struct from start.
}

/// <summary>
/// struct start_info, 1168 bytes. What a PV kernel finds in RSI at its start; fields up to Console are filled in again on resume.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct StartInfo
{
    public ByteArray32 Magic; // "xen-version-platform"
    public ulong PageCount; // Total pages allocated to this domain.
    public ulong SharedInfo; // MACHINE address of shared info struct.
    public StartInfoFlags Flags; // SIF_xxx flags.
    public uint Padding0;
    public ulong StoreMfn; // MACHINE page number of shared page.
    public uint StoreEventChannel; // Event channel for store communication.
    public uint Padding1;
    public UInt64Array2 Console; // union: domU (StartInfoConsoleDomU), dom0 (StartInfoConsoleDom0).
    public ulong PageTableBase; // VIRTUAL address of page directory.
    public ulong PageTableFrameCount; // Number of bootstrap p.t. frames.
    public ulong MfnList; // VIRTUAL address of page-frame list.
    public ulong ModuleStart; // VIRTUAL address of pre-loaded module
    public ulong ModuleLength; // (PFN of pre-loaded module if SIF_MOD_START_PFN set in flags). Size (bytes) of pre-loaded module.
    public ByteArray1024 CommandLine;
    public ulong FirstP2mPfn; // 1st pfn forming initial P->M table.
    public ulong P2mFrameCount; // # of pfns forming initial P->M table.
}

/// <summary>
/// struct xen_multiboot_mod_list, 16 bytes. One module of a multiboot module package; the list ends with ModuleStart = 0.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MultibootModuleList
{
    public uint ModuleStart; // Address of first byte of the module
    public uint ModuleEnd; // Address of last byte of the module (inclusive)
    public uint CommandLine; // Address of zero-terminated command line
    public uint Pad; // Unused, must be zero
}

/// <summary>struct dom0_vga_console_info, member u.text_mode_3, 10 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Dom0VgaConsoleInfoTextMode3
{
    public ushort FontHeight; // Font height, in pixels.
    public ushort CursorX; // Cursor location (column, row).
    public ushort CursorY; // Cursor location (column, row).
    public ushort Rows; // Number of rows and columns (dimensions in characters).
    public ushort Columns; // Number of rows and columns (dimensions in characters).
}

/// <summary>struct dom0_vga_console_info, member u.vesa_lfb, 36 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Dom0VgaConsoleInfoVesaLfb
{
    public ushort Width; // Width and height, in pixels.
    public ushort Height; // Width and height, in pixels.
    public ushort BytesPerLine; // Bytes per scan line.
    public ushort BitsPerPixel; // Bits per pixel.
    public uint LfbBase; // LFB physical address, and size (in units of 64kB).
    public uint LfbSize;
    public byte RedPosition; // RGB mask offsets and sizes, as defined by VBE 1.2+
    public byte RedSize; // RGB mask offsets and sizes, as defined by VBE 1.2+
    public byte GreenPosition;
    public byte GreenSize;
    public byte BluePosition;
    public byte BlueSize;
    public byte ReservedPosition;
    public byte ReservedSize;
    public uint GlobalCapabilities; // VESA capabilities (offset 0xa, VESA command 0x4f00).
    public ushort ModeAttributes; // Mode attributes (offset 0x0, VESA command 0x4f01).
    public ushort Pad;
    public uint ExtendedLfbBase; // high 32 bits of lfb_base
}

/// <summary>
/// struct dom0_vga_console_info, 40 bytes. The console structure in start_info.console.dom0; This structure includes a variety of information
/// required to have a working VGA/VESA console.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct Dom0VgaConsoleInfo
{
    public byte VideoType; // DOM0_VGA_CONSOLE_???
    public ByteArray3 Padding0;
    public UInt32Array9 U; // union: text_mode_3 (Dom0VgaConsoleInfoTextMode3), vesa_lfb (Dom0VgaConsoleInfoVesaLfb).
}
