using System.Numerics.Tensors;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>Whether the numbers of a model are finite, and stay so in the formats that they are to have; before any work, for what takes
/// hours should not end at a number that could have been found at once.</summary>
internal static class WeightCheck
{
    private const string Stage = "checking the weights";

    /// <summary>The powers of two below which weights have to lie to be finite in any format of a folder, and in any block of ggml. The
    /// levels of the former are a power of two times numbers that are hardly above 1.</summary>
    private const int SafeShift = 125, SafeShiftOfBlocks = 10;

    /// <summary>Checks all tensors but those that are asked to stay as they are.</summary>
    /// <param name="plan">What becomes of the model.</param>
    /// <param name="gguf">The types of a GGUF file; null for a folder.</param>
    /// <param name="walk">The tensors.</param>
    /// <exception cref="InvalidFileException">A number is not finite, or has no place in its format.</exception>
    public static void Run(QuantizationPlan plan, GgufTypes? gguf, TensorWalk walk)
    {
        if (gguf is not null)
            plan.Know(gguf.CheckNumbers(plan.Model, plan.Options.Importance, (tensor, part) => walk.Report(Stage, tensor, part),
                plan.Workers, walk.Cancellation));
        walk.ForEach(Stage, planned =>
        {
            if (plan.KnownShift(planned.Name) is not null)
                return;
            if (planned.Layout is not null)
                CheckPacked(plan, planned);
            else if (gguf is null && planned.Tensor.Type.IsFloat() && plan.Options.Keep?.IsMatch(planned.Name) != true)
                CheckFinite(plan, planned.Tensor);
        });
    }

    /// <summary>The error of a matrix whose format can't hold it.</summary>
    public static InvalidFileException Beyond(QuantizationPlan plan, TensorPlan planned)
    {
        (long row, long column, float weight) = Largest(plan, planned.Tensor);
        return new InvalidFileException(plan.Checkpoint.FileOf(planned.Tensor), "weight-out-of-range",
            $"the weight at row {row}, column {column} is {weight:G6}, the largest, and decoded from {planned.Layout!.Summary} not all "
            + "weights are finite", "Leave this tensor as it is, or choose another format", planned.Name);
    }

    private static void CheckPacked(QuantizationPlan plan, TensorPlan planned)
    {
        plan.CheckFinite(planned);
        int shift = plan.KnownShift(planned.Name)!.Value;
        if (planned.Layout is BlockLayout blocks ? shift > SafeShiftOfBlocks && !HoldsAll(plan, planned, blocks)
            : shift > SafeShift && !IsFinite(new TensorSolver(plan).SolveNearest(planned)))
            throw Beyond(plan, planned);
    }

    // By ggml's own encoding: where it is finite, a better one is.
    private static bool HoldsAll(QuantizationPlan plan, TensorPlan planned, BlockLayout layout)
    {
        float[] row = new float[layout.Columns];
        float[] importance = plan.Options.Importance?.GetValueOrDefault(planned.Name) is { } given && given.Length == row.Length
            ? given : [];
        var blocks = new byte[layout.BytesPerRow];
        for (int i = 0; i < layout.Rows; i++)
        {
            plan.Checkpoint.Read(planned.Tensor, (long)i * row.Length, row);
            if (Math.Abs(TensorPrimitives.MaxMagnitude<float>(row)) > layout.Format.Reach)
                return false;
            layout.Format.Encode(row, importance, blocks);
            layout.Format.Decode(blocks, row);
            if (row.AsSpan().ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
                return false;
        }
        return true;
    }

    private static bool IsFinite(PackedMatrix packed)
    {
        var row = new float[packed.Columns];
        for (int i = 0; i < packed.Rows; i++)
        {
            packed.DequantizeRow(i, row);
            if (row.AsSpan().ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
                return false;
        }
        return true;
    }

    private static void CheckFinite(QuantizationPlan plan, TensorInfo tensor)
    {
        const int Piece = 1 << 16;
        var numbers = new float[Math.Min(Piece, tensor.Count)];
        for (long first = 0; first < tensor.Count; first += Piece)
        {
            Span<float> piece = numbers.AsSpan(0, (int)Math.Min(Piece, tensor.Count - first));
            plan.Checkpoint.Read(tensor, first, piece);
            if (piece.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue) is int at and >= 0)
                throw new InvalidFileException(plan.Checkpoint.FileOf(tensor), WeightMatrix.NotFiniteRule,
                    $"the number at {Place(tensor, first + at)} is {piece[at]}", "Repair the checkpoint, or leave this tensor as it is",
                    tensor.Name);
        }
    }

    private static string Place(TensorInfo tensor, long at) =>
        tensor.Shape.Count == 2 ? $"row {at / tensor.Shape[1]}, column {at % tensor.Shape[1]}" : $"{at}";

    private static (long Row, long Column, float Weight) Largest(QuantizationPlan plan, TensorInfo tensor)
    {
        var row = new float[tensor.Shape[1]];
        (long Row, long Column, float Weight) largest = default;
        for (long i = 0; i < tensor.Shape[0]; i++)
        {
            plan.Checkpoint.Read(tensor, i * row.Length, row);
            int column = TensorPrimitives.IndexOfMaxMagnitude<float>(row);
            if (Math.Abs(row[column]) > Math.Abs(largest.Weight))
                largest = (i, column, row[column]);
        }
        return largest;
    }
}
