using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.StateSpaces;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>What a config.json says about its Mamba-2 layers, whatever it names its members.</summary>
/// <param name="Sizes">The sizes.</param>
/// <param name="Kernel">The length of the convolution.</param>
/// <param name="Bias">Whether the projections have biases.</param>
/// <param name="ConvolutionBias">Whether the convolution has.</param>
/// <param name="Steps">The bounds of steps.</param>
internal sealed record Mamba2Style(Mamba2Shape Sizes, int Kernel, bool Bias, bool ConvolutionBias, (float Least, float Most) Steps)
{
    /// <summary>Whether there is a norm at the end. Default true.</summary>
    public bool Norms { get; init; } = true;

    /// <summary>The groups that are normed each by itself. Default 1.</summary>
    public int NormGroups { get; init; } = 1;

    /// <summary>Whether the norm comes before the gate. Default false.</summary>
    public bool NormsFirst { get; init; }

    /// <summary>The epsilon of the norm.</summary>
    public required float Epsilon { get; init; }

    /// <summary>What z, x, B, C and steps are multiplied by; empty for 1.</summary>
    public float[] Scales { get; init; } = [];

    /// <summary>Makes the mixer of a layer.</summary>
    /// <param name="weights">Where its weights come from.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="prefix">What stands before the names of its tensors.</param>
    /// <param name="hidden">The hidden size.</param>
    public Mamba2Mixer Make(IWeightSource weights, int layer, string prefix, int hidden)
    {
        string input = prefix + "in_proj", output = prefix + "out_proj";
        var into = new LinearSlot(input + ".weight", weights.Linear(input + ".weight", Bias ? input + ".bias" : null,
            Sizes.Inner + Sizes.Convolved + Sizes.Heads, hidden));
        var tensors = new Mamba2Tensors(
            weights.Values(prefix + "conv1d.weight", Sizes.Convolved, 1, Kernel),
            ConvolutionBias ? weights.Vector(prefix + "conv1d.bias", Sizes.Convolved) : null,
            weights.Vector(prefix + "A_log", Sizes.Heads), weights.Vector(prefix + "D", Sizes.Heads),
            weights.Vector(prefix + "dt_bias", Sizes.Heads),
            new GatedNorm(Norms ? weights.Vector(prefix + "norm.weight", Sizes.Inner) : null, Epsilon, NormGroups, NormsFirst))
        {
            Steps = Steps,
            Scales = Scales,
        };
        var outOf = new LinearSlot(output + ".weight", weights.Linear(output + ".weight", Bias ? output + ".bias" : null, hidden,
            Sizes.Inner));
        return new Mamba2Mixer(layer, Sizes, into, outOf, tensors);
    }

    /// <summary>Reads the bounds of steps: a list of two, the second often infinite.</summary>
    /// <exception cref="InvalidFileException">It is no such list.</exception>
    public static (float Least, float Most) ReadSteps(ConfigObject root, string member = "time_step_limit")
    {
        if (root.Array(member, 2) is not { } list)
            return (0, float.PositiveInfinity);
        return (Of(list[0], 0), Of(list[1], float.PositiveInfinity));

        // Python writes the bare word, newer versions of the library an object.
        float Of(JsonElement value, float otherwise) =>
            value.ValueKind == JsonValueKind.Number ? (float)value.GetDouble()
            : BareNumbers.NameOf(value) == "Infinity" || value.ValueKind == JsonValueKind.Object
                && value.TryGetProperty("__float__", out JsonElement text) && text.ValueEquals("Infinity") ? otherwise
            : throw root.Error(ModelRules.ConfigType, $"{ConfigObject.Quote(member)} is no pair of numbers");
    }
}
