using Vernier.Inference.Weights;

namespace Vernier.Inference.Parts;

/// <summary>
/// The place of a linear layer in a block. Another layer can be put there before the model is shared: a quantized one, or one that
/// records what passes through it.
/// </summary>
public sealed class LinearSlot
{
    private ILinear _layer;

    /// <summary>Makes a place with its layer.</summary>
    /// <param name="name">The name of the layer's weight.</param>
    /// <param name="layer">The layer.</param>
    public LinearSlot(string name, ILinear layer)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(layer);
        (Name, Outputs, Inputs, _layer) = (name, layer.Outputs, layer.Inputs, layer);
    }

    /// <summary>The name of the layer's weight, such as <c>model.layers.0.mlp.up_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The outputs.</summary>
    public int Outputs { get; }

    /// <summary>The inputs.</summary>
    public int Inputs { get; }

    /// <summary>The layer. Not to be set while a pass runs.</summary>
    /// <exception cref="ArgumentException">The new layer has another shape.</exception>
    public ILinear Layer
    {
        get => _layer;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Inputs != Inputs || value.Outputs != Outputs)
                throw new ArgumentException($"{Name} is {Outputs} x {Inputs}, not {value.Outputs} x {value.Inputs}", nameof(value));
            _layer = value;
            Group?.Refresh();
        }
    }

    /// <summary>The group that the place belongs to.</summary>
    internal LinearGroup? Group { get; set; }
}
