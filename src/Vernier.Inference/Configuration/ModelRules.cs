using Vernier.Errors;

namespace Vernier.Inference.Configuration;

/// <summary>The rules that a config.json and the weights beside it have to keep, by their stable names.</summary>
/// <seealso cref="VernierException.Rule"/>
public static class ModelRules
{
    /// <summary>The model is a causal language model of a family that runs here.</summary>
    public const string UnknownArchitecture = "unknown-architecture";

    /// <summary>A value that has no default is there.</summary>
    public const string ConfigMissing = "config-missing";

    /// <summary>A value has the type it must have.</summary>
    public const string ConfigType = "config-type";

    /// <summary>A number lies in its range.</summary>
    public const string ConfigRange = "config-range";

    /// <summary>A list has as many entries as are needed.</summary>
    public const string ConfigLength = "config-length";

    /// <summary>The numbers of heads and the widths divide one another.</summary>
    public const string ConfigHeads = "config-heads";

    /// <summary>The rotary embedding's parameters fit together.</summary>
    public const string ConfigRope = "config-rope";

    /// <summary>The rotary embedding's scaling is one that runs here.</summary>
    public const string ConfigRopeScaling = "config-rope-scaling";

    /// <summary>Every layer has full or sliding attention, and sliding attention has a window.</summary>
    public const string ConfigLayerTypes = "config-layer-types";

    /// <summary>The activation is one that runs here.</summary>
    public const string ConfigActivation = "config-activation";

    /// <summary>The data type has a name that is known.</summary>
    public const string ConfigDataType = "config-dtype";

    /// <summary>No member changes the network without being computed.</summary>
    public const string ConfigMember = "config-member";

    /// <summary>Every token of the tokenizer has a row of the embedding.</summary>
    public const string TokenRows = "token-rows";

    /// <summary>Every tensor that is there has a use.</summary>
    public const string TensorUnused = "tensor-unused";

    /// <summary>A head that is there is the embedding where the two are tied.</summary>
    public const string TiedHead = "tied-head";

    /// <summary>Every tensor the configuration asks for is there.</summary>
    public const string TensorMissing = "tensor-missing";

    /// <summary>Every tensor has the shape the configuration asks for.</summary>
    public const string TensorShape = "tensor-shape";

    /// <summary>Every tensor consists of real numbers.</summary>
    public const string TensorType = "tensor-type";

    /// <summary>Every number of the network is finite.</summary>
    public const string NotFinite = "model-not-finite";

    /// <summary>Every tensor fits into one array.</summary>
    public const string TensorTooLarge = "tensor-too-large";
}
