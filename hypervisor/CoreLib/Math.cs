// SPDX-License-Identifier: MIT
// Small arithmetic and bit operations.

using System.Runtime.CompilerServices;

namespace System
{
    public static class Math
    {
        public static int Min(int a, int b) => a < b ? a : b;

        public static uint Min(uint a, uint b) => a < b ? a : b;

        public static long Min(long a, long b) => a < b ? a : b;

        public static ulong Min(ulong a, ulong b) => a < b ? a : b;

        public static int Max(int a, int b) => a > b ? a : b;

        public static uint Max(uint a, uint b) => a > b ? a : b;

        public static long Max(long a, long b) => a > b ? a : b;

        public static ulong Max(ulong a, ulong b) => a > b ? a : b;

        public static int Clamp(int value, int min, int max) => value < min ? min : value > max ? max : value;

        public static long Clamp(long value, long min, long max) => value < min ? min : value > max ? max : value;

        public static int Abs(int value) => value < 0 ? -value : value;

        public static long Abs(long value) => value < 0 ? -value : value;

        /// <summary>The 128-bit product of two words; returns the high half.</summary>
        public static ulong BigMul(ulong a, ulong b, out ulong low)
        {
            ulong al = (uint)a, ah = a >> 32, bl = (uint)b, bh = b >> 32;
            ulong ll = al * bl, lh = al * bh, hl = ah * bl;
            ulong middle = (ll >> 32) + (uint)lh + (uint)hl;
            low = (middle << 32) | (uint)ll;
            return (ah * bh) + (lh >> 32) + (hl >> 32) + (middle >> 32);
        }

        internal static int ConvertToInt32Checked(double value) => (int)value;

        internal static uint ConvertToUInt32Checked(double value) => (uint)value;

        internal static long ConvertToInt64Checked(double value) => (long)value;

        internal static ulong ConvertToUInt64Checked(double value) => (ulong)value;
    }
}

namespace System.Numerics
{
    public static class BitOperations
    {
        [Intrinsic]
        public static int TrailingZeroCount(uint value) => TrailingZeroCount(value);

        [Intrinsic]
        public static int TrailingZeroCount(ulong value) => TrailingZeroCount(value);

        public static int TrailingZeroCount(int value) => TrailingZeroCount((uint)value);

        [Intrinsic]
        public static int LeadingZeroCount(uint value) => LeadingZeroCount(value);

        [Intrinsic]
        public static int LeadingZeroCount(ulong value) => LeadingZeroCount(value);

        public static int Log2(uint value) => 31 - LeadingZeroCount(value | 1);

        public static int Log2(ulong value) => 63 - LeadingZeroCount(value | 1);

        [Intrinsic]
        public static uint RotateLeft(uint value, int offset) => (value << offset) | (value >> (32 - offset));

        [Intrinsic]
        public static ulong RotateLeft(ulong value, int offset) => (value << offset) | (value >> (64 - offset));

        [Intrinsic]
        public static uint RotateRight(uint value, int offset) => (value >> offset) | (value << (32 - offset));

        [Intrinsic]
        public static ulong RotateRight(ulong value, int offset) => (value >> offset) | (value << (64 - offset));

        public static bool IsPow2(ulong value) => value != 0 && (value & (value - 1)) == 0;

        public static bool IsPow2(uint value) => value != 0 && (value & (value - 1)) == 0;

        public static int PopCount(uint value) => PopCount((ulong)value);

        public static int PopCount(ulong value)
        {
            value -= (value >> 1) & 0x5555555555555555;
            value = (value & 0x3333333333333333) + ((value >> 2) & 0x3333333333333333);
            value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
            return (int)((value * 0x0101010101010101) >> 56);
        }
    }
}
