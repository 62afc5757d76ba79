using Vernier.Quantization.Calibration;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Pipeline;

/// <summary>What a run works on beside its plan, and how it goes about its work. Of it all the calibration alone changes the model that is
/// written.</summary>
public sealed record RunOptions
{
    /// <summary>
    /// The text on which the inputs of layers are observed, for recipes that need it and for <see cref="Observers"/>; null, the default,
    /// for a sample that the model writes
    /// itself.
    /// </summary>
    public CalibrationSet? Calibration { get; init; }

    /// <summary>
    /// Who looks at the inputs of the linear layers, behind the quantized layers before them, beside the recipe. Default nobody. With
    /// observers a run goes through the network
    /// even where <see cref="Recipe.NeedsCalibration"/> does not hold, and a run that is continued shows all layers again; one whose
    /// output is finished shows nothing.
    /// </summary>
    public IReadOnlyList<IActivationObserver> Observers { get; init; } = [];

    /// <summary>The types of a GGUF file, where one is written; null, the default, for a folder. The plan has to give tensors the formats
    /// of these types.</summary>
    public GgufTypes? Gguf { get; init; }

    /// <summary>Whether a folder of the output's name may be replaced, and an unfinished run into it be forgotten. Default no.</summary>
    public bool Replace { get; init; }

    /// <summary>Whether an unfinished run into the output is continued; where there is none, the run begins. Default no.</summary>
    public bool Resume { get; init; }

    /// <summary>Whether the run stops where a layer can't be solved as the recipe says, in place of rounding it to nearest. Default
    /// no.</summary>
    public bool Strict { get; init; }

    /// <summary>The bytes of memory that the process may take; null for three quarters of what the machine has. See
    /// <see cref="MemoryEstimate"/>.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Told when the run comes to a point at which a test may kill it, and the matrix in hand.</summary>
    internal Action<FaultPoint, string>? Trace { get; init; }
}
