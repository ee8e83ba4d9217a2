// SPDX-License-Identifier: MIT
// The cpio archives that become dom0's ramdisk: their form, and that they are the same each time.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.Lab;

public class CpioWriterTests
{
    [Fact]
    public void A_file_comes_after_its_folders_with_mode_and_content()
    {
        CpioWriter archive = new();
        archive.AddFile("a/b/run", "hello"u8, isProgram: true);
        List<Entry> entries = Read(archive.Finish());

        Assert.Equal(["a", "a/b", "a/b/run", "TRAILER!!!"], entries.ConvertAll(entry => entry.Name));
        Assert.Equal(0x41ED, entries[0].Mode);
        Assert.Equal(0x81ED, entries[2].Mode);
        Assert.Equal("hello", Encoding.ASCII.GetString(entries[2].Content));
    }

    [Fact]
    public void A_folder_is_written_once()
    {
        CpioWriter archive = new();
        archive.AddFolder("etc");
        archive.AddFile("etc/one", "1");
        archive.AddLink("etc/two", "one");

        Assert.Equal(["etc", "etc/one", "etc/two", "TRAILER!!!"], Read(archive.Finish()).ConvertAll(entry => entry.Name));
    }

    [Fact]
    public void Links_and_devices_have_their_types()
    {
        CpioWriter archive = new();
        archive.AddLink("init", "bin/busybox");
        archive.AddCharacterDevice("null", 1, 3);
        List<Entry> entries = Read(archive.Finish());

        Assert.Equal(0xA1FF, entries[0].Mode);
        Assert.Equal("bin/busybox", Encoding.ASCII.GetString(entries[0].Content));
        Assert.Equal(0x2180, entries[1].Mode);
        Assert.Equal((1, 3), entries[1].Device);
    }

    [Fact]
    public void The_same_calls_make_the_same_bytes_padded_for_joining()
    {
        static byte[] Make()
        {
            CpioWriter archive = new();
            archive.AddFile("x", "content");
            return archive.Finish();
        }
        byte[] first = Make();

        Assert.Equal(first, Make());
        Assert.Equal(0, first.Length % 512);
    }

    private sealed record Entry(string Name, int Mode, byte[] Content, (int Major, int Minor) Device);

    /// <summary>A reader of its own, strict about the format: 110 bytes of header, name and content each padded to four.</summary>
    private static List<Entry> Read(byte[] archive)
    {
        List<Entry> entries = [];
        int position = 0;
        while (entries.Count == 0 || entries[^1].Name != "TRAILER!!!")
        {
            Assert.Equal("070701", Encoding.ASCII.GetString(archive, position, 6));
            int Field(int index) => int.Parse(Encoding.ASCII.GetString(archive, position + 6 + (index * 8), 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            string name = Encoding.UTF8.GetString(archive, position + 110, Field(11) - 1);
            int start = Align(position + 110 + Field(11));
            entries.Add(new Entry(name, Field(1), archive[start..(start + Field(6))], (Field(9), Field(10))));
            position = Align(start + Field(6));
        }
        return entries;
    }

    private static int Align(int position) => (position + 3) & ~3;
}
