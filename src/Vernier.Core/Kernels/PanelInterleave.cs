using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Brings the codes of the rows of a panel into its lines.</summary>
internal static unsafe class PanelInterleave
{
    /// <summary>
    /// What <see cref="Interleave"/> makes of 4-bit codes, straight from the packed rows: of eight codes in 32 bits the first four go to
    /// the low halves of
    /// four bytes, the others to the high halves.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Interleave4(PanelPlan plan, byte* packed, int bytesPerRow, uint* lines)
    {
        int steps = plan.Quads / 2;
        for (int step = 0; step < steps; step++, packed += 4, lines += PanelPlan.PanelRows)
        {
            for (int r = 0; r < PanelPlan.PanelRows; r++)
            {
                uint codes = Unsafe.ReadUnaligned<uint>(packed + (long)r * bytesPerRow);
                lines[r] = Bmi2.ParallelBitDeposit(codes, 0x0F0F0F0F) | Bmi2.ParallelBitDeposit(codes >> 16, 0xF0F0F0F0);
            }
        }
    }

    /// <summary>Four bytes at a time, as 32-bit words: word q of row r is its quad q. The formats are documented at
    /// <see cref="ICodeFormat"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Interleave(PanelPlan plan, uint* rows, uint* lines)
    {
        const int Line = PanelPlan.PanelRows;
        int stride = plan.Quads, step = CodeFormats.StepQuads(plan.StoredBits), stepWords = CodeFormats.StepBytes(plan.StoredBits) / 4;
        for (int quad = 0; quad < stride; quad += step, lines += stepWords)
        {
            for (int r = 0; r < PanelPlan.PanelRows; r++)
            {
                uint* q = rows + r * stride + quad;
                uint* line = lines + r;
                switch (plan.StoredBits)
                {
                    case 8:
                        line[0] = q[0];
                        break;
                    case 4:
                        line[0] = q[0] | q[1] << 4;
                        break;
                    case 2:
                        line[0] = q[0] | q[1] << 2 | q[2] << 4 | q[3] << 6;
                        break;
                    case 3:
                        line[0] = q[0] | q[1] << 3 | Bits(q[6], 0, 2) << 6;
                        line[Line] = q[2] | q[3] << 3 | Bits(q[6], 2, 1) << 6 | Bits(q[7], 0, 1) << 7;
                        line[2 * Line] = q[4] | q[5] << 3 | Bits(q[7], 1, 2) << 6;
                        break;
                    case 5:
                        line[0] = q[0] | Bits(q[5], 0, 3) << 5;
                        line[Line] = q[1] | Bits(q[5], 3, 2) << 5 | Bits(q[7], 3, 1) << 7;
                        line[2 * Line] = q[2] | Bits(q[6], 0, 3) << 5;
                        line[3 * Line] = q[3] | Bits(q[6], 3, 2) << 5 | Bits(q[7], 4, 1) << 7;
                        line[4 * Line] = q[4] | Bits(q[7], 0, 3) << 5;
                        break;
                    default:
                        line[0] = q[0] | Bits(q[3], 0, 2) << 6;
                        line[Line] = q[1] | Bits(q[3], 2, 2) << 6;
                        line[2 * Line] = q[2] | Bits(q[3], 4, 2) << 6;
                        break;
                }
            }
        }

        // Some bits of each of four codes.
        static uint Bits(uint codes, int first, int count) => codes >> first & (uint)((1 << count) - 1) * 0x01010101;
    }
}
