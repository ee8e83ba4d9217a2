// SPDX-License-Identifier: MIT
// LZMA2: chunks of LZMA data that share a dictionary, which is the output itself. Used by XzFile. Algorithm: LZMA specification (7-zip.org/sdk.html, public domain);
// chunks: The .xz File Format, 5.3.1, and xz's lzma2_decoder.c for the control bytes.

using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.CompilerServices;

namespace XenSharp.Toolstack.Kernel.Xz;

internal ref struct LzmaDecoder(ReadOnlySpan<byte> packed, int size, int most)
{
    // Places of the probabilities in one array.
    private const int IsMatch = 0, IsRep = IsMatch + (States << PositionBits), IsRep0 = IsRep + States, IsRep1 = IsRep0 + States, IsRep2 = IsRep1 + States;
    private const int IsRep0Long = IsRep2 + States, Slots = IsRep0Long + (States << PositionBits), Distances = Slots + (4 << 6), Aligned = Distances + 128;
    private const int MatchLength = Aligned + 16, RepLength = MatchLength + LengthSize, Literals = RepLength + LengthSize;

    // Of a length coder: two choices, then trees for each position, then the tree of long ones.
    private const int Low = 2, Middle = Low + (8 << PositionBits), High = Middle + (8 << PositionBits), LengthSize = High + 256;
    private const int States = 12, PositionBits = 4, FirstLiteralStates = 7, LeastMatch = 2, MostLiteralBits = 4;
    private const ushort Half = 1024;
    private const uint Top = 1 << 24;

    private readonly ReadOnlySpan<byte> _packed = packed;
    private readonly ushort[] _probabilities = new ushort[Literals + (0x300 << MostLiteralBits)];
    private byte[] _output = new byte[size];
    private int _literalContext, _literalPosition, _positionMask, _state, _rep0, _rep1, _rep2, _rep3;
    private int _dictionaryStart;
    private bool _hasProperties;

    /// <summary>Bytes of output so far.</summary>
    public int Length { get; private set; }

    /// <summary>What has been put out from a place on.</summary>
    public readonly Span<byte> Output(int start) => _output.AsSpan(start, Length - start);

    public readonly byte[] Finish() => Length == _output.Length ? _output : _output[..Length];

    /// <summary>Unpacks the chunks of a block; where they end.</summary>
    public int DecodeChunks(int place)
    {
        bool isFirst = true;
        while (true)
        {
            int control = _packed[place];
            if (control == 0)
                return place + 1;
            if (control is 1 or >= 0xE0)
                _dictionaryStart = Length;
            else if (isFirst)
                throw new InvalidDataException("a block that does not begin a dictionary");
            isFirst = false;
            if (control < 0x80)
            {
                if (control > 2)
                    throw new InvalidDataException("a chunk of a kind that is not known");
                int count = BinaryPrimitives.ReadUInt16BigEndian(_packed[(place + 1)..]) + 1;
                Reserve(count);
                _packed.Slice(place + 3, count).CopyTo(_output.AsSpan(Length));
                Length += count;
                place += 3 + count;
                continue;
            }
            int unpackedSize = ((control & 0x1F) << 16) + BinaryPrimitives.ReadUInt16BigEndian(_packed[(place + 1)..]) + 1;
            int packedSize = BinaryPrimitives.ReadUInt16BigEndian(_packed[(place + 3)..]) + 1;
            place += 5;
            if (control >= 0xC0)
                ReadProperties(_packed[place++]);
            if (!_hasProperties)
                throw new InvalidDataException("a chunk without properties");
            if (control >= 0xA0)
                Reset();
            Reserve(unpackedSize);
            DecodeChunk(_packed.Slice(place, packedSize), Length + unpackedSize);
            place += packedSize;
        }
    }

    private void ReadProperties(byte value)
    {
        if (value >= 9 * 5 * 5)
            throw new InvalidDataException("properties that are not known");
        _literalContext = value % 9;
        _literalPosition = value / 9 % 5;
        _positionMask = (1 << (value / 45)) - 1;
        if (_literalContext + _literalPosition > MostLiteralBits)
            throw new InvalidDataException("properties that .xz files do not have");
        _hasProperties = true;
    }

    private void Reset()
    {
        _probabilities.AsSpan().Fill(Half);
        _state = _rep0 = _rep1 = _rep2 = _rep3 = 0;
    }

    private void Reserve(int count)
    {
        if (count > most - Length)
            throw new InvalidDataException($"more than {most} bytes");
        if (count > _output.Length - Length)
            Array.Resize(ref _output, Math.Max(Length + count, (int)Math.Min(most, 2L * _output.Length)));
    }

    /// <summary>The hot loop; what it uses for each symbol is in local variables.</summary>
    private void DecodeChunk(ReadOnlySpan<byte> packed, int end)
    {
        if (packed.Length < 5 || packed[0] != 0)
            throw new InvalidDataException("a chunk without a range coder's start");
        RangeDecoder coder = new(packed[5..], BinaryPrimitives.ReadUInt32BigEndian(packed[1..]));
        ushort[] probabilities = _probabilities;
        byte[] output = _output;
        int length = Length, state = _state, rep0 = _rep0, rep1 = _rep1, rep2 = _rep2, rep3 = _rep3;
        int literalShift = 8 - _literalContext, literalMask = (1 << _literalPosition) - 1;
        while (length < end)
        {
            int position = (length - _dictionaryStart) & _positionMask;
            if (coder.Bit(ref probabilities[IsMatch + (state << PositionBits) + position]) == 0)
            {
                int before = length > _dictionaryStart ? output[length - 1] : 0;
                int place = ((((length - _dictionaryStart) & literalMask) << _literalContext) + (before >> literalShift)) * 0x300;
                Span<ushort> literal = probabilities.AsSpan(Literals + place, 0x300);
                output[length] = state < FirstLiteralStates ? coder.Literal(literal) : coder.LiteralBehindMatch(literal, output[length - rep0 - 1]);
                length++;
                state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
                continue;
            }
            int count;
            if (coder.Bit(ref probabilities[IsRep + state]) == 0)
            {
                (rep3, rep2, rep1) = (rep2, rep1, rep0);
                count = coder.Length(probabilities.AsSpan(MatchLength, LengthSize), position);
                state = state < FirstLiteralStates ? 7 : 10;
                rep0 = coder.Distance(probabilities, count);
            }
            else
            {
                if (coder.Bit(ref probabilities[IsRep0 + state]) == 0)
                {
                    if (coder.Bit(ref probabilities[IsRep0Long + (state << PositionBits) + position]) == 0)
                    {
                        state = state < FirstLiteralStates ? 9 : 11;
                        if ((uint)rep0 >= (uint)(length - _dictionaryStart))
                            throw new InvalidDataException("a match before the beginning");
                        output[length] = output[length - rep0 - 1];
                        length++;
                        continue;
                    }
                }
                else if (coder.Bit(ref probabilities[IsRep1 + state]) == 0)
                {
                    (rep0, rep1) = (rep1, rep0);
                }
                else if (coder.Bit(ref probabilities[IsRep2 + state]) == 0)
                {
                    (rep0, rep1, rep2) = (rep2, rep0, rep1);
                }
                else
                {
                    (rep0, rep1, rep2, rep3) = (rep3, rep0, rep1, rep2);
                }
                count = coder.Length(probabilities.AsSpan(RepLength, LengthSize), position);
                state = state < FirstLiteralStates ? 8 : 11;
            }
            count += LeastMatch;
            if ((uint)rep0 >= (uint)(length - _dictionaryStart) || count > end - length)
                throw new InvalidDataException("a match before the beginning or beyond the end");
            Copy(output, length, rep0 + 1, count);
            length += count;
        }
        if (!coder.IsFinished)
            throw new InvalidDataException("a chunk that does not end where it should");
        (Length, _state, _rep0, _rep1, _rep2, _rep3) = (length, state, rep0, rep1, rep2, rep3);
    }

    private static void Copy(byte[] output, int place, int distance, int count)
    {
        if (distance >= count && count >= 16)
        {
            output.AsSpan(place - distance, count).CopyTo(output.AsSpan(place, count));
            return;
        }
        ReadOnlySpan<byte> from = output.AsSpan(place - distance, count);
        Span<byte> to = output.AsSpan(place, count);
        for (int index = 0; index < to.Length && index < from.Length; index++)
            to[index] = from[index];
    }

    /// <summary>The range decoder with its trees of bits.</summary>
    private ref struct RangeDecoder(ReadOnlySpan<byte> packed, uint code)
    {
        private readonly ReadOnlySpan<byte> _packed = packed;
        private uint _range = uint.MaxValue, _code = code;
        private int _place;

        public readonly bool IsFinished => _code == 0 && (_range < Top ? _place + 1 : _place) >= _packed.Length;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Bit(ref ushort probability)
        {
            uint value = probability;
            if (_range < Top)
                Normalize();
            uint bound = (_range >> 11) * value;
            if (_code < bound)
            {
                _range = bound;
                probability = (ushort)(value + ((2048 - value) >> 5));
                return 0;
            }
            _range -= bound;
            _code -= bound;
            probability = (ushort)(value - (value >> 5));
            return 1;
        }

        public byte Literal(Span<ushort> probabilities)
        {
            int symbol = 1;
            do
                symbol = (symbol << 1) | Bit(ref probabilities[symbol]);
            while (symbol < 0x100);
            return (byte)symbol;
        }

        public byte LiteralBehindMatch(Span<ushort> probabilities, int match)
        {
            int symbol = 1, offset = 0x100;
            do
            {
                match <<= 1;
                int expected = match & offset;
                int bit = Bit(ref probabilities[offset + expected + symbol]);
                symbol = (symbol << 1) | bit;
                offset &= bit != 0 ? match : ~match;
            }
            while (symbol < 0x100);
            return (byte)symbol;
        }

        public int Length(Span<ushort> probabilities, int position)
        {
            if (Bit(ref probabilities[0]) == 0)
                return Tree(probabilities.Slice(Low + (position << 3), 8), 3);
            if (Bit(ref probabilities[1]) == 0)
                return 8 + Tree(probabilities.Slice(Middle + (position << 3), 8), 3);
            return 16 + Tree(probabilities.Slice(High, 256), 8);
        }

        public int Distance(ushort[] probabilities, int length)
        {
            int slot = Tree(probabilities.AsSpan(Slots + (Math.Min(length, 3) << 6), 64), 6);
            if (slot < 4)
                return slot;
            int bits = (slot >> 1) - 1, distance = (2 | (slot & 1)) << bits;
            if (slot < 14)
                return distance + ReverseTree(probabilities.AsSpan(Distances + distance - slot, 1 << bits), bits);
            distance += Direct(bits - 4) << 4;
            return distance + ReverseTree(probabilities.AsSpan(Aligned, 16), 4);
        }

        private int Tree(Span<ushort> probabilities, int bits)
        {
            int symbol = 1;
            for (int index = 0; index < bits; index++)
                symbol = (symbol << 1) | Bit(ref probabilities[symbol]);
            return symbol - (1 << bits);
        }

        /// <summary>The lowest bit first.</summary>
        private int ReverseTree(Span<ushort> probabilities, int bits)
        {
            int symbol = 1, result = 0;
            for (int index = 0; index < bits; index++)
            {
                int bit = Bit(ref probabilities[symbol]);
                symbol = (symbol << 1) | bit;
                result |= bit << index;
            }
            return result;
        }

        private int Direct(int bits)
        {
            int result = 0;
            for (int index = 0; index < bits; index++)
            {
                if (_range < Top)
                    Normalize();
                _range >>= 1;
                int bit = _code >= _range ? 1 : 0;
                _code -= _range & (uint)-bit;
                result = (result << 1) | bit;
            }
            return result;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Normalize()
        {
            _range <<= 8;
            _code = (_code << 8) | _packed[_place++];
        }
    }
}
