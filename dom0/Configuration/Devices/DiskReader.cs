// SPDX-License-Identifier: MIT
// Disk specifications: xl-disk-configuration(5). Used for disk=, and for the arguments of xl block-attach. Behaviour: tools/libs/util/libxlu_disk_l.l.
using System;
using System.Collections.Generic;

namespace XenSharp.Configuration;

/// <summary>
/// Reads one disk from one or several texts: <c>key=value</c>, flags, and the positional target, format, vdev, access; also the prefixes of older tools
/// (<c>phy:</c>, <c>file:</c>, <c>tap:aio:</c>, ...). <c>target=</c> takes all the rest.
/// </summary>
public sealed class DiskReader
{
    private readonly Action<int, string> _complain;
    private DeviceDisk _disk = new() { Readwrite = 1 };
    private bool _hasPrefix, _hasAccess, _hasFailed;
    private string _text = "";
    private int _at;

    private DiskReader(Action<int, string> complain) => _complain = complain;

    /// <summary>Reads a disk; null when something is wrong.</summary>
    /// <param name="texts">The specification, in xl block-attach an argument each.</param>
    /// <param name="complain">Takes each fault: the place in its text, and what is wrong.</param>
    public static DeviceDisk? Read(IReadOnlyList<string> texts, Action<int, string> complain)
    {
        var reader = new DiskReader(complain);
        foreach (string text in texts)
        {
            reader.ReadParameters(text);
            if (reader._hasFailed) return null;
        }
        return reader.Complete();
    }

    private void ReadParameters(string text)
    {
        (_text, _at) = (text, 0);
        while (true)
        {
            while (_at < text.Length && text[_at] is ' ' or '\t' or '\n') _at++;
            if (_at >= text.Length || !ReadParameter()) return;
        }
    }

    /// <summary>False when nothing more is to be made of the text.</summary>
    private bool ReadParameter()
    {
        string rest = _text[_at..];
        if (rest.StartsWith("target=", StringComparison.Ordinal))
        {
            string target = rest["target=".Length..];
            Save("target", _disk.PdevPath, target.EndsWith(',') ? target[..^1] : target, value => _disk = _disk with { PdevPath = value });
            return false;
        }
        int comma = rest.IndexOf(','), equals = rest.IndexOf('='), colon = rest.IndexOf(':');
        string word = comma < 0 ? rest : rest[..comma];
        int length = comma < 0 ? rest.Length : comma + 1;
        if (colon > 0 && (comma < 0 || colon < comma) && IsPrefix(rest, colon))
        {
            _at += colon + 1;
            return ReadPrefix(rest[..colon]);
        }
        if (equals >= 0 && equals < word.Length)
        {
            bool isKnown = ReadPair(word[..equals], word[(equals + 1)..]);
            _at += length;
            return isKnown;
        }
        if (!ReadFlag(word) && !ReadPositional(word)) return false;
        _at += length;
        return true;
    }

    /// <summary>A word of small letters before a colon is a prefix, unless another such letter or a digit follows (<c>hdc:cdrom</c>).</summary>
    private static bool IsPrefix(string rest, int colon)
    {
        if (rest[..colon] is "raw" or "qcow" or "qcow2" or "vhd" or "iscsi" or "nbd" or "enbd" or "drbd" or "tapdisk" or "tap" or "tap2" or "aio" or "ioemu" or "file" or "phy") return true;
        if (!char.IsAsciiLetterLower(rest[0]) || rest.AsSpan(0, colon).ContainsAnyExcept(LowerLettersAndDigits)) return false;
        return colon + 1 == rest.Length || !LowerLettersAndDigits.Contains(rest[colon + 1]);
    }

    private static readonly System.Buffers.SearchValues<char> LowerLettersAndDigits = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");

    private bool ReadPrefix(string prefix)
    {
        switch (prefix)
        {
            case "raw" or "qcow" or "qcow2" or "vhd":
                SetFormat(prefix);
                break;
            case "iscsi" or "nbd" or "enbd" or "drbd":
                Save("script", _disk.Script, "block-" + prefix, value => _disk = _disk with { Script = value });
                break;
            case "tapdisk" or "tap" or "tap2" or "aio" or "ioemu" or "file" or "phy":
                break;
            default:
                Complain($"'{prefix}:' is no known prefix of a target; with a colon in it, a target needs 'target='");
                return false;
        }
        _hasPrefix = true;
        return true;
    }

    private bool ReadPair(string key, string value)
    {
        switch (key)
        {
            case "format": SetFormat(value); break;
            case "devtype" when value is "cdrom" or "disk": _disk = _disk with { IsCdrom = value == "cdrom" ? 1 : 0 }; break;
            case "devtype": Complain($"devtype: '{value}' is none of cdrom, disk"); break;
            case "access": SetAccess(value); break;
            case "backend": Save(key, _disk.BackendDomname, value, saved => _disk = _disk with { BackendDomname = saved }); break;
            case "backendtype": SetBackend(value); break;
            case "specification": SetSpecification(value); break;
            case "vdev": Save(key, _disk.Vdev, value, saved => _disk = _disk with { Vdev = saved }); break;
            case "script": Save(key, _disk.Script, value, saved => _disk = _disk with { Script = saved }); break;
            case "colo-host": Save(key, _disk.ColoHost, value, saved => _disk = _disk with { ColoHost = saved }); break;
            case "colo-port" when int.TryParse(value, out int port) && port != 0: _disk = _disk with { ColoPort = port }; break;
            case "colo-port": Complain($"colo-port: '{value}' is no port"); break;
            case "colo-export": Save(key, _disk.ColoExport, value, saved => _disk = _disk with { ColoExport = saved }); break;
            case "active-disk": Save(key, _disk.ActiveDisk, value, saved => _disk = _disk with { ActiveDisk = saved }); break;
            case "hidden-disk": Save(key, _disk.HiddenDisk, value, saved => _disk = _disk with { HiddenDisk = saved }); break;
            default:
                Complain($"'{key}=' is no parameter of a disk; with such a sign in it, a target needs 'target='");
                return false;
        }
        return true;
    }

    private bool ReadFlag(string word)
    {
        switch (word)
        {
            case "cdrom": _disk = _disk with { IsCdrom = 1 }; break;
            case "direct-io-safe": _disk = _disk with { DirectIoSafe = true }; break;
            case "discard": _disk = _disk with { DiscardEnable = true }; break;
            case "no-discard": _disk = _disk with { DiscardEnable = false }; break;
            case "colo": _disk = _disk with { ColoEnable = true }; break;
            case "no-colo": _disk = _disk with { ColoEnable = false }; break;
            case "trusted": _disk = _disk with { Trusted = true }; break;
            case "untrusted": _disk = _disk with { Trusted = false }; break;
            default: return false;
        }
        return true;
    }

    private bool ReadPositional(string word)
    {
        if (_hasFailed) return true;
        if (_disk.PdevPath is null)
        {
            _disk = _disk with { PdevPath = word };
        }
        else if (!_hasPrefix && _disk.Format == DiskFormat.Unknown)
        {
            if (_disk.PdevPath.Length == 0 && TryReadVdevAndType(word)) _disk = _disk with { Format = DiskFormat.Empty };
            else SetFormat(word);
        }
        else if (_disk.Vdev is null)
        {
            if (!TryReadVdevAndType(word)) _disk = _disk with { Vdev = word };
        }
        else if (!_hasAccess)
        {
            _hasAccess = true;
            SetAccess(word);
        }
        else
        {
            Complain($"'{word}' is one too many: target, format, vdev and access are there already");
            return false;
        }
        return true;
    }

    /// <summary><c>hdc:cdrom</c>.</summary>
    private bool TryReadVdevAndType(string word)
    {
        int colon = word.LastIndexOf(':');
        if (colon < 0) return false;
        Save("vdev", _disk.Vdev, word[..colon], value => _disk = _disk with { Vdev = value });
        if (word[(colon + 1)..] is "cdrom") _disk = _disk with { IsCdrom = 1 };
        else if (word[(colon + 1)..] is "disk") _disk = _disk with { IsCdrom = 0 };
        else Complain($"'{word[(colon + 1)..]}' is no type of a disk");
        return true;
    }

    private void SetAccess(string word)
    {
        if (word is "r" or "ro") _disk = _disk with { Readwrite = 0 };
        else if (word is "rw" or "w" or "") _disk = _disk with { Readwrite = 1 };
        else Complain($"access: '{word}' is none of ro, r, rw, w");
    }

    private void SetFormat(string word)
    {
        DiskFormat? format = word switch
        {
            "" or "raw" => DiskFormat.Raw,
            "qcow" => DiskFormat.Qcow,
            "qcow2" => DiskFormat.Qcow2,
            "vhd" => DiskFormat.Vhd,
            "empty" => DiskFormat.Empty,
            "qed" => DiskFormat.Qed,
            _ => null,
        };
        if (format is null) Complain($"format: '{word}' is none of raw, qcow, qcow2, vhd, qed, empty");
        else if (_disk.Format != DiskFormat.Unknown && _disk.Format != format) Complain($"format: '{word}' after it was '{EnumNames<DiskFormat>.NameOf(_disk.Format)}' already");
        else _disk = _disk with { Format = format.Value };
    }

    private void SetBackend(string word)
    {
        DiskBackend? backend = word switch
        {
            "phy" => DiskBackend.Phy, "tap" => DiskBackend.Tap, "qdisk" => DiskBackend.Qdisk, "standalone" => DiskBackend.Standalone, _ => null,
        };
        if (backend is null) Complain($"backendtype: '{word}' is none of phy, tap, qdisk, standalone");
        else if (_disk.Backend != DiskBackend.Unknown && _disk.Backend != backend) Complain($"backendtype: '{word}' after it was '{EnumNames<DiskBackend>.NameOf(_disk.Backend)}' already");
        else _disk = _disk with { Backend = backend.Value };
    }

    private void SetSpecification(string word)
    {
        DiskSpecification? specification = word switch { "xen" => DiskSpecification.Xen, "virtio" => DiskSpecification.Virtio, _ => null };
        if (specification is null) Complain($"specification: '{word}' is none of xen, virtio");
        else if (_disk.Specification != DiskSpecification.Unknown && _disk.Specification != specification) Complain("specification: given twice, differently");
        else _disk = _disk with { Specification = specification.Value };
    }

    private void Save(string what, string? before, string value, Action<string> set)
    {
        if (before is { Length: > 0 }) Complain($"{what}: '{value}' after it was '{before}' already");
        else set(value);
    }

    private DeviceDisk? Complete()
    {
        if (_disk.Format == DiskFormat.Unknown) _disk = _disk with { Format = DiskFormat.Raw };
        if (_disk.IsCdrom != 0)
        {
            _disk = _disk with { Removable = 1, Readwrite = 0 };
            if (string.IsNullOrEmpty(_disk.PdevPath)) _disk = _disk with { Format = DiskFormat.Empty };
        }
        _at = 0;
        if (_disk.Vdev is null) Complain("there is no vdev, the name that the guest is told");
        else if (_disk.PdevPath is null && _disk.Removable == 0) Complain("there is no target, and the device is not removable");
        return _hasFailed ? null : _disk;
    }

    private void Complain(string message)
    {
        _hasFailed = true;
        _complain(Math.Min(_at, _text.Length), message);
    }
}
