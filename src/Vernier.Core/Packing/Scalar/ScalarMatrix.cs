using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vernier.Levels;
using Vernier.Memory;

namespace Vernier.Packing.Scalar;

/// <summary>A weight matrix as codes, scales and level tables. See <see cref="ScalarLayout"/> for the arrays.</summary>
public sealed class ScalarMatrix : PackedMatrix
{
    private readonly float[][] _values;

    /// <summary>Creates a packed matrix over arrays that it keeps.</summary>
    /// <param name="spec">How the matrix is packed.</param>
    /// <param name="grids">The level tables: for each <see cref="ScalarLayout.RowsPerGrid"/> rows those that a granule may choose.</param>
    /// <param name="scales">[scale rows, granules a row].</param>
    /// <param name="zeros">The packed zero points, empty where there are none.</param>
    /// <param name="codes">[rows, packed bytes].</param>
    /// <param name="outliers">What is added to some weights; null where the specification has no outliers.</param>
    /// <exception cref="ArgumentException">An array does not have the size that the specification gives, or the outliers another unit than
    /// the first table.</exception>
    public ScalarMatrix(ScalarLayout spec, IReadOnlyList<LevelTable> grids, Half[] scales, byte[] zeros, ReadOnlyMemory<byte> codes,
        Outliers? outliers = null)
        : base(spec, outliers)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(grids);
        ArgumentNullException.ThrowIfNull(scales);
        ArgumentNullException.ThrowIfNull(zeros);
        if (grids.Count != spec.Grids || scales.Length != spec.Scales || zeros.Length != spec.ZeroBytes
            || codes.Length != (long)spec.Rows * spec.BytesPerRow)
            throw new ArgumentException("an array does not have the size that the specification gives", nameof(spec));
        if (grids.Any(grid => grid.IsFloat != spec.FloatLevels))
            throw new ArgumentException("levels that are floats are stored as such, and no others", nameof(grids));
        CheckUnit(grids[0].Unit);
        Spec = spec;
        Grids = grids;
        Scales = scales;
        Zeros = zeros;
        Codes = codes;
        _values = [.. grids.Select(grid => PaddedValues(grid, spec.Bits))];
    }

    /// <summary>How the matrix is packed.</summary>
    public ScalarLayout Spec { get; }

    /// <summary>The unit of the first level table.</summary>
    public override float Unit => Grids[0].Unit;

    /// <inheritdoc/>
    public override IReadOnlyList<double> Exponents => [.. Grids.Select(grid => grid.Exponent)];

    /// <summary>The level tables.</summary>
    public IReadOnlyList<LevelTable> Grids { get; }

    /// <summary>The scales.</summary>
    public ReadOnlyMemory<Half> Scales { get; }

    /// <summary>The packed zero points.</summary>
    public ReadOnlyMemory<byte> Zeros { get; }

    /// <summary>The packed codes.</summary>
    public ReadOnlyMemory<byte> Codes { get; }

    /// <summary>The codes of one row.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="codes">Receives <see cref="PackedMatrix.Columns"/> codes.</param>
    public void UnpackRow(int row, Span<byte> codes) =>
        CodePacking.Unpack(Codes.Span.Slice(row * Spec.BytesPerRow, Spec.BytesPerRow), Spec.Bits, codes[..Columns]);

    /// <summary>One row in single precision: scale * (unit * (level[code] - level[zero])).</summary>
    /// <inheritdoc/>
    protected override void DecodeRow(int row, Span<float> destination)
    {
        using var buffer = new PooledArray<byte>(Columns);
        Span<byte> codes = buffer.Span;
        UnpackRow(row, codes);
        int scaleRow = Spec.Granularity.GroupColumns < 0 ? 0 : row;
        int granules = Spec.Granularity.ScaleColumns(Columns), width = Spec.Granularity.Width(Columns);
        ReadOnlySpan<Half> scales = Scales.Span.Slice(scaleRow * granules, granules);
        for (int granule = 0; granule < granules; granule++)
        {
            int first = granule * width, count = Math.Min(width, Columns - first);
            ReadOnlySpan<float> values = _values[Spec.GridOf(row, scales[granule])];
            float scale = (float)scales[granule], zero = Spec.ZeroPoints ? values[ZeroPoint(scaleRow, granule)] : 0;
            LookUp(codes.Slice(first, count), values, scale, zero, destination.Slice(first, count));
        }
    }

    /// <summary>destination_i = scale * (values[codes_i] - zero).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void LookUp(ReadOnlySpan<byte> codes, ReadOnlySpan<float> values, float scale, float zero,
        Span<float> destination)
    {
        int i = 0;
        Touch.Range<float>(destination, 0, codes.Length);
        Touch.Indices(codes, values.Length);
        fixed (byte* code = codes)
        fixed (float* value = values, target = destination)
        {
            if (Avx512F.IsSupported && values.Length == 16)
            {
                Vector512<float> table = (Vector512.Load(value) - Vector512.Create(zero)) * scale;
                for (; i + 16 <= codes.Length; i += 16)
                    Avx512F.PermuteVar16x32(table, Avx512F.ConvertToVector512Int32(Vector128.Load(code + i))).Store(target + i);
            }
            else if (Avx2.IsSupported)
            {
                for (; i + 8 <= codes.Length; i += 8)
                    ((Avx2.GatherVector256(value, Avx2.ConvertToVector256Int32(code + i), sizeof(float)) - Vector256.Create(zero)) * scale)
                        .Store(target + i);
            }
            for (; i < codes.Length; i++)
                target[i] = scale * (value[code[i]] - zero);
        }
    }

    /// <summary>The zero point of a granule.</summary>
    public int ZeroPoint(int scaleRow, int granule)
    {
        int bytes = Spec.ZeroBytes / Spec.Granularity.ScaleRows(Rows), bit = granule * Spec.Bits, at = bit >> 3;
        ReadOnlySpan<byte> row = Zeros.Span.Slice(scaleRow * bytes, bytes);
        int word = row[at] | (at + 1 < row.Length ? row[at + 1] << 8 : 0);
        return (word >> (bit & 7)) & ((1 << Spec.Bits) - 1);
    }

    /// <inheritdoc/>
    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes()
    {
        var grid = new float[3 * Grids.Count];
        int count = 1 << Spec.Bits;
        var levels = new byte[Grids.Count * count * (Spec.FloatLevels ? 4 : Spec.WideLevels ? 2 : 1)];
        for (int g = 0; g < Grids.Count; g++)
        {
            grid[3 * g] = (float)Grids[g].Exponent;
            grid[3 * g + 1] = (float)Grids[g].Offset;
            grid[3 * g + 2] = Grids[g].Unit;
            ReadOnlySpan<short> table = Grids[g].Levels;
            for (int code = 0; code < count; code++)
            {
                if (Spec.FloatLevels)
                {
                    BitConverter.TryWriteBytes(levels.AsSpan(4 * (g * count + code)),
                        Grids[g].Values[Math.Min(code, Grids[g].Count - 1)] / Grids[g].Unit);
                    continue;
                }
                short level = table[Math.Min(code, table.Length - 1)];
                if (Spec.WideLevels)
                    BitConverter.TryWriteBytes(levels.AsSpan(2 * (g * count + code)), level);
                else
                    levels[g * count + code] = (byte)checked((sbyte)level);
            }
        }
        yield return MemoryMarshal.AsBytes(grid.AsSpan()).ToArray();
        yield return levels;
        yield return Spec.ScaleFormat == ScaleFormat.Half
            ? MemoryMarshal.AsBytes(Scales.Span).ToArray()
            : Array.ConvertAll(Scales.ToArray(), scale => StoredScale.Encode(scale, Spec.ScaleFormat));
        if (Spec.ZeroPoints)
            yield return Zeros;
        yield return Codes;
    }

    // A symmetric table leaves the last code unused; a file could still hold it. It then stands for the last level.
    private static float[] PaddedValues(LevelTable grid, int bits)
    {
        var values = new float[1 << bits];
        values.AsSpan().Fill(grid.Values[^1]);
        grid.Values.CopyTo(values);
        return values;
    }
}
