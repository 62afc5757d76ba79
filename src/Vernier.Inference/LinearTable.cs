namespace Vernier.Inference;

/// <summary>The linear layers of a block by the names of their weights, in the order in which they are applied.</summary>
internal sealed class LinearTable
{
    private readonly OrderedDictionary<string, ILinear> _linears = new(StringComparer.Ordinal);

    // By the first of the names: what is found out once serves every token.
    private readonly Dictionary<string, PackedLinear[]?> _together = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, ILinear> All => _linears;

    public ILinear this[string name] => _linears[name];

    /// <summary>Loads a layer and returns the name of its weight.</summary>
    public string Load(IWeightSource weights, string name, bool bias, int outputs, int inputs)
    {
        string weightName = name + ".weight";
        _linears.Add(weightName, weights.Linear(weightName, bias ? name + ".bias" : null, outputs, inputs));
        return weightName;
    }

    /// <summary>Applies up to three layers that share their input; outputs receive rows x outputs each at their beginning.</summary>
    public void Apply(string[] weightNames, ReadOnlySpan<float> x, ReadOnlySpan<float[]> outputs, int rows)
    {
        if (Together(weightNames) is PackedLinear[] packed)
        {
            PackedLinear.Apply(packed, x, outputs, rows);
            return;
        }
        for (int i = 0; i < weightNames.Length; i++)
        {
            ILinear linear = _linears[weightNames[i]];
            linear.Apply(x, outputs[i].AsSpan(0, rows * linear.Outputs), rows);
        }
    }

    /// <summary>The layers, where all run on integer kernels; else null.</summary>
    private PackedLinear[]? Together(string[] weightNames)
    {
        if (!_together.TryGetValue(weightNames[0], out PackedLinear[]? packed))
        {
            packed = [.. weightNames.Select(name => _linears[name]).OfType<PackedLinear>().Where(linear => linear.SharesInput)];
            _together[weightNames[0]] = packed = packed.Length == weightNames.Length ? packed : null;
        }
        return packed;
    }

    public void Replace(string weightName, ILinear linear)
    {
        if (!_linears.TryGetValue(weightName, out ILinear? old))
            throw new ArgumentException($"the block has no linear layer {weightName}; it has {string.Join(", ", _linears.Keys)}", nameof(weightName));
        if (linear.Inputs != old.Inputs || linear.Outputs != old.Outputs)
            throw new ArgumentException($"{weightName} is {old.Outputs} x {old.Inputs}, not {linear.Outputs} x {linear.Inputs}", nameof(linear));
        _linears[weightName] = linear;
        _together.Clear();
    }
}
