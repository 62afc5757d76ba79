namespace Vernier.Files.Foreign;

/// <summary>
/// A matrix as GPTQ tools store it: codes of b bits along the inputs, w[o, i] = scale[g, o] (q[i, o] - zero[g, o]) with g the group of
/// input i.
/// </summary>
internal sealed class GptqWeight : ForeignWeight
{
    private readonly StoredPart _zeros, _scales;
    private readonly long _outputs;
    private readonly int _bits, _added;
    private readonly int[] _groupOf;

    /// <summary>Shows a matrix.</summary>
    /// <param name="name">The name of the weight.</param>
    /// <param name="codes">I32 [inputs b / 32, outputs].</param>
    /// <param name="zeros">I32 [groups, outputs b / 32].</param>
    /// <param name="scales">[groups, outputs].</param>
    /// <param name="groups">I32 [inputs], or null.</param>
    /// <param name="bits">The bits of a code.</param>
    /// <param name="added">What is added to a stored zero: 1 in the first version of the format, 0 in the second.</param>
    /// <param name="groupOf">The group of each input.</param>
    public GptqWeight(string name, StoredPart codes, StoredPart zeros, StoredPart scales, StoredPart? groups, int bits, int added,
        int[] groupOf)
        : base(name, [codes.Shape[1], groupOf.Length], codes, zeros, scales, groups)
    {
        (_zeros, _scales, _bits, _added, _groupOf) = (zeros, scales, bits, added, groupOf);
        _outputs = codes.Shape[1];
    }

    /// <inheritdoc/>
    protected override void ReadRow(long row, long column, Span<float> destination)
    {
        long groups = _scales.Shape[0], zeroWords = _zeros.Shape[1];
        var scale = new float[groups];
        var zero = new int[groups];
        ReadOnlySpan<byte> zeros = _zeros.Bytes, scales = _scales.Bytes, codes = Codes.Bytes;
        for (long group = 0; group < groups; group++)
        {
            scale[group] = StoredPart.Number(scales, _scales.Type, group * _outputs + row);
            zero[group] = (StoredPart.Code(zeros, group * zeroWords, 1, row, _bits) + _added) & ((1 << _bits) - 1);
        }
        for (int i = 0; i < destination.Length; i++)
        {
            int group = _groupOf[column + i];
            destination[i] = scale[group] * (StoredPart.Code(codes, row, _outputs, column + i, _bits) - zero[group]);
        }
    }
}
