// SPDX-License-Identifier: MIT
// Which CPU features are built upon which others. Called when a policy is made or changed.

using System;

namespace XenSharp.Core.CpuPolicy;

/// <summary>The relation that Xen documents in xen/tools/gen-cpuid.py: whoever does not have the first feature is not shown the second.</summary>
public static class FeatureDependencies
{
    // Longer than the longest chain.
    private const int MaxRounds = 12;

    // Pairs: bit number of the prerequisite in a feature set, bit number of what needs it.
    private static ReadOnlySpan<ushort> Pairs => new ushort[]
    {
        /* FPU */ 0, 23, 0, 258,
        /* PSE */ 3, 17,
        /* PAE */ 6, 93, 6, 84,
        /* TSC */ 4, 56, 4, 91, 4, 161, 4, 232,
        /* APIC */ 9, 53, 9, 56, 9, 99,
        /* MMX */ 23, 86, 23, 95,
        /* FXSR */ 24, 89, 24, 25,
        /* SSE */ 25, 26, 25, 103,
        /* SSE2 */ 26, 32, 26, 93, 26, 57, 26, 33, 26, 189, 26, 200,
        /* SSE3 */ 32, 41, 32, 102,
        /* SSSE3 */ 41, 51,
        /* SSE4_1 */ 51, 52,
        /* XSAVE */ 58, 128, 58, 129, 58, 130, 58, 131, 58, 60, 58, 174, 58, 195, 58, 111,
        /* AVX */ 60, 44, 60, 112, 60, 61, 60, 165, 60, 107,
        /* NX */ 84, 180,
        /* LM */ 93, 45, 93, 49, 93, 96, 93, 90, 93, 195, 93, 276,
        /* 3DNOW */ 95, 94,
        /* AVX2 */ 165, 176, 165, 201, 165, 202, 165, 324,
        /* AVX512F */ 176, 177, 176, 181, 176, 186, 176, 187, 176, 188, 176, 190, 176, 191, 176, 290, 176, 291, 176, 203, 176, 206, 176, 296,
        /* AVX512BW */ 190, 193, 190, 198, 190, 204, 190, 325, 190, 311,
        /* PCLMULQDQ */ 33, 202,
        /* AESNI */ 57, 201,
        /* IBRSB */ 314, 315, 314, 319, 314, 416, 314, 513, 314, 417, 314, 418, 314, 420,
        /* IBRS */ 270, 271, 270, 280, 270, 284, 270, 272, 270, 274, 270, 275,
        /* IBPB */ 268, 286, 268, 379, 268, 380,
        /* AMD_STIBP */ 271, 273,
        /* RTM */ 171, 304,
        /* EIBRS */ 513, 531,
    };

    /// <summary>Clears what lacks its prerequisites.</summary>
    public static void Apply(Span<uint> words)
    {
        bool changed = true;
        for (int round = 0; changed && round < MaxRounds; round++)
        {
            changed = false;
            for (int i = 0; i + 1 < Pairs.Length; i += 2)
            {
                int needed = Pairs[i], needing = Pairs[i + 1];
                if (((words[needed >> 5] >> (needed & 31)) & 1) != 0 || ((words[needing >> 5] >> (needing & 31)) & 1) == 0)
                    continue;
                words[needing >> 5] &= ~(1U << (needing & 31));
                changed = true;
            }
        }
    }
}
