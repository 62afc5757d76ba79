using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Architectures;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Gguf;

/// <summary>What a model takes of an importance matrix, entry by entry, and what it can't take.</summary>
public sealed class ModelImportance
{
    /// <summary>The rule of an importance matrix that does not have exactly what a model needs.</summary>
    public const string IncompleteRule = "importance-matrix-incomplete";

    private const int MostNames = 3;

    private readonly string _path;
    private readonly Dictionary<string, float[]> _matrices = new(StringComparer.Ordinal);
    private readonly List<string> _experts = [], _foreign = [], _widths = [], _empty = [], _without = [];

    private ModelImportance(string path) => _path = path;

    /// <summary>By the name of a weight in the checkpoint, a number for each input channel, none negative.</summary>
    public IReadOnlyDictionary<string, float[]> Matrices => _matrices;

    /// <summary>What was passed over and what is missing, a line for each kind, with its number and some names as a GGUF file has them;
    /// none where the file fits.</summary>
    public IReadOnlyList<string> Notes => [.. Missing, .. Line("entries without data, whose inputs count alike", _empty)];

    private IEnumerable<string> Missing =>
    [
        .. Line("entries of several experts, passed over", _experts),
        .. Line("entries for tensors that the model lacks, passed over", _foreign),
        .. Line("entries of another width than the tensor, passed over", _widths),
        .. Line("linear layers without an entry, quantized without importance", _without),
    ];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="InvalidFileException">The file is missing or malformed, or holds a number that is negative or not
    /// finite.</exception>
    /// <exception cref="UnsupportedModelException">The architecture does not run here.</exception>
    public static ModelImportance Read(string path, Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var importance = new ModelImportance(path);
        GgufNames? names = ArchitectureCatalogue.Of(model.Configuration).Gguf?.NamesOf(model.Configuration);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (ImportanceEntry entry in ImportanceMatrix.Entries(path))
        {
            if (!seen.Add(entry.Name))
                throw new InvalidFileException(path, ImportanceMatrix.Rule, "it is there twice", ImportanceMatrix.Remedy, entry.Name);
            importance.Take(entry, names?.ToHf(entry.Name), model);
        }
        foreach (TensorInfo tensor in model.Checkpoint.Tensors.Where(tensor => TensorRoles.Of(tensor) == TensorRole.Linear))
        {
            if (names?.ToGguf(tensor.Name) is string name && !seen.Contains(name))
                importance._without.Add(name);
        }
        return importance;
    }

    /// <summary>Refuses a file of which something was passed over, or that lacks a linear layer of the model.</summary>
    /// <exception cref="InvalidFileException">It is so.</exception>
    public void CheckComplete()
    {
        if (Missing.Any())
            throw new InvalidFileException(_path, IncompleteRule, string.Join("; ", Missing),
                "Make the importance matrix of this model, or go on without strictness");
    }

    private void Take(ImportanceEntry entry, string? weight, Model model)
    {
        if (entry.Experts > 1)
            _experts.Add(entry.Name);
        else if (weight is null || !model.Checkpoint.TryGet(weight, out TensorInfo? tensor) || tensor.Shape.Count == 0)
            _foreign.Add(entry.Name);
        else if (tensor.Shape[^1] != entry.Values.Length)
            _widths.Add($"{entry.Name}: {entry.Values.Length} for {tensor.Shape[^1]}");
        else
        {
            _matrices.Add(weight, entry.Values);
            if (!entry.HasData)
                _empty.Add(entry.Name);
        }
    }

    private static string[] Line(string what, List<string> names) => names.Count == 0 ? []
        : [$"{what}: {names.Count} ({string.Join(", ", names.Take(MostNames))}{(names.Count > MostNames ? ", …" : "")})"];
}
