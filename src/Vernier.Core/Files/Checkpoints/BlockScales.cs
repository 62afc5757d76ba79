using System.Numerics.Tensors;
using Vernier.Errors;

namespace Vernier.Files.Checkpoints;

/// <summary>The scales of a matrix: scale (r / height, c / width) belongs to weight (r, c).</summary>
/// <param name="name">The name of the tensor of scales.</param>
/// <param name="columns">The columns of the matrix.</param>
/// <param name="height">The rows of a block.</param>
/// <param name="width">The columns of a block.</param>
/// <param name="values">The scales, row-major.</param>
internal sealed class BlockScales(string name, long columns, long height, long width, float[] values)
{
    /// <summary>The sides of a block where nothing says otherwise: those of DeepSeek-V3.</summary>
    private const long Side = 128;

    // The names behind that of a weight, by the tools that write them.
    private static readonly string[] s_ends = ["_scale_inv", "_scale"];

    private readonly long _across = (columns + width - 1) / width;

    /// <summary>The name of the tensor of scales.</summary>
    public string Name => name;

    /// <summary>The bytes that the scales take in the file.</summary>
    public long Bytes { get; private init; }

    /// <summary>Finds the matrices of 8-bit floats that have scales beside them.</summary>
    /// <param name="checkpoint">The checkpoint, as it is stored.</param>
    /// <exception cref="InvalidFileException">Scales do not fit their matrix, or are not finite.</exception>
    public static Dictionary<string, BlockScales> Find(Checkpoint checkpoint)
    {
        var found = new Dictionary<string, BlockScales>(StringComparer.Ordinal);
        foreach (TensorInfo tensor in checkpoint.Tensors)
        {
            if (tensor.Type is not (ElementType.F8_E4M3 or ElementType.F8_E5M2))
                continue;
            foreach (string end in s_ends)
            {
                if (checkpoint.TryGet(tensor.Name + end, out TensorInfo? scale))
                {
                    found.Add(tensor.Name, Read(checkpoint, tensor, scale));
                    break;
                }
            }
        }
        return found;
    }

    /// <summary>Multiplies weights by their scales.</summary>
    /// <param name="first">The index of the first in the matrix.</param>
    /// <param name="weights">The weights.</param>
    public void Multiply(long first, Span<float> weights)
    {
        while (!weights.IsEmpty)
        {
            (long row, long column) = Math.DivRem(first, columns);
            int count = (int)Math.Min(weights.Length, Math.Min(columns, (column / width + 1) * width) - column);
            float scale = values[row / height * _across + column / width];
            TensorPrimitives.Multiply(weights[..count], scale, weights[..count]);
            weights = weights[count..];
            first += count;
        }
    }

    private static BlockScales Read(Checkpoint checkpoint, TensorInfo tensor, TensorInfo scale)
    {
        string file = checkpoint.FileOf(scale);
        // Whole numbers are codes of scales, such as exponents.
        if (!(scale.Type.IsFloat() || scale.Type == ElementType.F8_E8M0) || scale.Count > 1 << 28)
            throw Error(file, scale, $"the scales are of type {scale.Type}");
        var values = new float[scale.Count];
        checkpoint.Read(scale, 0, values);
        if (Array.Exists(values, value => !float.IsFinite(value)))
            throw Error(file, scale, "a scale is not finite");
        long columns = tensor.Shape.Count > 0 ? tensor.Shape[^1] : 1, rows = columns == 0 ? 0 : tensor.Count / columns;
        if (scale.Count == 1)
            return new BlockScales(scale.Name, columns, Math.Max(1, rows), Math.Max(1, columns), values) { Bytes = scale.Bytes };
        if (scale.Count == rows && (scale.Shape.Count == 1 || scale.Shape[^1] == 1))
            return new BlockScales(scale.Name, columns, 1, columns, values) { Bytes = scale.Bytes };
        if (tensor.Shape.Count == 2 && scale.Shape.Count == 2 && scale.Shape[0] == (rows + Side - 1) / Side
            && scale.Shape[1] == (columns + Side - 1) / Side)
            return new BlockScales(scale.Name, columns, Side, Side, values) { Bytes = scale.Bytes };
        if (scale.Shape.Count == 2 && scale.Shape[0] == rows && scale.Shape[1] > 0 && columns % scale.Shape[1] == 0)
            return new BlockScales(scale.Name, columns, 1, columns / scale.Shape[1], values) { Bytes = scale.Bytes };
        throw Error(file, scale, $"scales of [{string.Join(", ", scale.Shape)}] fit no matrix of [{string.Join(", ", tensor.Shape)}]: one "
            + $"for the whole, for each row, for each group in a row, or for each block of {Side} x {Side} is possible");
    }

    private static InvalidFileException Error(string file, TensorInfo scale, string problem) => new(file, CheckpointRules.Scales, problem,
        "Give the original model, or convert it to BF16", scale.Name);
}
