using System.Runtime.InteropServices;
using Vernier.Memory;

namespace Vernier.Packing.Trits;

/// <summary>A weight matrix as two planes of trits. See <see cref="TritLayout"/> for the arrays.</summary>
public sealed class TritMatrix : PackedMatrix
{
    /// <summary>Creates a packed matrix over arrays that it keeps.</summary>
    /// <param name="spec">How the matrix is packed.</param>
    /// <param name="unit">A power of two.</param>
    /// <param name="scales">[rows, groups, 2].</param>
    /// <param name="trits">[2, rows, packed bytes], all of them valid.</param>
    /// <param name="outliers">What is added to some weights; null where the layout has no outliers.</param>
    /// <exception cref="ArgumentException">An array does not have the size that the layout gives, the unit is no power of two, or outliers
    /// have another.</exception>
    public TritMatrix(TritLayout spec, float unit, Half[] scales, byte[] trits, Outliers? outliers = null)
        : base(spec, outliers)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(scales);
        ArgumentNullException.ThrowIfNull(trits);
        if (scales.Length != (long)spec.Rows * spec.Groups * TritLayout.Planes
            || trits.Length != (long)TritLayout.Planes * spec.Rows * spec.BytesPerRow)
            throw new ArgumentException("an array does not have the size that the layout gives", nameof(spec));
        MatrixUnit.Check(unit);
        CheckUnit(unit);
        (Spec, Unit, Scales, Trits) = (spec, unit, scales, trits);
    }

    /// <summary>How the matrix is packed.</summary>
    public TritLayout Spec { get; }

    /// <inheritdoc/>
    public override float Unit { get; }

    /// <summary>a_1 and a_2 of each group, [rows, groups, 2], in units of <see cref="Unit"/>.</summary>
    public ReadOnlyMemory<Half> Scales { get; }

    /// <summary>The packed planes, [2, rows, packed bytes].</summary>
    public ReadOnlyMemory<byte> Trits { get; }

    /// <summary>The trits of one row of a plane.</summary>
    /// <param name="plane">0 or 1.</param>
    /// <param name="row">From 0.</param>
    /// <param name="trits">Receives <see cref="PackedMatrix.Columns"/> trits.</param>
    public void UnpackRow(int plane, int row, Span<sbyte> trits) =>
        TritPacking.Unpack(Trits.Span.Slice(checked((plane * Rows + row) * Spec.BytesPerRow), Spec.BytesPerRow), Spec.Storage,
            trits[..Columns]);

    /// <summary>The scale of a group, unit included.</summary>
    /// <param name="plane">0 or 1.</param>
    /// <param name="row">From 0.</param>
    /// <param name="group">From 0.</param>
    public float Scale(int plane, int row, int group) => Unit * (float)Scales.Span[(row * Spec.Groups + group) * TritLayout.Planes + plane];

    /// <inheritdoc/>
    protected override void DecodeRow(int row, Span<float> destination)
    {
        using var first = new PooledArray<sbyte>(Columns);
        using var second = new PooledArray<sbyte>(Columns);
        Span<sbyte> t1 = first.Span, t2 = second.Span;
        UnpackRow(0, row, t1);
        UnpackRow(1, row, t2);
        Span<float> values = stackalloc float[9];
        for (int group = 0; group < Spec.Groups; group++)
        {
            float a1 = Scale(0, row, group), a2 = Scale(1, row, group);
            for (int i = 0; i < values.Length; i++)
                values[i] = a1 * (i / 3 - 1) + a2 * (i % 3 - 1);
            int end = Math.Min(Columns, (group + 1) * Spec.Width);
            for (int i = group * Spec.Width; i < end; i++)
                destination[i] = values[3 * t1[i] + t2[i] + 4];
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes() =>
        [BitConverter.GetBytes(Unit), MemoryMarshal.AsBytes(Scales.Span).ToArray(), Trits];
}
