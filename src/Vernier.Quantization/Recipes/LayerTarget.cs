namespace Vernier.Quantization.Recipes;

/// <summary>What the output of a layer is to be, on the inputs that it has behind quantized layers.</summary>
public enum LayerTarget
{
    /// <summary>What its own float weights give on these inputs: W X.</summary>
    Layer,

    /// <summary>What it is in the float network, on the inputs that the layer has there: the layer makes up for the errors before
    /// it.</summary>
    Network,
}
