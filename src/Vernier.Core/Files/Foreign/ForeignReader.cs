using Vernier.Errors;
using Vernier.Files.Checkpoints;

namespace Vernier.Files.Foreign;

/// <summary>What the reader of a format works with: the tensors as they are stored, the configuration, and what it found.</summary>
/// <param name="checkpoint">The tensors, as they are stored.</param>
/// <param name="config">The <c>quantization_config</c>.</param>
internal sealed class ForeignReader(Checkpoint checkpoint, ForeignConfig config)
{
    private readonly Dictionary<string, ForeignWeight> _weights = new(StringComparer.Ordinal);
    private readonly HashSet<string> _parts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _notes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _rounded = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ITensorFile> _fileOf = checkpoint.Files
        .SelectMany(file => file.Tensors.Select(tensor => (tensor.Name, file)))
        .ToDictionary(pair => pair.Name, pair => pair.file, StringComparer.Ordinal);

    /// <summary>The <c>quantization_config</c>.</summary>
    public ForeignConfig Config => config;

    /// <summary>The weights that were found, by name.</summary>
    public IReadOnlyDictionary<string, ForeignWeight> Weights => _weights;

    /// <summary>The names of the tensors that are part of a weight.</summary>
    public IReadOnlySet<string> Parts => _parts;

    /// <summary>What the user should know, a line each.</summary>
    public IReadOnlyCollection<string> Notes => _notes;

    /// <summary>The weights whose layers round their inputs to 8 bits a row.</summary>
    public IReadOnlySet<string> RoundedInputs => _rounded;

    /// <summary>All tensors, as they are stored.</summary>
    public IEnumerable<TensorInfo> Tensors => checkpoint.Tensors;

    /// <summary>What stands before the end of the names of the tensors that have it.</summary>
    public IEnumerable<string> EndingWith(string end) =>
        Tensors.Where(tensor => tensor.Name.EndsWith(end, StringComparison.Ordinal)).Select(tensor => tensor.Name[..^end.Length]);

    /// <summary>A tensor, or null.</summary>
    public StoredPart? Find(string name) => _fileOf.TryGetValue(name, out ITensorFile? file) ? new StoredPart(file, file[name]) : null;

    /// <summary>A tensor of certain types and so many dimensions, none of them 0.</summary>
    /// <param name="name">The name.</param>
    /// <param name="dimensions">The number of dimensions; -1 for any.</param>
    /// <param name="types">The types; none for F32, F16 and BF16.</param>
    /// <exception cref="InvalidFileException">It is missing, or another.</exception>
    public StoredPart Need(string name, int dimensions, params ReadOnlySpan<ElementType> types)
    {
        StoredPart part = Find(name) ?? throw new InvalidFileException(checkpoint.Folder, ForeignRules.PartMissing,
            "it is missing, and other parts of its weight are there", "Download the model again, all files of the same version", name);
        bool fits = types.IsEmpty ? part.Type is ElementType.F32 or ElementType.F16 or ElementType.BF16 : types.Contains(part.Type);
        if (!fits)
        {
            throw Error(part, ForeignRules.PartType,
                $"it is of type {part.Type}, not {(types.IsEmpty ? "F32, F16 or BF16" : string.Join(" or ", types.ToArray()))}");
        }
        if (dimensions >= 0 && part.Shape.Count != dimensions || part.Shape.Contains(0))
            throw Shape(part, dimensions < 0 ? "no dimension may be 0" : $"{dimensions} dimensions are needed, none of them 0");
        if (part.Info.Bytes > int.MaxValue)
            throw Shape(part, $"its {part.Info.Bytes} bytes are more than the 2 GiB that a part is read of");
        return part;
    }

    /// <summary>As <see cref="Need"/>, or null where there is no such tensor.</summary>
    public StoredPart? Option(string name, int dimensions, params ReadOnlySpan<ElementType> types) =>
        Find(name) is null ? null : Need(name, dimensions, types);

    /// <summary>Checks the shape of a part.</summary>
    /// <exception cref="InvalidFileException">It is another.</exception>
    public static void Fit(StoredPart part, params ReadOnlySpan<long> shape)
    {
        if (!part.Shape.SequenceEqual(shape.ToArray()))
            throw Shape(part, $"[{string.Join(", ", shape.ToArray())}] is needed beside the other parts of its weight");
    }

    /// <summary>The error of a part of another shape.</summary>
    public static InvalidFileException Shape(StoredPart part, string needed) =>
        Error(part, ForeignRules.PartShape, $"its shape is [{string.Join(", ", part.Shape)}]: {needed}");

    /// <summary>The error of a part.</summary>
    public static InvalidFileException Error(StoredPart part, string rule, string problem) =>
        new(part.Path, rule, problem, "Download the file again, or give the original model", part.Name);

    /// <summary>Adds a weight.</summary>
    /// <exception cref="InvalidFileException">There is another of its name.</exception>
    public void Add(ForeignWeight weight)
    {
        foreach (StoredPart part in weight.Parts)
            _parts.Add(part.Name);
        bool itself = weight.Info.Name == weight.Codes.Name;
        if (!itself && _fileOf.ContainsKey(weight.Info.Name) || !_weights.TryAdd(weight.Info.Name, weight))
            throw Error(weight.Codes, ForeignRules.WeightTwice, $"it stands for {weight.Info.Name}, which is there besides");
    }

    /// <summary>Takes a tensor that says nothing.</summary>
    public void Hide(string name) => _parts.Add(name);

    /// <summary>Says something to the user, once.</summary>
    public void Note(string note) => _notes.Add(note);

    /// <summary>Notes that the layer of a weight rounds its inputs to 8 bits a row.</summary>
    public void RoundInputs(string weight) => _rounded.Add(weight);
}
