using System.Diagnostics;
using System.Runtime.InteropServices;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>
/// A packed matrix in the order in which the integer kernels read it; see <see cref="PanelPlan"/>. It takes the place of the source: codes
/// have the same bits (8 where the source has 7 or more than 128 levels in its tables). Its weights are
/// <code>unit * scale * (stored level + offset - level of the zero point) + minimum</code>
/// with the last two terms only where it has them, and scales in half precision, or in single precision with the unit in them.
/// </summary>
internal sealed unsafe class PanelMatrix
{
    private readonly byte[] _memory;

    /// <summary>Makes room for the codes.</summary>
    public PanelMatrix(PanelPlan plan)
    {
        Plan = plan;
        // On the pinned heap, so that kernels need no handle; 64 bytes more to begin on a cache line.
        _memory = GC.AllocateUninitializedArray<byte>(checked((int)((long)plan.Panels * plan.PanelBytes + 64)), pinned: true);
        nint start = (nint)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        HugePages.Advise((void*)start, _memory.LongLength);
        Codes = (byte*)((start + 63) & ~63);
    }

    /// <summary>Makes a matrix of the same codes; scales and levels are its own.</summary>
    public PanelMatrix(PanelMatrix codes)
    {
        (Plan, _memory) = (codes.Plan, codes._memory);
        Codes = codes.Codes;
    }

    /// <summary>The cut into panels and segments.</summary>
    public PanelPlan Plan { get; }

    /// <summary>The panels, each of <see cref="PanelPlan.PanelBytes"/>.</summary>
    public byte* Codes { get; }

    /// <summary>Whether stored bytes are levels rather than codes.</summary>
    public bool IsDirect { get; init; }

    /// <summary>What is added to every stored level.</summary>
    public int Offset { get; init; }

    /// <summary>What level 1 stands for at a scale of 1; 1 where scales are in single precision.</summary>
    public float Unit { get; init; } = 1;

    /// <summary>[panel][granule][row] in half precision, zero for rows that are not there; empty where scales are in single
    /// precision.</summary>
    public ushort[] Scales { get; init; } = [];

    /// <summary>[panel][granule][row] in single precision, zero for rows that are not there; empty where scales are in half
    /// precision.</summary>
    public float[] WideScales { get; init; } = [];

    /// <summary>[panel][granule][row]: the stored level of the zero point; empty where there are none.</summary>
    public short[] Zeros { get; init; } = [];

    /// <summary>[panel][granule][row]: what is added to every weight of the granule; empty where nothing is.</summary>
    public float[] Minimums { get; init; } = [];

    /// <summary>The tables that a granule chooses from by the last bits of its scale; 1 where codes are levels already.</summary>
    public int Tables { get; init; } = 1;

    /// <summary>
    /// The levels that codes are looked up in: at <see cref="RowStride"/> times the group of rows plus <see cref="GranuleStride"/> times
    /// the granule. Where granules
    /// share them, 256 for each group of rows: those of table t begin at t 2^bits, and all repeat themselves. Where each has its own, as
    /// many as the kernel takes.
    /// </summary>
    public sbyte[] LookupTables { get; init; } = [];

    /// <summary>From the levels of a group of rows to those of the next.</summary>
    public int RowStride { get; init; }

    /// <summary>From the levels of a granule to those of the next; 0 where granules share them.</summary>
    public int GranuleStride { get; init; }

    /// <summary>Which of the activations it multiplies, where codes stand for several columns: those of column mod
    /// <see cref="PreparedWeight.Views"/>.</summary>
    public int View { get; init; }

    /// <summary>The address of the memory of the codes, to tell matrices that share it.</summary>
    public nint Address => (nint)Codes;

    /// <summary>Whether a kernel may multiply both at once: they have the same codes, and one table a granule.</summary>
    public bool SharesCodes(PanelMatrix other) => Address == other.Address && Tables == 1 && other.Tables == 1;

    /// <summary>Says that a kernel reads panels, with the scales and levels that belong to them.</summary>
    [Conditional("VERNIER_CHECKED")]
    public void Touched(int panel, int end)
    {
        long lines = (long)Plan.Panels * Plan.Granules * PanelPlan.PanelRows;
        Touch.Within(panel, end - panel, Plan.Panels);
        Touch.Within((long)panel * Plan.PanelBytes, (long)(end - panel) * Plan.PanelBytes, _memory.LongLength - 64);
        foreach (int length in (ReadOnlySpan<int>)[Scales.Length, WideScales.Length, Zeros.Length, Minimums.Length])
            Touch.Within(0, length == 0 ? 0 : lines, length);
        Touch.Within(0, lines, Scales.Length + WideScales.Length);
        foreach (Segment segment in IsDirect ? [] : Plan.Segments)
        {
            Touch.Within((long)panel / Plan.PanelsPerGrid * RowStride + (long)segment.Granule * GranuleStride,
                GranuleStride > 0 ? GranuleStride : IntegerLevels.Stride, LookupTables.Length);
        }
    }

    /// <summary>The bytes of the codes.</summary>
    public long CodeBytes => _memory.LongLength;

    /// <summary>The bytes in memory beside the codes.</summary>
    public long OtherBytes => 2L * Scales.Length + 4L * WideScales.Length + 2L * Zeros.Length + 4L * Minimums.Length + LookupTables.Length;
}
