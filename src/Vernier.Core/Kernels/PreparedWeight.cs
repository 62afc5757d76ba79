using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing.Scalar;

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
public sealed unsafe class PreparedWeight : IPreparedMatrix
{
    private readonly PanelMatrix[] _parts;
    private readonly IPanelKernel[] _kernels;

    private PreparedWeight(int columns, int views, int entries, IntegerKernel kernel, PanelMatrix[] parts)
    {
        (Columns, Views, Kernel, _parts) = (columns, views, kernel.Name, parts);
        _kernels = Array.ConvertAll(parts, part => kernel.Create(part.Plan.StoredBits, part.IsDirect ? 0 : Math.Max(part.Tables * entries, part.Plan.StoredBits == 8 ? 256 : 0)));
    }

    /// <summary>Output channels.</summary>
    public int Rows => Plan.AllRows;

    /// <summary>Input channels.</summary>
    public int Columns { get; }

    /// <summary>The input channels that a code stands for.</summary>
    internal int Views { get; }

    /// <summary>The kernel that multiplies.</summary>
    public string Kernel { get; }

    /// <summary>The bytes in memory.</summary>
    public long Bytes => _parts.DistinctBy(part => part.Address).Sum(part => part.CodeBytes) + _parts.Sum(part => part.OtherBytes);

    internal PanelPlan Plan => _parts[0].Plan;

    internal ReadOnlySpan<PanelMatrix> Parts => _parts;

    internal ReadOnlySpan<IPanelKernel> PanelKernels => _kernels;

    /// <summary>Prepares a matrix that is in memory, for the best kernel of the machine.</summary>
    /// <param name="weight">The matrix.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves: see <see cref="CanPrepare"/>.</returns>
    public static PreparedWeight? Create(ScalarMatrix weight, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return Create(weight, KernelRegistry.Best, workers);
    }

    /// <summary>Prepares a matrix whose codes are read piece by piece, so that they are never in memory twice.</summary>
    /// <param name="spec">How it is packed.</param>
    /// <param name="grids">Its level tables.</param>
    /// <param name="scales">Its scales.</param>
    /// <param name="zeros">Its packed zero points, or empty.</param>
    /// <param name="read">Reads packed rows; called from several threads at once.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves: see <see cref="CanPrepare"/>.</returns>
    public static PreparedWeight? Create(ScalarLayout spec, IReadOnlyList<LevelTable> grids, ReadOnlyMemory<Half> scales, ReadOnlyMemory<byte> zeros, PackedRowReader read, Workers workers) =>
        Create(spec, grids, new PackedScales(spec, scales, zeros), read, KernelRegistry.Best, workers);

    /// <summary>
    /// Whether an integer kernel serves: not where fewer than 16 rows share level tables, for panels are of 16 rows that do, and not where
    /// levels of one matrix differ by more than 16 bits.
    /// </summary>
    public static bool CanPrepare(ScalarLayout spec, IReadOnlyList<LevelTable> grids)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return (spec.RowsPerGrid >= PanelPlan.PanelRows || spec.RowsPerGrid >= spec.Rows) && IntegerLevels.Of(spec, grids).Length > 0;
    }

    /// <summary>Y = X W^T.</summary>
    /// <param name="x">Activations, rows x columns.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="y">Receives rows x W's rows.</param>
    /// <param name="workers">The threads.</param>
    public void Multiply(ReadOnlySpan<float> x, int rows, Span<float> y, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(workers);
        CheckLengths(x, rows, y);
        fixed (float* px = x, py = y)
        {
            var product = default(PreparedProduct);
            product.Add(this, py);
            product.Run(px, rows, workers);
        }
    }

    /// <summary>
    /// Y_i = X W_i^T for several matrices that share their input, such as the query, key and value projections: in one piece of parallel work, and
    /// X is rounded once, where the matrices are cut alike. The results are those of one product after the other.
    /// </summary>
    /// <param name="x">Activations, rows x columns.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="weights">One to three matrices of as many columns.</param>
    /// <param name="outputs">As many arrays, which receive rows x W_i's rows at their beginning.</param>
    /// <param name="workers">The threads.</param>
    public static void Multiply(ReadOnlySpan<float> x, int rows, ReadOnlySpan<PreparedWeight> weights, ReadOnlySpan<float[]> outputs, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(workers);
        ArgumentOutOfRangeException.ThrowIfNotEqual(outputs.Length, weights.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(weights.Length, PreparedProduct.MostWeights);
        for (int i = 0; i < weights.Length; i++)
            weights[i].CheckLengths(x, rows, outputs[i]);
        fixed (float* px = x, y0 = At(outputs, 0), y1 = At(outputs, 1), y2 = At(outputs, 2))
        {
            var product = default(PreparedProduct);
            for (int i = 0; i < weights.Length; i++)
            {
                if (i > 0 && !weights[i].IsCutAs(weights[0]))
                {
                    product.Run(px, rows, workers);
                    product = default;
                }
                product.Add(weights[i], i == 0 ? y0 : i == 1 ? y1 : y2);
            }
            product.Run(px, rows, workers);
        }

        static float[]? At(ReadOnlySpan<float[]> arrays, int i) => i < arrays.Length ? arrays[i] : null;
    }

    /// <summary>Prepares a matrix of any layout whose codes several parts make into weights, for the best kernel of the machine.</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves: fewer than 16 rows share level tables, and not all do.</returns>
    public static PreparedWeight? Create(PanelSource source, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Create(source, KernelRegistry.Best, workers);
    }

    internal static PreparedWeight? Create(ScalarMatrix weight, IntegerKernel kernel, Workers workers) =>
        Create(weight.Spec, weight.Grids, new PackedScales(weight.Spec, weight.Scales, weight.Zeros),
            (row, rows) => weight.Codes.Span.Slice(row * weight.Spec.BytesPerRow, rows.Length).CopyTo(rows), kernel, workers);

    /// <summary>Prepares a matrix of another layout.</summary>
    /// <returns>Null where no integer kernel serves.</returns>
    internal static PreparedWeight? Create(PanelSource source, IntegerKernel kernel, Workers workers)
    {
        return source.IsSupported ? new PreparedWeight(source.InputColumns, source.Views, source.Entries, kernel, new SourcePanels(source, kernel).Create(workers)) : null;
    }

    private bool IsCutAs(PreparedWeight other) => Columns == other.Columns && Views == other.Views && Plan.IsCutAs(other.Plan);

    private static PreparedWeight? Create(ScalarLayout spec, IReadOnlyList<LevelTable> grids, PackedScales source, PackedRowReader read, IntegerKernel kernel, Workers workers)
    {
        if (!CanPrepare(spec, grids))
            return null;
        IntegerLevels[] levels = IntegerLevels.Of(spec, grids);
        int stored = CodeFormats.StoredBits(spec.Bits);
        if (levels.Length == 2 && stored == 8 && spec.Tables == 1 && !spec.ZeroPoints && kernel.MostEntries == 256)
        {
            PanelMatrix high = ScalarPanels.Create(new PanelPlan(spec, 8), levels[0], isDirect: false, source, read, workers);
            return new PreparedWeight(spec.Columns, 1, 1 << spec.Bits, kernel, [high, ScalarPanels.WithLevels(high, spec, levels[1])]);
        }
        bool direct = stored == 8 || levels.Length > 1 || spec.Tables << spec.Bits > 128;
        var plan = new PanelPlan(spec, direct ? 8 : stored);
        return new PreparedWeight(spec.Columns, 1, 1 << spec.Bits, kernel, Array.ConvertAll(levels, part => ScalarPanels.Create(plan, part, direct, source, read, workers)));
    }

    private void CheckLengths(ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> y)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * Columns, nameof(x));
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, (long)rows * Rows, nameof(y));
    }
}
