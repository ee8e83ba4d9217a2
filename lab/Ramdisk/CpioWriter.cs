// SPDX-License-Identifier: MIT
// Writes the "newc" cpio format that Linux takes as an initramfs. Used by the ramdisk's builders.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace XenSharp.Lab.Ramdisk;

/// <summary>
/// One cpio archive, byte for byte the same for the same calls: times are 0, owners are root, inode numbers count up. Parent folders are added when
/// first needed. Archives padded by <see cref="Finish"/> may be joined: Linux unpacks one after the other, later files replacing earlier ones.
/// </summary>
/// <remarks>Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.</remarks>
public sealed class CpioWriter
{
    private const int FolderMode = 0x4000 | 0x1ED;     // S_IFDIR, 0755
    private const int FileMode = 0x8000;               // S_IFREG
    private const int LinkMode = 0xA000 | 0x1FF;       // S_IFLNK, 0777
    private const int CharacterDeviceMode = 0x2000;    // S_IFCHR

    private readonly MemoryStream _archive = new();
    private readonly HashSet<string> _folders = [];
    private int _inode;

    public void AddFolder(string path)
    {
        if (path.Length == 0 || !_folders.Add(path))
            return;
        AddFolder(Parent(path));
        Write(path, FolderMode, []);
    }

    /// <summary>A regular file; <paramref name="isProgram"/> gives it mode 0755 instead of 0644.</summary>
    public void AddFile(string path, ReadOnlySpan<byte> content, bool isProgram = false)
    {
        AddFolder(Parent(path));
        Write(path, FileMode | (isProgram ? 0x1ED : 0x1A4), content);
    }

    public void AddFile(string path, string content) => AddFile(path, Encoding.UTF8.GetBytes(content));

    public void AddLink(string path, string target)
    {
        AddFolder(Parent(path));
        Write(path, LinkMode, Encoding.UTF8.GetBytes(target));
    }

    public void AddCharacterDevice(string path, int major, int minor)
    {
        AddFolder(Parent(path));
        Write(path, CharacterDeviceMode | 0x180, [], major, minor);
    }

    /// <summary>Ends the archive and pads it to 512 bytes with zeros, which Linux skips between archives.</summary>
    public byte[] Finish()
    {
        Write("TRAILER!!!", 0, []);
        Pad(512);
        return _archive.ToArray();
    }

    private void Write(string path, int mode, ReadOnlySpan<byte> content, int major = 0, int minor = 0)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        int links = (mode & 0xF000) == 0x4000 ? 2 : 1;
        int inode = mode == 0 ? 0 : ++_inode;
        // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
        string header = $"070701{inode:X8}{mode:X8}{0:X8}{0:X8}{links:X8}{0:X8}{content.Length:X8}{0:X8}{0:X8}{major:X8}{minor:X8}{name.Length + 1:X8}{0:X8}";
        _archive.Write(Encoding.ASCII.GetBytes(header));
        _archive.Write(name);
        _archive.WriteByte(0);
        Pad(4);
        _archive.Write(content);
        Pad(4);
    }

    private void Pad(int alignment)
    {
        while (_archive.Position % alignment != 0)
            _archive.WriteByte(0);
    }

    private static string Parent(string path) => path.LastIndexOf('/') is > 0 and int slash ? path[..slash] : "";
}
