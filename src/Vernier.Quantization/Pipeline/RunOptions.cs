using Vernier.Quantization.Calibration;

namespace Vernier.Quantization.Pipeline;

/// <summary>How a run goes about its work. None of it but the calibration changes the model that is written.</summary>
public sealed record RunOptions
{
    /// <summary>Whether a folder of the output's name may be replaced, and an unfinished run into it be forgotten. Default no.</summary>
    public bool Replace { get; init; }

    /// <summary>Whether an unfinished run into the output is continued; where there is none, the run begins. Default no.</summary>
    public bool Resume { get; init; }

    /// <summary>Whether the run stops where a layer can't be solved as the recipe says, in place of rounding it to nearest. Default no.</summary>
    public bool Strict { get; init; }

    /// <summary>
    /// The text on which the inputs of layers are observed, for recipes that need it; null for a sample that the model writes itself. What is written depends on it.
    /// </summary>
    public CalibrationSet? Calibration { get; init; }

    /// <summary>The bytes of memory that the process may take; null for three quarters of what the machine has. See <see cref="MemoryEstimate"/>.</summary>
    public long? MemoryBytes { get; init; }
}
