// SPDX-License-Identifier: MIT
// Unpacked kernels by the content of their packed files, so that a guest that is created again need not wait for it. Used by KernelFile.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Interop;

namespace XenSharp.Toolstack.Kernel;

/// <summary>An unpacked kernel, whose memory ends with its owner.</summary>
internal sealed record CachedKernel(IDisposable Owner, ReadOnlyMemory<byte> Content);

/// <summary>
/// A folder that only root may write. Beside the kernels are notes which file had which content, by its number and the time of its last change. A kernel's file's name is the SHA-256 of the packed kernel; behind the kernel come its length and a hash of its ends, so that a file that
/// was cut short is not taken. A cache that cannot be used is no failure: the kernel is unpacked.
/// </summary>
/// <param name="mostBytes">What the folder may hold; the kernels used longest ago go first.</param>
public sealed class KernelCache(string folder, long mostBytes = 512L << 20)
{
    public const string DefaultFolder = "/var/cache/xensharp/kernels";

    private const int HashSize = 32, TrailerSize = sizeof(long) + HashSize, SettledMs = 2000;

    /// <summary>What a file was unpacked to, if it has not changed since; its content need not be read.</summary>
    internal CachedKernel? FindUnchanged(string source)
    {
        try
        {
            string stamp = StampPathOf(FileIdentity.Of(source));
            return File.Exists(stamp) ? Read(Path.Combine(folder, File.ReadAllText(stamp))) : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal CachedKernel? Find(ReadOnlySpan<byte> packed) => Read(PathOf(packed));

    private static CachedKernel? Read(string path)
    {
        try
        {
            if (!File.Exists(path))
                return null;
            MappedFile file = new(path);
            if (IsWhole(file.GetSpan()))
            {
                File.SetLastAccessTimeUtc(path, DateTime.UtcNow);
                return new CachedKernel(file, file.Memory[..^TrailerSize]);
            }
            ((IDisposable)file).Dispose();
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> file) =>
        file.Length > TrailerSize && BitConverter.ToInt64(file[^TrailerSize..]) == file.Length - TrailerSize && HashOfEnds(file[..^HashSize]).AsSpan().SequenceEqual(file[^HashSize..]);

    /// <param name="source">The packed file and what it was when it was read, to be known again without its content.</param>
    public void Keep(ReadOnlySpan<byte> packed, byte[] unpacked, (string Path, FileIdentity Identity)? source = null)
    {
        if (unpacked.LongLength > mostBytes)
            return;
        string path = PathOf(packed);
        string temporary = $"{path}.{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            MakeRoom(unpacked.LongLength);
            byte[] length = BitConverter.GetBytes(unpacked.LongLength);
            using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write))
            {
                file.Write(unpacked);
                file.Write(length);
                file.Write(HashOfEnds([.. unpacked, .. length]));
            }
            File.Move(temporary, path, overwrite: true);
            if (source is { } named)
                KeepStamp(path, named.Path, named.Identity);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
        }
    }

    /// <summary>Notes that a file has this content, for files that have not changed during the last seconds: time stamps are coarse.</summary>
    public void Remember(ReadOnlySpan<byte> packed, (string Path, FileIdentity Identity) source)
    {
        try
        {
            KeepStamp(PathOf(packed), source.Path, source.Identity);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The next time its content is read again.
        }
    }

    private void KeepStamp(string path, string source, FileIdentity identity)
    {
        if (identity.ChangedNs / 1_000_000 + SettledMs > DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() || FileIdentity.Of(source) != identity)
            return;
        File.WriteAllText(StampPathOf(identity), Path.GetFileName(path));
    }

    private string StampPathOf(FileIdentity identity) =>
        Path.Combine(folder, $"file-{identity.Device.Replace(':', '-')}-{identity.Inode:x}-{identity.Size:x}-{identity.ChangedNs:x}");

    private string PathOf(ReadOnlySpan<byte> packed) => Path.Combine(folder, Convert.ToHexStringLower(Sha256.Hash(packed)));

    /// <summary>Of the first and the last part: enough to see a file whose blocks never reached the disk.</summary>
    private static byte[] HashOfEnds(ReadOnlySpan<byte> file)
    {
        const int part = 64 << 10;
        return Sha256.Hash([.. file[..Math.Min(part, file.Length)], .. file[^Math.Min(part, file.Length)..]]);
    }

    private void MakeRoom(long needed)
    {
        List<FileInfo> files = [.. new DirectoryInfo(folder).EnumerateFiles().OrderBy(file => file.LastAccessTimeUtc)];
        long total = files.Sum(file => file.Length);
        foreach (FileInfo file in files)
        {
            if (total + needed <= mostBytes)
                return;
            TryDelete(file.FullName);
            total -= file.Length;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It stays until the next try.
        }
    }
}
