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
    /// <exception cref="InvalidFileException">It is not there, or of another shape.</exception>
    public static TensorInfo Find(Checkpoint checkpoint, string name, long[] shape)
    {
        if (!checkpoint.TryGet(name, out TensorInfo? tensor))
        {
            throw new InvalidFileException(checkpoint.Folder, ModelRules.TensorMissing, "the checkpoint does not have it",
                Remedy + " and that every shard is there", name);
        }
        Check(checkpoint.FileOf(tensor), name, tensor.Shape, shape);
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
