using System.Runtime.InteropServices;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>Reads packed rows of the source, each of the specification's bytes.</summary>
/// <param name="firstRow">The first row.</param>
/// <param name="destination">Receives whole rows.</param>
public delegate void PackedRowReader(int firstRow, Span<byte> destination);

/// <summary>
/// A packed matrix in the order in which the integer kernels read it; see <see cref="PanelPlan"/>. It takes the place of the source: codes
/// have the same bits (8 where the source has 7 or more than 128 levels in its tables), scales stay in half precision.
/// </summary>
internal sealed unsafe class PanelMatrix
{
    private readonly byte[] _memory;

    private PanelMatrix(PanelPlan plan, IntegerLevels levels, bool isDirect)
    {
        (Plan, Levels, IsDirect) = (plan, levels, isDirect);
        // On the pinned heap, so that kernels need no handle; 64 bytes more to begin on a cache line.
        _memory = GC.AllocateUninitializedArray<byte>(checked((int)((long)plan.Panels * plan.PanelBytes + 64)), pinned: true);
        nint start = (nint)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        HugePages.Advise((void*)start, _memory.LongLength);
        Codes = (byte*)((start + 63) & ~63);
        Scales = GC.AllocateUninitializedArray<ushort>(checked(plan.Panels * plan.Granules * PanelPlan.PanelRows), pinned: true);
        Zeros = plan.Spec.ZeroPoints ? GC.AllocateUninitializedArray<short>(Scales.Length, pinned: true) : [];
        Tables = isDirect ? 1 : plan.Spec.Tables;
        LookupTables = GC.AllocateUninitializedArray<sbyte>(plan.Spec.Grids / plan.Spec.Tables * IntegerLevels.Stride, pinned: true);
    }

    private PanelMatrix(PanelMatrix source, IntegerLevels levels)
    {
        (Plan, Levels, IsDirect, _memory, Scales, Zeros, Tables) = (source.Plan, levels, false, source._memory, source.Scales, source.Zeros, source.Tables);
        Codes = source.Codes;
        LookupTables = GC.AllocateUninitializedArray<sbyte>(source.LookupTables.Length, pinned: true);
        FillTables();
    }

    /// <summary>The cut into panels and segments.</summary>
    public PanelPlan Plan { get; }

    /// <summary>The integers that codes stand for.</summary>
    public IntegerLevels Levels { get; }

    /// <summary>Whether stored bytes are levels rather than codes.</summary>
    public bool IsDirect { get; }

    /// <summary>The panels, each of <see cref="PanelPlan.PanelBytes"/>.</summary>
    public byte* Codes { get; }

    /// <summary>[panel][granule][row] in half precision, zero for rows that are not there.</summary>
    public ushort[] Scales { get; }

    /// <summary>[panel][granule][row]: the stored level of the zero point; empty where there are none.</summary>
    public short[] Zeros { get; }

    /// <summary>The tables that a granule chooses from by the last bits of its scale; 1 where codes are levels already.</summary>
    public int Tables { get; }

    /// <summary>For each group of rows 256 levels: those of table t begin at t 2^bits, and all repeat themselves.</summary>
    public sbyte[] LookupTables { get; }

    /// <summary>The bytes in memory.</summary>
    public long Bytes => _memory.LongLength + 2L * Scales.Length + 2L * Zeros.Length + LookupTables.Length;

    /// <summary>Rearranges a matrix, panels in parallel.</summary>
    /// <param name="plan">The cut.</param>
    /// <param name="levels">The integers of the codes.</param>
    /// <param name="isDirect">Whether to store levels rather than codes.</param>
    /// <param name="source">The source without its codes.</param>
    /// <param name="read">Reads the codes.</param>
    public static PanelMatrix Create(PanelPlan plan, IntegerLevels levels, bool isDirect, PackedScales source, PackedRowReader read)
    {
        var matrix = new PanelMatrix(plan, levels, isDirect);
        matrix.FillTables();
        const int PanelsPerTask = 4;
        ParallelLoop.For((plan.Panels + PanelsPerTask - 1) / PanelsPerTask, task =>
        {
            var packing = new PanelPacking(matrix, source, read);
            for (int panel = task * PanelsPerTask; panel < Math.Min(plan.Panels, (task + 1) * PanelsPerTask); panel++)
                packing.Fill(panel);
        });
        return matrix;
    }

    /// <summary>The same codes and scales with other levels; there are no zero points.</summary>
    public PanelMatrix WithLevels(IntegerLevels levels) => new(this, levels);

    private void FillTables()
    {
        int codes = 1 << Plan.Spec.Bits, tables = Plan.Spec.Tables;
        LookupTables.AsSpan().Clear();
        if (IsDirect)
            return;
        for (int grid = 0; grid < Plan.Spec.Grids; grid++)
            Levels.Stored.AsSpan(grid * IntegerLevels.Stride, codes).CopyTo(LookupTables.AsSpan(grid / tables * IntegerLevels.Stride + grid % tables * codes));
        for (int first = 0; first < LookupTables.Length; first += IntegerLevels.Stride)
        {
            for (int i = tables * codes; i < IntegerLevels.Stride; i++)
                LookupTables[first + i] = LookupTables[first + i - tables * codes];
        }
    }
}
