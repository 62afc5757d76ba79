namespace Vernier.Inference.Gguf;

/// <summary>Another order of the rows of a tensor in a GGUF file than in a Hugging Face checkpoint.</summary>
public sealed class GgufRows
{
    private readonly Func<long, long> _inGguf, _inHf;

    private GgufRows(long count, string parts, Func<long, long> inGguf, Func<long, long> inHf) =>
        (Count, Parts, _inGguf, _inHf) = (count, parts, inGguf, inHf);

    /// <summary>The rows that the tensor must have.</summary>
    public long Count { get; }

    /// <summary>What it must consist of, for messages.</summary>
    internal string Parts { get; }

    /// <summary>The row of the GGUF tensor that is a row of the Hugging Face tensor.</summary>
    public long InGguf(long row) => _inGguf(row);

    /// <summary>The row of the Hugging Face tensor that is a row of the GGUF tensor.</summary>
    public long InHf(long row) => _inHf(row);

    /// <summary>Rows that alternate within each head; see <see cref="RotaryRows"/>.</summary>
    /// <param name="heads">The heads.</param>
    /// <param name="headSize">The rows of one.</param>
    public static GgufRows Rotary(int heads, int headSize) => new((long)heads * headSize, $"{heads} heads of {headSize}",
        row => RotaryRows.InGguf(row, headSize), row => RotaryRows.InHf(row, headSize));

    /// <summary>One projection to query, key and value: in the checkpoint one group of heads after the other, each its queries, its key and
    /// its value; in the file all queries, all keys, all values.</summary>
    /// <param name="groups">The key and value heads.</param>
    /// <param name="queries">The query heads that share one.</param>
    /// <param name="headSize">The rows of a head.</param>
    public static GgufRows Grouped(int groups, int queries, int headSize) => new((long)groups * (queries + 2) * headSize,
        $"{groups} groups of {queries + 2} heads of {headSize}",
        row =>
        {
            (long head, long at) = (row / headSize, row % headSize);
            (long group, long part) = (head / (queries + 2), head % (queries + 2));
            long there = part < queries ? group * queries + part : (long)groups * (part == queries ? queries : queries + 1) + group;
            return there * headSize + at;
        },
        row =>
        {
            (long head, long at) = (row / headSize, row % headSize);
            long all = (long)groups * queries;
            (long group, long part) = head < all ? (head / queries, head % queries) : ((head - all) % groups,
                queries + (head - all) / groups);
            return (group * (queries + 2) + part) * headSize + at;
        });
}
