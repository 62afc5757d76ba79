using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Inference.Decoders;

/// <summary>Views that only change names.</summary>
internal static class NameViews
{
    /// <summary>A name with a prefix, which some versions of a library leave out.</summary>
    /// <param name="name">The name.</param>
    /// <param name="prefix">What it should begin with.</param>
    /// <param name="others">What other names may begin with.</param>
    public static string Prefixed(string name, string prefix, params ReadOnlySpan<string> others)
    {
        foreach (string other in others)
        {
            if (name.StartsWith(other, StringComparison.Ordinal))
                return name;
        }
        return name.StartsWith(prefix, StringComparison.Ordinal) ? name : prefix + name;
    }

    /// <summary>Views of all tensors that have another name.</summary>
    /// <param name="checkpoint">The tensors.</param>
    /// <param name="rename">The name that one should have.</param>
    public static IReadOnlyList<TensorView> Renamed(Checkpoint checkpoint, Func<string, string> rename) =>
        [.. checkpoint.Tensors.Select(tensor => (Tensor: tensor, Name: rename(tensor.Name))).Where(pair => pair.Name != pair.Tensor.Name)
            .Select(pair => TensorView.Slice(pair.Name, pair.Tensor.Name, pair.Tensor.Shape))];

    /// <summary>The experts of a tensor of experts x rows x columns, each as a matrix.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="nameOf">The name of one.</param>
    /// <param name="transposed">Whether each is turned over.</param>
    public static IEnumerable<TensorView> Experts(TensorInfo tensor, Func<int, string> nameOf, bool transposed)
    {
        (long rows, long columns) = (tensor.Shape[1], tensor.Shape[2]);
        for (int expert = 0; expert < tensor.Shape[0]; expert++)
        {
            yield return transposed ? TensorView.Transposed(nameOf(expert), tensor.Name, columns, rows, expert * rows * columns)
                : TensorView.Slice(nameOf(expert), tensor.Name, [rows, columns], expert * rows * columns);
        }
    }
}
