using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Weights;

/// <summary>Holds a checkpoint's tensors against what an architecture asks for.</summary>
internal static class TensorShape
{
    private const string Remedy = "Check that config.json belongs to these weights";

    /// <summary>The tensor of a name and a shape.</summary>
    /// <exception cref="InvalidFileException">It is not there, of another shape, or not of real numbers.</exception>
    public static TensorInfo Find(Checkpoint checkpoint, string name, long[] shape)
    {
        if (!checkpoint.TryGet(name, out TensorInfo? tensor))
        {
            throw new InvalidFileException(checkpoint.Folder, ModelRules.TensorMissing, "the checkpoint does not have it",
                Remedy + " and that every shard is there", name);
        }
        Check(checkpoint.FileOf(tensor), name, tensor.Shape, shape);
        if (!tensor.Type.IsFloat() && tensor.Type is not (ElementType.F8_E4M3 or ElementType.F8_E5M2))
        {
            throw new InvalidFileException(checkpoint.FileOf(tensor), ModelRules.TensorType,
                $"its type is {tensor.Type}: these are codes of another program, or counts, and no weights",
                "Give the original model, or convert it to F32, F16 or BF16", name);
        }
        return tensor;
    }

    /// <summary>Checks a shape.</summary>
    /// <exception cref="InvalidFileException">It is another one.</exception>
    public static void Check(string file, string name, IReadOnlyList<long> shape, long[] expected)
    {
        if (!shape.SequenceEqual(expected))
        {
            throw new InvalidFileException(file, ModelRules.TensorShape,
                $"its shape is [{string.Join(", ", shape)}] where config.json asks for [{string.Join(", ", expected)}]", Remedy, name);
        }
    }
}
