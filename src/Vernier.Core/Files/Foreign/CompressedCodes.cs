namespace Vernier.Files.Foreign;

/// <summary>
/// A matrix of whole numbers as compressed-tensors stores it, w = (q - zero) scale: each number a byte, or codes q + 2^(b-1) of b bits in
/// words of 32 along the inputs. A scale belongs to the whole, to a row or to a group of columns.
/// </summary>
internal sealed class CompressedCodes : ForeignWeight
{
    private readonly StoredPart _scales;
    private readonly StoredPart? _zeros;
    private readonly int _bits;
    private readonly long _words;

    // The rows that a row of scales belongs to, and the group of each column.
    private readonly bool _whole;
    private readonly int[] _groupOf;

    private CompressedCodes(string name, long rows, StoredPart codes, StoredPart scales, StoredPart? zeros, StoredPart? shape,
        StoredPart? indices, int bits, int[] groupOf)
        : base(name, [rows, groupOf.Length], codes, scales, zeros, shape, indices)
    {
        (_scales, _zeros, _bits, _groupOf) = (scales, zeros, bits, groupOf);
        (_words, _whole) = (codes.Shape[1], scales.Info.Count == 1);
    }

    /// <summary>Reads a matrix packed in words.</summary>
    /// <param name="reader">The tensors.</param>
    /// <param name="prefix">The name of the layer.</param>
    /// <param name="bits">The bits that groups of layers have.</param>
    /// <param name="sizes">The columns of a group that groups of layers have.</param>
    public static CompressedCodes Read(ForeignReader reader, string prefix, IReadOnlyList<int> bits, IReadOnlyList<int> sizes)
    {
        StoredPart codes = reader.Need(prefix + ".weight_packed", 2, ElementType.I32), scales = reader.Need(prefix + ".weight_scale", -1),
            shape = reader.Need(prefix + ".weight_shape", 1, ElementType.I64, ElementType.I32);
        ForeignReader.Fit(shape, 2);
        (long rows, long columns) = (shape.Integer(0), shape.Integer(1));
        int[] fitting = [.. bits.Where(width => width is 2 or 4 or 8 && (columns + 32 / width - 1) / (32 / width) == codes.Shape[1])];
        if (rows != codes.Shape[0] || columns < 1 || columns > codes.Shape[1] * 32 || fitting.Length != 1)
            throw ForeignReader.Shape(codes, $"a matrix of [{rows}, {columns}] in codes of {string.Join(" or ", bits)} bits has others; "
                + "2, 4 and 8 bits are read here");
        StoredPart? zeros = reader.Option(prefix + ".weight_zero_point", -1, ElementType.I32, ElementType.I8);
        StoredPart? indices = reader.Option(prefix + ".weight_g_idx", 1, ElementType.I32, ElementType.I64);
        int[] groupOf = Groups(rows, columns, scales, indices, sizes);
        long lines = scales.Info.Count == 1 ? 1 : rows;
        if (zeros is { Type: ElementType.I32 })
            ForeignReader.Fit(zeros, (lines + 32 / fitting[0] - 1) / (32 / fitting[0]), scales.Info.Count / lines);
        else if (zeros is not null)
            ForeignReader.Fit(zeros, [.. scales.Shape]);
        return new CompressedCodes(prefix + ".weight", rows, codes, scales, zeros, shape, indices, fitting[0], groupOf);
    }

    /// <summary>Reads a matrix of bytes.</summary>
    /// <param name="reader">The tensors.</param>
    /// <param name="prefix">The name of the layer.</param>
    /// <param name="codes">The numbers.</param>
    /// <param name="sizes">The columns of a group that groups of layers have.</param>
    public static CompressedCodes ReadWhole(ForeignReader reader, string prefix, StoredPart codes, IReadOnlyList<int> sizes)
    {
        codes = reader.Need(codes.Name, 2, ElementType.I8);
        StoredPart scales = reader.Need(prefix + ".weight_scale", -1);
        StoredPart? zeros = reader.Option(prefix + ".weight_zero_point", -1, ElementType.I8);
        StoredPart? indices = reader.Option(prefix + ".weight_g_idx", 1, ElementType.I32, ElementType.I64);
        if (zeros is not null)
            ForeignReader.Fit(zeros, [.. scales.Shape]);
        return new CompressedCodes(codes.Name, codes.Shape[0], codes, scales, zeros, null, indices, 0,
            Groups(codes.Shape[0], codes.Shape[1], scales, indices, sizes));
    }

    /// <inheritdoc/>
    protected override void ReadRow(long row, long column, Span<float> destination)
    {
        int groups = _whole ? 1 : (int)(_scales.Info.Count / Info.Shape[0]);
        var scale = new float[groups];
        var zero = new float[groups];
        long line = _whole ? 0 : row;
        _scales.Numbers(line * groups, scale);
        if (_zeros is { Type: ElementType.I8 })
            _zeros.Numbers(line * groups, zero);
        else if (_zeros is not null)
        {
            for (int group = 0; group < groups; group++)
                zero[group] = StoredPart.Code(_zeros.Bytes, group, groups, line, _bits) - (1 << (_bits - 1));
        }
        if (_bits == 0)
            Codes.Numbers(row * _words + column, destination);
        else
        {
            ReadOnlySpan<byte> codes = Codes.Bytes;
            for (int i = 0; i < destination.Length; i++)
                destination[i] = StoredPart.Code(codes, row * _words, 1, column + i, _bits) - (1 << (_bits - 1));
        }
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (destination[i] - zero[_groupOf[column + i]]) * scale[_groupOf[column + i]];
    }

    // The group of each column.
    private static int[] Groups(long rows, long columns, StoredPart scales, StoredPart? indices, IReadOnlyList<int> sizes)
    {
        var groupOf = new int[columns];
        bool row = scales.Info.Count == rows && (scales.Shape.Count == 1 || scales.Shape[^1] == 1);
        if (scales.Info.Count == 1 || row)
            return groupOf;
        if (scales.Shape.Count != 2 || scales.Shape[0] != rows)
            throw ForeignReader.Shape(scales, $"a matrix of [{rows}, {columns}] has one scale, one for a row, or some in a row");
        long groups = scales.Shape[1];
        long[] fitting = [.. sizes.Where(size => (columns + size - 1) / size == groups)];
        if (fitting.Length != 1)
            throw ForeignReader.Shape(scales, $"{columns} columns in groups of {string.Join(" or ", sizes)} have others");
        if (indices is not null)
            ForeignReader.Fit(indices, columns);
        bool ordered = indices is not null && !Enumerable.Range(0, (int)columns).Any(i => indices.Integer(i) == -1);
        for (int i = 0; i < columns; i++)
        {
            long group = ordered ? indices!.Integer(i) : i / fitting[0];
            if (group < 0 || group >= groups)
                throw ForeignReader.Error(indices!, ForeignRules.PartValue, $"column {i} is in group {group}, and there are {groups}");
            groupOf[i] = (int)group;
        }
        return groupOf;
    }
}
