using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Models;

/// <summary>The place of a tensor of a checkpoint in a GGUF file.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Name">The name of the tensor in the file.</param>
/// <param name="Part">Which part of that it is; null for the whole.</param>
/// <param name="Shape">The shape of the tensor in the file.</param>
internal sealed record GgufPlace(TensorInfo Tensor, string Name, int? Part, IReadOnlyList<long> Shape);

/// <summary>Finds the places of a model's tensors.</summary>
internal static class GgufPlaces
{
    /// <summary>The places, in the order of the checkpoint; a head that is the embedding is left out.</summary>
    /// <exception cref="InvalidFileException">A tensor has no place, or parts of one are missing or of different shapes.</exception>
    public static IReadOnlyList<GgufPlace> Of(Model model, ModelConfig config, GgufArchitecture architecture)
    {
        GgufNames names = architecture.NamesOf(config);
        var found = new List<GgufPlace>();
        foreach (TensorInfo tensor in model.Checkpoint.Tensors)
        {
            if (tensor.Name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal))
                continue;
            (string name, int? part) = names.Find(tensor.Name)
                ?? throw new InvalidFileException(model.Checkpoint.FileOf(tensor), GgufModelRules.TensorName,
                "a GGUF file has no place for it", $"Give a model that has the tensors of a {config.ModelType} alone", tensor.Name);
            if (!config.TiedEmbeddings || name != "output.weight")
                found.Add(new GgufPlace(tensor, name, part, architecture.ToGgufShape(tensor.Name, tensor.Shape, config)));
        }
        Dictionary<string, int> parts = found.Where(place => place.Part is not null).GroupBy(place => place.Name, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => PartsOf(model, [.. group]), StringComparer.Ordinal);
        return [.. found.Select(place => parts.TryGetValue(place.Name, out int count) ? place with { Shape = [count, .. place.Shape] }
            : place)];
    }

    /// <summary>The tensors of the file, each once.</summary>
    public static IEnumerable<GgufMixTensor> Mixed(IReadOnlyList<GgufPlace> places) => places.DistinctBy(place => place.Name)
        .Select(place => new GgufMixTensor(place.Name, place.Shape));

    private static int PartsOf(Model model, GgufPlace[] group)
    {
        GgufPlace first = group[0];
        if (Array.Find(group, place => !place.Shape.SequenceEqual(first.Shape)) is GgufPlace other)
            throw new InvalidFileException(model.Checkpoint.FileOf(other.Tensor), GgufModelRules.TensorShape,
                $"its shape is [{string.Join(", ", other.Tensor.Shape)}], and that of {first.Tensor.Name}, with which it becomes one "
                    + $"tensor, "
                    + $"[{string.Join(", ", first.Tensor.Shape)}]", "Check that the checkpoint is whole", other.Tensor.Name);
        int last = group.Max(place => place.Part!.Value);
        return last + 1 == group.Length ? group.Length
            : throw new InvalidFileException(model.Checkpoint.FileOf(first.Tensor), GgufModelRules.TensorShape,
                $"{first.Name} is to be made of {last + 1} tensors, and {group.Length} are there", "Check that the checkpoint is whole",
                first.Tensor.Name);
    }
}
