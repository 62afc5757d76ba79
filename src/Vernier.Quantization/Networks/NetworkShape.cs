namespace Vernier.Quantization.Networks;

/// <summary>What a stage of a network consists of, known without its weights.</summary>
/// <param name="groups">Its groups of linear layers, in the order in which they are applied.</param>
/// <param name="tensors">The names of all its tensors.</param>
/// <param name="passWidth">The numbers that a pass keeps of each row, those of the stage's input included.</param>
internal sealed class StageShape(IReadOnlyList<LayerGroup> groups, IReadOnlySet<string> tensors, long passWidth)
{
    /// <summary>Its groups of linear layers, in the order in which they are applied.</summary>
    public IReadOnlyList<LayerGroup> Groups => groups;

    /// <summary>The names of all its tensors.</summary>
    public IReadOnlySet<string> Tensors => tensors;

    /// <summary>The numbers that a pass keeps of each row, those of the stage's input included.</summary>
    public long PassWidth => passWidth;
}

/// <summary>The layers of a network, known without its weights.</summary>
/// <param name="tables">The names of the tables that turn samples into activations in front of the first stage.</param>
/// <param name="stages">The stages in order.</param>
/// <param name="width">The numbers that wait between two stages for each row.</param>
internal sealed class NetworkShape(IReadOnlyList<string> tables, IReadOnlyList<StageShape> stages, int width)
{
    /// <summary>The names of the tables that turn samples into activations in front of the first stage.</summary>
    public IReadOnlyList<string> Tables => tables;

    /// <summary>The stages in order.</summary>
    public IReadOnlyList<StageShape> Stages => stages;

    /// <summary>The numbers that wait between two stages for each row.</summary>
    public int Width => width;

    /// <summary>All groups in the order in which they are applied.</summary>
    public IEnumerable<LayerGroup> Groups => stages.SelectMany(stage => stage.Groups);

    /// <summary>
    /// How often the layers of a group are applied to each sample while their stage is in hand: once for each group behind it that is
    /// observed, and once as the samples move on.
    /// </summary>
    public int PassesOf(LayerGroup group) => stages[group.Stage].Groups.Count - group.Index;
}
