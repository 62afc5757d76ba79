namespace Vernier.Inference.Gguf;

/// <summary>What the numbers of a tensor are in a GGUF file.</summary>
public enum GgufNumbers
{
    /// <summary>Those of the checkpoint.</summary>
    Same,

    /// <summary>Those of the checkpoint and 1: norms that are stored as the difference from 1.</summary>
    PlusOne,

    /// <summary>-exp(x): the decay of a state space, of which the checkpoint has the logarithm.</summary>
    NegativeExponential,
}

/// <summary>Numbers from one side to the other.</summary>
internal static class GgufNumbersExtensions
{
    /// <summary>Changes numbers of a checkpoint into those of a file.</summary>
    public static void ToGguf(this GgufNumbers kind, Span<float> numbers)
    {
        for (int i = 0; i < numbers.Length && kind != GgufNumbers.Same; i++)
            numbers[i] = kind == GgufNumbers.PlusOne ? numbers[i] + 1 : -MathF.Exp(numbers[i]);
    }

    /// <summary>Changes numbers of a file into those of a checkpoint.</summary>
    public static void ToHf(this GgufNumbers kind, Span<float> numbers)
    {
        for (int i = 0; i < numbers.Length && kind != GgufNumbers.Same; i++)
            numbers[i] = kind == GgufNumbers.PlusOne ? numbers[i] - 1 : MathF.Log(-numbers[i]);
    }
}
