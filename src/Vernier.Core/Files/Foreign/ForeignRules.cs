using Vernier.Errors;

namespace Vernier.Files.Foreign;

/// <summary>The rules that models quantized by other tools have to keep, by their stable names.</summary>
/// <seealso cref="VernierException.Rule"/>
public static class ForeignRules
{
    /// <summary>The members of <c>quantization_config</c> that are read are of their types and in their ranges.</summary>
    public const string Config = "foreign-config";

    /// <summary>What <c>quantization_config</c> asks for is done here.</summary>
    public const string Variant = "foreign-variant";

    /// <summary>All tensors that a weight is made of are there.</summary>
    public const string PartMissing = "foreign-part-missing";

    /// <summary>The tensors that a weight is made of are of the types that their tool writes.</summary>
    public const string PartType = "foreign-part-type";

    /// <summary>The shapes of the tensors that a weight is made of fit each other.</summary>
    public const string PartShape = "foreign-part-shape";

    /// <summary>What tensors say of a weight, the state and the groups of its columns, is in its range.</summary>
    public const string PartValue = "foreign-part-value";

    /// <summary>A weight is there once: as its parts, or as itself.</summary>
    public const string WeightTwice = "foreign-weight-twice";
}
