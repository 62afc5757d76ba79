namespace Vernier.Quantization.Networks;

/// <summary>A linear layer y = W x.</summary>
/// <param name="Name">The name of its weight in the checkpoint.</param>
/// <param name="Outputs">R, the rows of W.</param>
/// <param name="Inputs">C, the columns of W.</param>
public sealed record LayerShape(string Name, int Outputs, int Inputs);

/// <summary>Linear layers of a stage that have the same input: query, key and value; gate and up.</summary>
public sealed class LayerGroup
{
    /// <summary>Declares a group.</summary>
    /// <param name="stage">The stage, from 0.</param>
    /// <param name="index">The place among the groups of the stage in the order in which they are applied, from 0.</param>
    /// <param name="layers">The layers in the order in which they are applied, at least one, all of the same number of inputs.</param>
    /// <exception cref="ArgumentException">There is no layer, or the numbers of inputs differ.</exception>
    public LayerGroup(int stage, int index, IReadOnlyList<LayerShape> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Count == 0 || layers.Any(layer => layer.Inputs != layers[0].Inputs))
            throw new ArgumentException("the layers of a group have one input", nameof(layers));
        (Stage, Index, Layers) = (stage, index, layers);
    }

    /// <summary>The stage, from 0.</summary>
    public int Stage { get; }

    /// <summary>The place among the groups of the stage in the order in which they are applied, from 0.</summary>
    public int Index { get; }

    /// <summary>The layers in the order in which they are applied.</summary>
    public IReadOnlyList<LayerShape> Layers { get; }

    /// <summary>The part of all rows that come here on the average: of experts those that are chosen. Default 1.</summary>
    public double Share { get; init; } = 1;

    /// <summary>C, the number of input channels.</summary>
    public int Inputs => Layers[0].Inputs;

    /// <summary>The name of the first layer's weight, by which the group is known.</summary>
    public string Name => Layers[0].Name;
}
