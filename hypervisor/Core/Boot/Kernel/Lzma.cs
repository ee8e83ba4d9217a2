// SPDX-License-Identifier: MIT
// The LZMA decoder proper: range coder, probabilities, literals and matches of one LZMA2 chunk. Called by Lzma2.
// Written from the format as xz-embedded (0BSD) and the LZMA SDK (public domain) document it.

using System;
using System.Runtime.CompilerServices;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// Decoder state that lives from chunk to chunk. The output is the dictionary. This loop is most of the time that
/// the boot of a packed kernel takes, hence locals for everything and no calls but inlined ones.
/// </summary>
internal ref struct Lzma
{
    // Where each group of probabilities begins in the span.
    private const int IsMatch = 0;
    private const int IsRep = 192;
    private const int IsRepG0 = 204;
    private const int IsRepG1 = 216;
    private const int IsRepG2 = 228;
    private const int IsRep0Long = 240;
    private const int PositionSlot = 432;
    private const int PositionSpecial = 688;
    private const int Align = 804;
    private const int MatchLength = 820;
    private const int RepLength = 1334;
    private const int Literal = 1848;

    private const int LengthChoice2 = 1;
    private const int LengthLow = 2;
    private const int LengthMid = 130;
    private const int LengthHigh = 258;

    /// <summary>Probabilities needed for lc + lp = 4.</summary>
    public const int ProbabilityCount = Literal + (0x300 << 4);

    private const uint Top = 1u << 24;

    private readonly Span<ushort> _probabilities;
    private uint _rep0;
    private uint _rep1;
    private uint _rep2;
    private uint _rep3;
    private int _state;
    private int _lc;
    private uint _lpMask;
    private uint _pbMask;

    public Lzma(Span<ushort> probabilities)
    {
        _probabilities = probabilities.Slice(0, ProbabilityCount);
        _rep0 = 0;
        _rep1 = 0;
        _rep2 = 0;
        _rep3 = 0;
        _state = 0;
        _lc = 0;
        _lpMask = 0;
        _pbMask = 0;
    }

    /// <summary>Takes the properties byte of an LZMA2 chunk; false when it is not a legal one.</summary>
    public bool SetProperties(byte properties)
    {
        if (properties > (4 * 5 + 4) * 9 + 8)
        {
            return false;
        }
        int pb = properties / 45;
        int rest = properties - pb * 45;
        int lp = rest / 9;
        int lc = rest - lp * 9;
        if (lc + lp > 4)
        {
            return false;
        }
        _lc = lc;
        _lpMask = (1u << lp) - 1;
        _pbMask = (1u << pb) - 1;
        return true;
    }

    public void ResetState()
    {
        _rep0 = 0;
        _rep1 = 0;
        _rep2 = 0;
        _rep3 = 0;
        _state = 0;
        _probabilities.Fill(1024);
    }

    /// <summary>
    /// Decodes one chunk: <paramref name="source"/> into output[<paramref name="start"/>..<paramref name="end"/>), with
    /// matches reaching back to <paramref name="dictionaryStart"/>. A range coder that runs off its input reads zeros and is
    /// found out at the end, because it then has not consumed exactly the chunk.
    /// </summary>
    public DecompressStatus Decode(ReadOnlySpan<byte> source, Span<byte> output, int start, int end, int dictionaryStart)
    {
        if (source.Length < 5 || source[0] != 0)
        {
            return DecompressStatus.BadData;
        }
        uint range = 0xffffffff;
        uint code = ((uint)source[1] << 24) | ((uint)source[2] << 16) | ((uint)source[3] << 8) | source[4];
        int next = 5;

        Span<ushort> probabilities = _probabilities;
        uint rep0 = _rep0;
        uint rep1 = _rep1;
        uint rep2 = _rep2;
        uint rep3 = _rep3;
        int state = _state;
        int lc = _lc;
        uint lpMask = _lpMask;
        uint pbMask = _pbMask;
        int position = start;

        while (position < end)
        {
            uint positionState = (uint)(position - dictionaryStart) & pbMask;
            if (!Bit(ref probabilities[IsMatch + (state << 4) + (int)positionState], ref range, ref code, source, ref next))
            {
                uint previous = position > dictionaryStart ? output[position - 1] : 0u;
                uint context = (((uint)(position - dictionaryStart) & lpMask) << lc) + (previous >> (8 - lc));
                Span<ushort> literal = probabilities.Slice(Literal + 0x300 * (int)context, 0x300);
                uint symbol = 1;
                if (state < 7)
                {
                    do
                    {
                        TreeBit(literal, ref symbol, ref range, ref code, source, ref next);
                    }
                    while (symbol < 0x100);
                    state = state < 4 ? 0 : state - 3;
                }
                else
                {
                    // After a match the byte that would have continued it predicts this one, until the first difference.
                    uint expected = output[position - (int)rep0 - 1];
                    uint offset = 0x100;
                    do
                    {
                        expected <<= 1;
                        uint bit = expected & offset;
                        TreeBitAt(literal, offset + bit + symbol, ref symbol, ref range, ref code, source, ref next);
                        offset &= (symbol & 1) != 0 ? bit : ~bit;
                    }
                    while (symbol < 0x100);
                    state = state < 10 ? state - 3 : state - 6;
                }
                output[position++] = (byte)symbol;
                continue;
            }

            int lengthBase;
            bool isRep = Bit(ref probabilities[IsRep + state], ref range, ref code, source, ref next);
            if (!isRep)
            {
                rep3 = rep2;
                rep2 = rep1;
                rep1 = rep0;
                state = state < 7 ? 7 : 10;
                lengthBase = MatchLength;
            }
            else
            {
                if (!Bit(ref probabilities[IsRepG0 + state], ref range, ref code, source, ref next))
                {
                    if (!Bit(ref probabilities[IsRep0Long + (state << 4) + (int)positionState], ref range, ref code, source, ref next))
                    {
                        if (rep0 >= (uint)(position - dictionaryStart))
                        {
                            return DecompressStatus.BadData;
                        }
                        output[position] = output[position - (int)rep0 - 1];
                        position++;
                        state = state < 7 ? 9 : 11;
                        continue;
                    }
                }
                else
                {
                    uint distance;
                    if (!Bit(ref probabilities[IsRepG1 + state], ref range, ref code, source, ref next))
                    {
                        distance = rep1;
                    }
                    else
                    {
                        if (!Bit(ref probabilities[IsRepG2 + state], ref range, ref code, source, ref next))
                        {
                            distance = rep2;
                        }
                        else
                        {
                            distance = rep3;
                            rep3 = rep2;
                        }
                        rep2 = rep1;
                    }
                    rep1 = rep0;
                    rep0 = distance;
                }
                state = state < 7 ? 8 : 11;
                lengthBase = RepLength;
            }

            int treeBase;
            uint limit;
            int length;
            if (!Bit(ref probabilities[lengthBase], ref range, ref code, source, ref next))
            {
                treeBase = lengthBase + LengthLow + ((int)positionState << 3);
                limit = 8;
                length = 2 - 8;
            }
            else if (!Bit(ref probabilities[lengthBase + LengthChoice2], ref range, ref code, source, ref next))
            {
                treeBase = lengthBase + LengthMid + ((int)positionState << 3);
                limit = 8;
                length = 10 - 8;
            }
            else
            {
                treeBase = lengthBase + LengthHigh;
                limit = 256;
                length = 18 - 256;
            }
            uint node = 1;
            do
            {
                TreeBitAt(probabilities, (uint)treeBase + node, ref node, ref range, ref code, source, ref next);
            }
            while (node < limit);
            length += (int)node;

            if (!isRep)
            {
                int lengthState = length < 6 ? length - 2 : 3;
                Span<ushort> slots = probabilities.Slice(PositionSlot + (lengthState << 6), 64);
                uint slot = 1;
                do
                {
                    TreeBit(slots, ref slot, ref range, ref code, source, ref next);
                }
                while (slot < 64);
                slot -= 64;
                rep0 = slot;
                if (slot >= 4)
                {
                    int bits = (int)(slot >> 1) - 1;
                    rep0 = 2 | (slot & 1);
                    if (slot < 14)
                    {
                        rep0 <<= bits;
                        int special = PositionSpecial + (int)rep0 - (int)slot;
                        uint m = 1;
                        for (int i = 0; i < bits; i++)
                        {
                            if (Bit(ref probabilities[special + (int)m], ref range, ref code, source, ref next))
                            {
                                m = (m << 1) | 1;
                                rep0 += 1u << i;
                            }
                            else
                            {
                                m <<= 1;
                            }
                        }
                    }
                    else
                    {
                        bits -= 4;
                        do
                        {
                            Normalize(ref range, ref code, source, ref next);
                            range >>= 1;
                            code -= range;
                            uint mask = 0u - (code >> 31);
                            code += range & mask;
                            rep0 = (rep0 << 1) + mask + 1;
                        }
                        while (--bits > 0);
                        rep0 <<= 4;
                        uint m = 1;
                        for (int i = 0; i < 4; i++)
                        {
                            if (Bit(ref probabilities[Align + (int)m], ref range, ref code, source, ref next))
                            {
                                m = (m << 1) | 1;
                                rep0 += 1u << i;
                            }
                            else
                            {
                                m <<= 1;
                            }
                        }
                    }
                }
            }

            if (rep0 >= (uint)(position - dictionaryStart) || length > end - position)
            {
                return DecompressStatus.BadData;
            }
            MatchCopy.Copy(output, position, (int)rep0 + 1, length);
            position += length;
        }

        Normalize(ref range, ref code, source, ref next);
        _rep0 = rep0;
        _rep1 = rep1;
        _rep2 = rep2;
        _rep3 = rep3;
        _state = state;
        return next == source.Length && code == 0 ? DecompressStatus.Ok : DecompressStatus.BadData;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize(ref uint range, ref uint code, ReadOnlySpan<byte> source, ref int next)
    {
        if (range < Top)
        {
            range <<= 8;
            code <<= 8;
            if ((uint)next < (uint)source.Length)
            {
                code |= source[next];
            }
            next++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Bit(ref ushort probability, ref uint range, ref uint code, ReadOnlySpan<byte> source, ref int next)
    {
        Normalize(ref range, ref code, source, ref next);
        uint p = probability;
        uint bound = (range >> 11) * p;
        if (code < bound)
        {
            range = bound;
            probability = (ushort)(p + ((2048 - p) >> 5));
            return false;
        }
        range -= bound;
        code -= bound;
        probability = (ushort)(p - (p >> 5));
        return true;
    }

    /// <summary>One step down a bit tree whose root is entry 1 of <paramref name="tree"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TreeBit(Span<ushort> tree, ref uint symbol, ref uint range, ref uint code, ReadOnlySpan<byte> source, ref int next)
    {
        TreeBitAt(tree, symbol, ref symbol, ref range, ref code, source, ref next);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TreeBitAt(Span<ushort> tree, uint index, ref uint symbol, ref uint range, ref uint code, ReadOnlySpan<byte> source, ref int next)
    {
        Normalize(ref range, ref code, source, ref next);
        ref ushort probability = ref tree[(int)index];
        uint p = probability;
        uint bound = (range >> 11) * p;
        if (code < bound)
        {
            range = bound;
            probability = (ushort)(p + ((2048 - p) >> 5));
            symbol <<= 1;
        }
        else
        {
            range -= bound;
            code -= bound;
            probability = (ushort)(p - (p >> 5));
            symbol = (symbol << 1) | 1;
        }
    }
}
