using System.Numerics.Tensors;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Inference.Models;

/// <summary>
/// Whether the numbers of a tensor have a place in the type that it is to have, found before anything is written. F16 holds magnitudes
/// below 65520 and BF16 below (2 - 2^-8) 2^127, from which on they round to infinity. A block type holds a block where ggml's encoding of
/// it decodes to finite numbers, where the halves that are its scales are finite, and no number is beyond <see cref="BlockFormat.Reach"/>.
/// </summary>
/// <param name="source">The tensors.</param>
/// <param name="workers">Who looks through them.</param>
internal sealed class NumberRange(Checkpoint source, Workers workers)
{
    private const int PieceNumbers = 1 << 18;
    private const float HalfBound = 65520, Bfloat16Bound = 3.3961775e38f;

    // 2^-134: what is not beyond it rounds to zero in BF16.
    private const float Bfloat16Least = 4.5917748e-41f;

    /// <summary>No scale of blocks of smaller numbers leaves half precision, whatever counts how much.</summary>
    private const float SafeInBlocks = 1024;

    /// <summary>No block of numbers of which one is larger becomes zero in any type: half precision begins at 2^-24, and no level of a
    /// block
    /// is beyond 2^13 of its scale.</summary>
    private const float SafeFromZero = 1f / 2048;

    /// <summary>Checks a tensor.</summary>
    /// <param name="tensor">The tensor, of real numbers of whole bytes.</param>
    /// <param name="type">The type that it is to have.</param>
    /// <param name="name">Its name in the file that is to be written.</param>
    /// <param name="importance">A number for each column, with which it is to be encoded; or empty.</param>
    /// <returns>The largest magnitude.</returns>
    /// <exception cref="InvalidFileException">A number is not finite, or has no place in the type.</exception>
    public float Check(TensorInfo tensor, GgufTensorType type, string name, float[] importance)
    {
        float largest = Largest(tensor), bound = type.Element switch
        {
            ElementType.F16 => HalfBound,
            ElementType.BF16 => Bfloat16Bound,
            null => (float)Math.BitIncrement((float)type.Format!.Reach),
            _ => float.PositiveInfinity,
        };
        if (!float.IsFinite(largest))
            throw NotFinite(tensor, GgufModelRules.NotFinite);
        if (largest >= bound)
            throw Beyond(tensor, First(tensor, number => MathF.Abs(number) >= bound), type, name);
        if (type.Format is BlockFormat format && largest >= SafeInBlocks)
            CheckBlocks(tensor, type, format, name, importance);
        return largest;
    }

    /// <summary>Checks that the numbers of a tensor are finite.</summary>
    /// <param name="tensor">The tensor, of real numbers of whole bytes.</param>
    /// <exception cref="InvalidFileException">One is not.</exception>
    public void CheckFinite(TensorInfo tensor)
    {
        if (!float.IsFinite(Largest(tensor)))
            throw NotFinite(tensor, ModelRules.NotFinite);
    }

    /// <summary>Finds the blocks of a tensor that are not zero and become zero in the type that it is to have, for their scale, or the
    /// type,
    /// can't be so small.</summary>
    /// <param name="tensor">The tensor, which has been checked.</param>
    /// <param name="type">The type that it is to have.</param>
    /// <returns>What is lost; null where nothing is.</returns>
    public LostNumbers? FindLost(TensorInfo tensor, GgufTensorType type)
    {
        if (type.Format is null && (type.Element == tensor.Type || type.Element == ElementType.F32) || tensor.Count == 0)
            return null;
        int columns = checked((int)tensor.Shape[^1]), width = type.Format?.BlockColumns ?? columns;
        var rows = new (long Groups, bool All, float Largest)[tensor.Count / columns];
        workers.For(rows.Length, row =>
        {
            using var numbers = new PooledArray<float>(columns);
            source.Read(tensor, (long)row * columns, numbers.Span);
            if (!HasSmallBlock(numbers.Span, width))
                return;
            using var decoded = new PooledArray<float>(columns);
            Stored(numbers.Span, type, decoded.Span);
            for (int first = 0; first < columns; first += width)
            {
                if (!decoded.Span.Slice(first, width).ContainsAnyExcept(0f)
                    && Magnitude(numbers.Span.Slice(first, width)) is > 0 and float largest)
                    rows[row] = (rows[row].Groups + 1, false, Math.Max(rows[row].Largest, largest));
            }
            rows[row].All = rows[row].Groups > 0 && !decoded.Span.ContainsAnyExcept(0f);
        });
        long groups = rows.Sum(row => row.Groups);
        return groups == 0 ? null : new LostNumbers(tensor.Name, rows.Count(row => row.All), groups, rows.Max(row => row.Largest));
    }

    private static bool HasSmallBlock(ReadOnlySpan<float> row, int width)
    {
        for (int first = 0; first < row.Length; first += width)
        {
            if (Magnitude(row.Slice(first, width)) is > 0 and < SafeFromZero)
                return true;
        }
        return false;
    }

    private static float Magnitude(ReadOnlySpan<float> numbers) => MathF.Abs(TensorPrimitives.MaxMagnitude(numbers));

    // What a row becomes in a type.
    private static void Stored(ReadOnlySpan<float> row, GgufTensorType type, Span<float> decoded)
    {
        if (type.Format is BlockFormat format)
        {
            var blocks = new byte[checked((int)format.BytesOf(row.Length))];
            format.Encode(row, [], blocks);
            format.Decode(blocks, decoded);
            return;
        }
        for (int i = 0; i < row.Length; i++)
            decoded[i] = type.Element == ElementType.F16 ? (float)(Half)row[i]
                : MathF.Abs(row[i]) <= Bfloat16Least ? 0 : row[i];
    }

    // A NaN is the result where there is one.
    private float Largest(TensorInfo tensor)
    {
        var largest = new float[(tensor.Count + PieceNumbers - 1) / PieceNumbers];
        workers.For(largest.Length, piece =>
        {
            long first = (long)piece * PieceNumbers;
            using var numbers = new PooledArray<float>((int)Math.Min(PieceNumbers, tensor.Count - first));
            source.Read(tensor, first, numbers.Span);
            largest[piece] = MathF.Abs(TensorPrimitives.MaxMagnitude<float>(numbers.Span));
        });
        return largest.Length == 0 ? 0 : TensorPrimitives.Max<float>(largest);
    }

    private (long At, float Number) First(TensorInfo tensor, Func<float, bool> found)
    {
        using var numbers = new PooledArray<float>((int)Math.Min(PieceNumbers, tensor.Count));
        for (long first = 0; first < tensor.Count; first += PieceNumbers)
        {
            Span<float> piece = numbers.Span[..(int)Math.Min(PieceNumbers, tensor.Count - first)];
            source.Read(tensor, first, piece);
            for (int i = 0; i < piece.Length; i++)
            {
                if (found(piece[i]))
                    return (first + i, piece[i]);
            }
        }
        throw new InvalidOperationException("no number is out of range");
    }

    private void CheckBlocks(TensorInfo tensor, GgufTensorType type, BlockFormat format, string name, float[] importance)
    {
        int columns = checked((int)tensor.Shape[^1]), rows = Math.Max(1, PieceNumbers / columns);
        long all = tensor.Count / columns;
        if (importance.Length != columns)
            importance = [];
        using var numbers = new PooledArray<float>(checked((int)Math.Min(rows, all) * columns));
        using var decoded = new PooledArray<float>(numbers.Span.Length);
        var blocks = new byte[checked((int)format.BytesOf(numbers.Span.Length))];
        for (long row = 0; row < all; row += rows)
        {
            int count = (int)Math.Min(rows, all - row) * columns;
            Span<float> piece = numbers.Span[..count], back = decoded.Span[..count];
            Span<byte> bytes = blocks.AsSpan(0, (int)format.BytesOf(count));
            source.Read(tensor, row * columns, piece);
            format.EncodeRows(piece, columns, importance, bytes, workers);
            format.Decode(bytes, back);
            int bad = back.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
            if (bad < 0)
                continue;
            int block = bad / format.BlockColumns * format.BlockColumns;
            int at = block + TensorPrimitives.IndexOfMaxMagnitude<float>(piece.Slice(block, format.BlockColumns));
            throw Beyond(tensor, (row * columns + at, piece[at]), type, name);
        }
    }

    private InvalidFileException NotFinite(TensorInfo tensor, string rule)
    {
        (long at, float number) = First(tensor, number => !float.IsFinite(number));
        return new InvalidFileException(source.FileOf(tensor), rule, $"{Place(tensor, at)} is {number}",
            "Repair the checkpoint", tensor.Name);
    }

    private InvalidFileException Beyond(TensorInfo tensor, (long At, float Number) found, GgufTensorType type, string name)
    {
        string what = type.Format is null ? $"{type} holds none beyond {(type.Element == ElementType.F16 ? "65504" : "3.38953E+38")}"
            : $"with it a scale of its block in {type}, which is of half precision, is beyond 65504";
        string wider = MathF.Abs(found.Number) < Bfloat16Bound ? "BF16 or F32" : "F32";
        return new InvalidFileException(source.FileOf(tensor), GgufModelRules.NumberRange,
            $"{Place(tensor, found.At)} is {found.Number:G6}, and {what}",
            $"Choose {wider} for this tensor, which is '{name}' in the file, or for all", tensor.Name);
    }

    private static string Place(TensorInfo tensor, long at)
    {
        if (tensor.Shape.Count == 2)
            return $"the weight at row {at / tensor.Shape[1]}, column {at % tensor.Shape[1]}";
        var place = new long[tensor.Shape.Count];
        for (int i = place.Length - 1; i >= 0; i--)
            (at, place[i]) = Math.DivRem(at, tensor.Shape[i]);
        return place.Length == 1 ? $"the number at {place[0]}" : $"the number at [{string.Join(", ", place)}]";
    }
}
