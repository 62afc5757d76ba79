using System.Runtime.InteropServices;
using Vernier.Memory;

namespace Vernier.Packing.TwoLevel;

/// <summary>A weight matrix as codes within integers of 8 bits. See <see cref="TwoLevelLayout"/> for the arrays.</summary>
public sealed class TwoLevelMatrix : PackedMatrix
{
    /// <summary>Creates a packed matrix over arrays that it keeps.</summary>
    /// <param name="spec">How the matrix is packed.</param>
    /// <param name="unit">A power of two.</param>
    /// <param name="scales">[rows].</param>
    /// <param name="factors">[rows, groups], each 1 to 127.</param>
    /// <param name="zeros">[rows, packed bytes].</param>
    /// <param name="codes">[rows, packed bytes].</param>
    /// <param name="outliers">What is added to some weights; null where the layout has no outliers.</param>
    /// <exception cref="ArgumentException">
    /// An array does not have the size that the layout gives, a factor is out of range, the unit is no power of two, or outliers have
    /// another.
    /// </exception>
    public TwoLevelMatrix(TwoLevelLayout spec, float unit, Half[] scales, sbyte[] factors, byte[] zeros, byte[] codes,
        Outliers? outliers = null)
        : base(spec, outliers)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(scales);
        ArgumentNullException.ThrowIfNull(factors);
        ArgumentNullException.ThrowIfNull(zeros);
        ArgumentNullException.ThrowIfNull(codes);
        if (scales.Length != spec.Rows || factors.Length != (long)spec.Rows * spec.Groups
            || zeros.Length != (long)spec.Rows * spec.ZeroBytesPerRow || codes.Length != (long)spec.Rows * spec.BytesPerRow)
            throw new ArgumentException("an array does not have the size that the layout gives", nameof(spec));
        if (factors.AsSpan().ContainsAnyExceptInRange((sbyte)1, (sbyte)TwoLevelLayout.Largest))
            throw new ArgumentException("a factor of a group is below 1", nameof(factors));
        MatrixUnit.Check(unit);
        CheckUnit(unit);
        (Spec, Unit, Scales, Factors, Zeros, Codes) = (spec, unit, scales, factors, zeros, codes);
    }

    /// <summary>How the matrix is packed.</summary>
    public TwoLevelLayout Spec { get; }

    /// <inheritdoc/>
    public override float Unit { get; }

    /// <summary>s of each row, in units of <see cref="Unit"/>.</summary>
    public ReadOnlyMemory<Half> Scales { get; }

    /// <summary>k of each group, [rows, groups].</summary>
    public ReadOnlyMemory<sbyte> Factors { get; }

    /// <summary>The packed zero points.</summary>
    public ReadOnlyMemory<byte> Zeros { get; }

    /// <summary>The packed codes.</summary>
    public ReadOnlyMemory<byte> Codes { get; }

    /// <summary>The scale of a row, unit included.</summary>
    public float Scale(int row) => Unit * (float)Scales.Span[row];

    /// <summary>The integer that a code stands for: k c, with c held within the multiples of k that 8 bits hold, -floor(127 / k) ..
    /// floor(127 / k).</summary>
    /// <param name="factor">k.</param>
    /// <param name="steps">c = q - z.</param>
    public static sbyte Level(int factor, int steps) =>
        (sbyte)(factor * Math.Clamp(steps, -(TwoLevelLayout.Largest / factor), TwoLevelLayout.Largest / factor));

    /// <summary>The integers of one row: its weights at scale 1.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="integers">Receives <see cref="PackedMatrix.Columns"/> integers, -127 to 127.</param>
    public void ExpandRow(int row, Span<sbyte> integers)
    {
        using var codeBuffer = new PooledArray<byte>(Columns);
        Span<byte> codes = codeBuffer.Span, zeros = Spec.Groups <= 256 ? stackalloc byte[Spec.Groups] : new byte[Spec.Groups];
        CodePacking.Unpack(Codes.Span.Slice(row * Spec.BytesPerRow, Spec.BytesPerRow), Spec.Bits, codes);
        UnpackZeros(row, zeros);
        Span<sbyte> table = stackalloc sbyte[1 << Spec.Bits];
        for (int group = 0; group < Spec.Groups; group++)
        {
            int factor = Factors.Span[row * Spec.Groups + group], end = Math.Min(Columns, (group + 1) * Spec.Width);
            for (int code = 0; code < table.Length; code++)
                table[code] = Level(factor, code - zeros[group]);
            for (int i = group * Spec.Width; i < end; i++)
                integers[i] = table[codes[i]];
        }
    }

    /// <inheritdoc/>
    protected override void DecodeRow(int row, Span<float> destination)
    {
        using var buffer = new PooledArray<sbyte>(Columns);
        Span<sbyte> integers = buffer.Span;
        ExpandRow(row, integers);
        float scale = Scale(row);
        for (int i = 0; i < integers.Length; i++)
            destination[i] = scale * integers[i];
    }

    /// <summary>The zero points of one row.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="zeros">Receives <see cref="TwoLevelLayout.Groups"/> zero points.</param>
    public void UnpackZeros(int row, Span<byte> zeros) =>
        CodePacking.Unpack(Zeros.Span.Slice(row * Spec.ZeroBytesPerRow, Spec.ZeroBytesPerRow), Spec.Bits, zeros);

    /// <inheritdoc/>
    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes() =>
        [BitConverter.GetBytes(Unit), MemoryMarshal.AsBytes(Scales.Span).ToArray(), MemoryMarshal.AsBytes(Factors.Span).ToArray(), Zeros,
            Codes];
}
