using System.Runtime.CompilerServices;
using Vernier.Grids;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Kernels;

/// <summary>
/// A packed matrix made ready for this machine: Y = X W^T with activations in 8 bits and integer sums. See <see cref="QuantizedRows"/> for
/// how activations are rounded; everything else is exact but for one float product and sum a segment, in a fixed order, so that the
/// result depends neither on the kernel, nor on the number of threads, nor on the other rows of X.
/// </summary>
/// <remarks>
/// Levels of more than 8 bits are split, level = 256 high + low, into two parts whose products are added. A machine that can look a byte up in
/// 256 entries keeps the codes and looks each up twice; on others the two bytes of the levels are stored, twice the memory of the file.
/// </remarks>
public sealed unsafe class PreparedWeight
{
    /// <summary>Tokens of one item of parallel work: their 16 outputs stay in the first cache.</summary>
    private const int BlockTiles = 42;

    private readonly PanelMatrix[] _parts;
    private readonly IPanelKernel[] _kernels;

    private PreparedWeight(PackedTensorSpec spec, IntegerKernel kernel, PanelMatrix[] parts)
    {
        (Spec, Kernel, _parts) = (spec, kernel.Name, parts);
        _kernels = Array.ConvertAll(parts, part => kernel.Create(part.Plan.StoredBits, part.IsDirect ? 0 : Math.Max(part.Tables << spec.Bits, part.Plan.StoredBits == 8 ? 256 : 0)));
    }

    /// <summary>How the source is packed.</summary>
    public PackedTensorSpec Spec { get; }

    /// <summary>The kernel that multiplies.</summary>
    public string Kernel { get; }

    /// <summary>The bytes in memory.</summary>
    public long Bytes => _parts.DistinctBy(part => (nint)part.Codes).Sum(part => part.Bytes);

    internal IReadOnlyList<PanelMatrix> Parts => _parts;

    internal IReadOnlyList<IPanelKernel> PanelKernels => _kernels;

    /// <summary>Prepares a matrix that is in memory, for the best kernel of the machine.</summary>
    /// <returns>Null where no integer kernel serves: see <see cref="CanPrepare"/>.</returns>
    public static PreparedWeight? Create(PackedTensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return Create(weight, KernelRegistry.Best);
    }

    /// <summary>Prepares a matrix whose codes are read piece by piece, so that they are never in memory twice.</summary>
    /// <param name="spec">How it is packed.</param>
    /// <param name="grids">Its level tables.</param>
    /// <param name="scales">Its scales.</param>
    /// <param name="zeros">Its packed zero points, or empty.</param>
    /// <param name="read">Reads packed rows; called from several threads at once.</param>
    /// <returns>Null where no integer kernel serves: see <see cref="CanPrepare"/>.</returns>
    public static PreparedWeight? Create(PackedTensorSpec spec, IReadOnlyList<LevelTable> grids, ReadOnlyMemory<Half> scales, ReadOnlyMemory<byte> zeros, PackedRowReader read) =>
        Create(spec, grids, new PackedScales(spec, scales, zeros), read, KernelRegistry.Best);

    /// <summary>
    /// Whether an integer kernel serves: not where fewer than 16 rows share level tables, for panels are of 16 rows that do, and not where
    /// levels of one matrix differ by more than 16 bits.
    /// </summary>
    public static bool CanPrepare(PackedTensorSpec spec, IReadOnlyList<LevelTable> grids)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return (spec.RowsPerGrid >= PanelPlan.PanelRows || spec.RowsPerGrid >= spec.Rows) && IntegerLevels.Of(spec, grids).Length > 0;
    }

    /// <summary>Y = X W^T.</summary>
    /// <param name="x">Activations, rows x columns.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="y">Receives rows x W's rows.</param>
    public void Multiply(ReadOnlySpan<float> x, int rows, Span<float> y)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * Spec.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, (long)rows * Spec.Rows);
        if (rows == 0)
            return;
        fixed (float* px = x, py = y)
        {
            PanelPlan plan = _parts[0].Plan;
            QuantizedRows quantized = new(px, rows, plan);
            var work = new Work { Weight = this, Rows = rows, Y = py, X = new RowsView(quantized.Values, quantized.Scales, quantized.Sums, quantized.TileQuads, quantized.TileSegments) };
            if (quantized.Tile == 1)
            {
                work.Items = Math.Min(plan.Panels, 8 * ParallelLoop.MaxThreads);
                WorkerTeam.Run(work.Items, ref work);
            }
            else
            {
                work.Tiles = quantized.Tiles;
                WorkerTeam.Run(plan.Panels * ((quantized.Tiles + BlockTiles - 1) / BlockTiles), ref work);
            }
            quantized.Dispose();
        }
    }

    internal static PreparedWeight? Create(PackedTensor weight, IntegerKernel kernel) =>
        Create(weight.Spec, weight.Grids, new PackedScales(weight.Spec, weight.Scales, weight.Zeros),
            (row, rows) => weight.Codes.Span.Slice(row * weight.Spec.BytesPerRow, rows.Length).CopyTo(rows), kernel);

    private static PreparedWeight? Create(PackedTensorSpec spec, IReadOnlyList<LevelTable> grids, PackedScales source, PackedRowReader read, IntegerKernel kernel)
    {
        if (!CanPrepare(spec, grids))
            return null;
        IntegerLevels[] levels = IntegerLevels.Of(spec, grids);
        int stored = CodeFormats.StoredBits(spec.Bits);
        if (levels.Length == 2 && stored == 8 && spec.Tables == 1 && !spec.ZeroPoints && kernel.MostEntries == 256)
        {
            PanelMatrix high = PanelMatrix.Create(new PanelPlan(spec, 8), levels[0], isDirect: false, source, read);
            return new PreparedWeight(spec, kernel, [high, high.WithLevels(levels[1])]);
        }
        bool direct = stored == 8 || levels.Length > 1 || spec.Tables << spec.Bits > 128;
        var plan = new PanelPlan(spec, direct ? 8 : stored);
        return new PreparedWeight(spec, kernel, Array.ConvertAll(levels, part => PanelMatrix.Create(plan, part, direct, source, read)));
    }

    private struct Work : ITeamWork
    {
        public PreparedWeight Weight;
        public RowsView X;
        public int Rows, Items, Tiles;
        public float* Y;

        [SkipLocalsInit]
        public readonly void Invoke(int index)
        {
            PanelPlan plan = Weight._parts[0].Plan;
            float* sums = stackalloc float[BlockTiles * QuantizedRows.TileTokens * PanelPlan.PanelRows];
            if (Items > 0)
            {
                int end = (int)((long)plan.Panels * (index + 1) / Items);
                for (int panel = (int)((long)plan.Panels * index / Items); panel < end; panel++)
                {
                    for (int token = 0; token < Rows; token++)
                        Generate(plan, panel, token, sums);
                }
                return;
            }
            (int block, int blockPanel) = Math.DivRem(index, plan.Panels);
            int tile = block * BlockTiles, tiles = Math.Min(BlockTiles, Tiles - tile);
            int first = tile * QuantizedRows.TileTokens, last = Math.Min(Rows, first + tiles * QuantizedRows.TileTokens);
            for (int part = 0; part < Weight._parts.Length; part++)
            {
                Weight._kernels[part].Prompt(Weight._parts[part], X, tile, tiles, blockPanel, sums);
                for (int token = first; token < last; token++)
                    Write(plan, blockPanel, token, sums + (token - first) * PanelPlan.PanelRows, part > 0);
            }
        }

        private readonly void Generate(PanelPlan plan, int panel, int token, float* sums)
        {
            for (int part = 0; part < Weight._parts.Length; part++)
            {
                Weight._kernels[part].Generate(Weight._parts[part], X.Token(token), panel, sums);
                Write(plan, panel, token, sums, part > 0);
            }
        }

        private readonly void Write(PanelPlan plan, int panel, int token, float* sums, bool add)
        {
            float* target = Y + (long)token * plan.Spec.Rows + plan.Row(panel);
            int rows = plan.Rows(panel);
            for (int r = 0; r < rows; r++)
                target[r] = add ? target[r] + sums[r] : sums[r];
        }
    }
}
