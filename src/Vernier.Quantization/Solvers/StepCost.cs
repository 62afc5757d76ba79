namespace Vernier.Quantization.Solvers;

/// <summary>What a step takes for one matrix, known before any work.</summary>
/// <param name="WorkBytes">The memory in use at one time, beside the weights, the Gram matrix and what stays around all steps.</param>
/// <param name="Single">About how many operations in single precision.</param>
/// <param name="Double">About how many operations in double precision.</param>
public readonly record struct StepCost(long WorkBytes, double Single = 0, double Double = 0)
{
    /// <summary>The memory that stays for the other layers which share the input.</summary>
    public long SharedBytes { get; init; }
}
