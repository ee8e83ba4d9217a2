// SPDX-License-Identifier: MIT
// One compressed block of zstd: literals section, sequences section, and carrying the sequences out. Called by Zstd.
// RFC 8878, 3.1.1.3. A block state lives for one frame, since blocks may reuse the tables and offsets of earlier ones.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

internal ref struct ZstdBlock
{
    private const int LiteralLog = 9;
    private const int MatchLog = 9;
    private const int OffsetLog = 8;
    private const int MaxLiteralCode = 35;
    private const int MaxMatchCode = 52;
    private const int MaxOffsetCode = 31;
    public const int TableWords = (1 << LiteralLog) + (1 << MatchLog) + (1 << OffsetLog);

    private static ReadOnlySpan<short> DefaultLiterals => new short[]
    {
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
    };

    private static ReadOnlySpan<short> DefaultMatches => new short[]
    {
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        -1, -1, -1, -1, -1, -1, -1,
    };

    private static ReadOnlySpan<short> DefaultOffsets => new short[]
    {
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
    };

    private static ReadOnlySpan<uint> LiteralBase => new uint[]
    {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768,
        65536,
    };

    private static ReadOnlySpan<byte> LiteralBits => new byte[]
    {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    };

    private static ReadOnlySpan<uint> MatchBase => new uint[]
    {
        3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 39, 41, 43, 47, 51,
        59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
    };

    private static ReadOnlySpan<byte> MatchBits => new byte[]
    {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11,
        12, 13, 14, 15, 16,
    };

    private readonly Span<byte> _literals;
    private readonly Span<ushort> _huffman;
    private readonly Span<uint> _literalTable;
    private readonly Span<uint> _matchTable;
    private readonly Span<uint> _offsetTable;
    private int _huffmanBits;
    // Accuracy logs; -1 as long as no table has been given in this frame.
    private int _literalLog;
    private int _matchLog;
    private int _offsetLog;
    private uint _repeat0;
    private uint _repeat1;
    private uint _repeat2;

    public ZstdBlock(DecompressScratch scratch)
    {
        _literals = scratch.Bytes.Slice(0, DecompressScratch.ByteCount);
        _huffman = scratch.Shorts.Slice(0, ZstdHuffman.TableLength);
        Span<uint> tables = scratch.Words.Slice(Crc32.TableLength, TableWords);
        _literalTable = tables.Slice(0, 1 << LiteralLog);
        _matchTable = tables.Slice(1 << LiteralLog, 1 << MatchLog);
        _offsetTable = tables.Slice((1 << LiteralLog) + (1 << MatchLog), 1 << OffsetLog);
        _huffmanBits = -1;
        _literalLog = -1;
        _matchLog = -1;
        _offsetLog = -1;
        _repeat0 = 1;
        _repeat1 = 4;
        _repeat2 = 8;
    }

    /// <summary>Unpacks one block to output[<paramref name="position"/>..] and moves the position. Offsets reach back to <paramref name="frameStart"/>.</summary>
    public DecompressStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, ref int position, int frameStart)
    {
        int next = 0;
        DecompressStatus status = Literals(input, ref next, out ReadOnlySpan<byte> literals);
        if (status != DecompressStatus.Ok)
        {
            return status;
        }
        return Sequences(input.Slice(next), literals, output, ref position, frameStart);
    }

    private DecompressStatus Literals(ReadOnlySpan<byte> input, scoped ref int next, out ReadOnlySpan<byte> literals)
    {
        literals = default;
        if (input.Length < 2)
        {
            return DecompressStatus.BadData;
        }
        int type = input[0] & 3;
        int format = (input[0] >> 2) & 3;
        if (type < 2)
        {
            int headerLength = (format & 1) == 0 ? 1 : format == 1 ? 2 : 3;
            if (input.Length < headerLength)
            {
                return DecompressStatus.BadData;
            }
            int plain = headerLength == 1 ? input[0] >> 3
                : headerLength == 2 ? (input[0] | (input[1] << 8)) >> 4
                : (input[0] | (input[1] << 8) | (input[2] << 16)) >> 4;
            next = headerLength;
            int stored = type == 0 ? plain : 1;
            if (plain > Zstd.MaxBlockSize || stored > input.Length - next)
            {
                return DecompressStatus.BadData;
            }
            if (type == 0)
            {
                literals = input.Slice(next, plain);
            }
            else
            {
                _literals.Slice(0, plain).Fill(input[next]);
                literals = _literals.Slice(0, plain);
            }
            next += stored;
            return DecompressStatus.Ok;
        }

        int width = format < 2 ? 10 : format == 2 ? 14 : 18;
        int length = (4 + 2 * width) >> 3;
        if (input.Length < length)
        {
            return DecompressStatus.BadData;
        }
        ulong header = 0;
        for (int i = 0; i < length; i++)
        {
            header |= (ulong)input[i] << (8 * i);
        }
        int unpacked = (int)(header >> 4) & ((1 << width) - 1);
        int packed = (int)(header >> (4 + width)) & ((1 << width) - 1);
        next = length;
        if (unpacked > Zstd.MaxBlockSize || packed > input.Length - next)
        {
            return DecompressStatus.BadData;
        }
        ReadOnlySpan<byte> coded = input.Slice(next, packed);
        next += packed;
        if (type == 2)
        {
            int used = ZstdHuffman.ReadTable(coded, _huffman, out _huffmanBits);
            if (used < 0)
            {
                return DecompressStatus.BadData;
            }
            coded = coded.Slice(used);
        }
        if (_huffmanBits < 0)
        {
            return DecompressStatus.BadData;
        }
        Span<byte> target = _literals.Slice(0, unpacked);
        literals = target;
        return (format == 0 ? ZstdHuffman.Decode(coded, _huffman, _huffmanBits, target) : FourStreams(coded, target))
            ? DecompressStatus.Ok : DecompressStatus.BadData;
    }

    private readonly bool FourStreams(ReadOnlySpan<byte> coded, Span<byte> target)
    {
        if (coded.Length < 6)
        {
            return false;
        }
        int quarter = (target.Length + 3) / 4;
        if (3 * quarter > target.Length)
        {
            return false;
        }
        int at = 6;
        for (int i = 0; i < 4; i++)
        {
            int length = i == 3 ? coded.Length - at : BinaryPrimitives.ReadUInt16LittleEndian(coded.Slice(2 * i));
            if (length < 0 || length > coded.Length - at)
            {
                return false;
            }
            Span<byte> part = i == 3 ? target.Slice(3 * quarter) : target.Slice(i * quarter, quarter);
            if (!ZstdHuffman.Decode(coded.Slice(at, length), _huffman, _huffmanBits, part))
            {
                return false;
            }
            at += length;
        }
        return true;
    }

    private DecompressStatus Sequences(ReadOnlySpan<byte> input, ReadOnlySpan<byte> literals, Span<byte> output, ref int position, int frameStart)
    {
        if (input.Length == 0)
        {
            return DecompressStatus.BadData;
        }
        int count = input[0];
        int next = 1;
        if (count >= 128)
        {
            if (input.Length < (count == 255 ? 3 : 2))
            {
                return DecompressStatus.BadData;
            }
            next = count == 255 ? 3 : 2;
            count = count == 255 ? (input[1] | (input[2] << 8)) + 0x7f00 : ((count - 128) << 8) + input[1];
        }
        if (count == 0)
        {
            return next == input.Length ? CopyLiterals(literals, output, ref position) : DecompressStatus.BadData;
        }
        if (next >= input.Length)
        {
            return DecompressStatus.BadData;
        }
        int modes = input[next++];
        if ((modes & 3) != 0
            || !Table((modes >> 6) & 3, input, ref next, LiteralLog, MaxLiteralCode, DefaultLiterals, 6, _literalTable, ref _literalLog)
            || !Table((modes >> 4) & 3, input, ref next, OffsetLog, MaxOffsetCode, DefaultOffsets, 5, _offsetTable, ref _offsetLog)
            || !Table((modes >> 2) & 3, input, ref next, MatchLog, MaxMatchCode, DefaultMatches, 6, _matchTable, ref _matchLog))
        {
            return DecompressStatus.BadData;
        }
        return Execute(input.Slice(next), count, literals, output, ref position, frameStart);
    }

    private static DecompressStatus CopyLiterals(ReadOnlySpan<byte> literals, Span<byte> output, ref int position)
    {
        if (literals.Length > output.Length - position)
        {
            return DecompressStatus.OutputTooSmall;
        }
        literals.CopyTo(output.Slice(position, literals.Length));
        position += literals.Length;
        return DecompressStatus.Ok;
    }

    /// <summary>One of the three tables, by its mode: predefined, one symbol only, described here, or that of an earlier block.</summary>
    private static bool Table(
        int mode, ReadOnlySpan<byte> input, ref int next, int maxLog, int maxCode, ReadOnlySpan<short> defaults, int defaultLog, Span<uint> table, ref int log)
    {
        switch (mode)
        {
            case 0:
                log = defaultLog;
                ZstdFse.Build(defaults, log, table);
                return true;
            case 1:
                if (next >= input.Length || input[next] > maxCode)
                {
                    return false;
                }
                log = 0;
                table[0] = (uint)input[next++] << 24;
                return true;
            case 2:
                Span<short> probabilities = stackalloc short[ZstdFse.MaxSymbols];
                int used = ZstdFse.ReadProbabilities(input.Slice(next), maxLog, maxCode, probabilities, out int readLog);
                if (used < 0)
                {
                    return false;
                }
                next += used;
                log = readLog;
                ZstdFse.Build(probabilities, log, table);
                return true;
            default:
                return log >= 0;
        }
    }

    private DecompressStatus Execute(
        ReadOnlySpan<byte> input, int count, ReadOnlySpan<byte> literals, Span<byte> output, ref int outerPosition, int frameStart)
    {
        BackwardBits stream = new(input);
        if (stream.Left < 0)
        {
            return DecompressStatus.BadData;
        }
        int blockStart = outerPosition;
        int position = blockStart;
        int literal = 0;
        int literalState = (int)stream.Take(_literalLog);
        int offsetState = (int)stream.Take(_offsetLog);
        int matchState = (int)stream.Take(_matchLog);
        for (int i = 0; i < count; i++)
        {
            uint literalEntry = _literalTable[literalState];
            uint offsetEntry = _offsetTable[offsetState];
            uint matchEntry = _matchTable[matchState];
            // Codes are within the base tables: the tables were built from no more symbols than those have.
            int offsetCode = ZstdFse.Symbol(offsetEntry);
            int matchCode = ZstdFse.Symbol(matchEntry);
            int literalCode = ZstdFse.Symbol(literalEntry);
            uint offsetValue = (1u << offsetCode) + stream.Take(offsetCode);
            uint matchLength = MatchBase[matchCode] + stream.Take(MatchBits[matchCode]);
            uint literalLength = LiteralBase[literalCode] + stream.Take(LiteralBits[literalCode]);
            if (i + 1 < count)
            {
                literalState = ZstdFse.Base(literalEntry) + (int)stream.Take(ZstdFse.Bits(literalEntry));
                matchState = ZstdFse.Base(matchEntry) + (int)stream.Take(ZstdFse.Bits(matchEntry));
                offsetState = ZstdFse.Base(offsetEntry) + (int)stream.Take(ZstdFse.Bits(offsetEntry));
            }
            if (stream.Left < 0)
            {
                return DecompressStatus.BadData;
            }

            uint offset = Offset(offsetValue, literalLength == 0);
            if (literalLength > (uint)(literals.Length - literal))
            {
                return DecompressStatus.BadData;
            }
            if (literalLength > (uint)(output.Length - position) || matchLength > (uint)(output.Length - position) - literalLength)
            {
                return DecompressStatus.OutputTooSmall;
            }
            literals.Slice(literal, (int)literalLength).CopyTo(output.Slice(position, (int)literalLength));
            literal += (int)literalLength;
            position += (int)literalLength;
            if (offset == 0 || offset > (uint)(position - frameStart) || position + (int)matchLength - blockStart > Zstd.MaxBlockSize)
            {
                return DecompressStatus.BadData;
            }
            MatchCopy.Copy(output, position, (int)offset, (int)matchLength);
            position += (int)matchLength;
        }
        if (stream.Left != 0)
        {
            return DecompressStatus.BadData;
        }
        outerPosition = position;
        return CopyLiterals(literals.Slice(literal), output, ref outerPosition);
    }

    /// <summary>Values 1 to 3 name an earlier offset (shifted by one when no literals precede); 0 as a result is an error.</summary>
    private uint Offset(uint value, bool noLiterals)
    {
        uint offset;
        if (value > 3)
        {
            offset = value - 3;
            _repeat2 = _repeat1;
            _repeat1 = _repeat0;
            _repeat0 = offset;
            return offset;
        }
        uint index = noLiterals ? value : value - 1;
        if (index == 0)
        {
            return _repeat0;
        }
        offset = index == 1 ? _repeat1 : index == 2 ? _repeat2 : _repeat0 - 1;
        if (index > 1)
        {
            _repeat2 = _repeat1;
        }
        _repeat1 = _repeat0;
        _repeat0 = offset;
        return offset;
    }
}
