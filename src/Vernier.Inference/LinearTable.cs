namespace Vernier.Inference;

/// <summary>The linear layers of a block by the names of their weights, in the order in which they are applied.</summary>
internal sealed class LinearTable
{
    private readonly OrderedDictionary<string, ILinear> _linears = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, ILinear> All => _linears;

    public ILinear this[string name] => _linears[name];

    /// <summary>Loads a layer and returns the name of its weight.</summary>
    public string Load(IWeightSource weights, string name, bool bias, int outputs, int inputs)
    {
        string weightName = name + ".weight";
        _linears.Add(weightName, weights.Linear(weightName, bias ? name + ".bias" : null, outputs, inputs));
        return weightName;
    }

    public void Replace(string weightName, ILinear linear)
    {
        if (!_linears.TryGetValue(weightName, out ILinear? old))
            throw new ArgumentException($"the block has no linear layer {weightName}; it has {string.Join(", ", _linears.Keys)}", nameof(weightName));
        if (linear.Inputs != old.Inputs || linear.Outputs != old.Outputs)
            throw new ArgumentException($"{weightName} is {old.Outputs} x {old.Inputs}, not {linear.Outputs} x {linear.Inputs}", nameof(linear));
        _linears[weightName] = linear;
    }
}
