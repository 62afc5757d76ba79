namespace Vernier.Quantization.Networks;

/// <summary>The linear layers of a network, known without its weights.</summary>
/// <param name="tables">The names of the tables that turn samples into activations in front of the first stage.</param>
/// <param name="stages">The stages in order, each with its groups in the order in which they are applied.</param>
internal sealed class NetworkShape(IReadOnlyList<string> tables, IReadOnlyList<IReadOnlyList<LayerGroup>> stages)
{
    /// <summary>The names of the tables that turn samples into activations in front of the first stage.</summary>
    public IReadOnlyList<string> Tables => tables;

    /// <summary>The stages in order, each with its groups in the order in which they are applied.</summary>
    public IReadOnlyList<IReadOnlyList<LayerGroup>> Stages => stages;

    /// <summary>All groups in the order in which they are applied.</summary>
    public IEnumerable<LayerGroup> Groups => stages.SelectMany(groups => groups);

    /// <summary>
    /// How often the layers of a group are applied to each sample while their stage is in hand: once for each group behind it that is
    /// observed, and once as the samples
    /// move on.
    /// </summary>
    public int PassesOf(LayerGroup group) => stages[group.Stage].Count - group.Index;
}
