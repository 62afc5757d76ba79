namespace Vernier.Quantization.Networks;

/// <summary>
/// Which sample a row of activations comes from: it stays with the row wherever a network sends it, so that two networks are compared row
/// by row even where
/// each sends a row to other experts.
/// </summary>
/// <param name="Sequence">The number of the sequence, from 0, among all that the network runs on.</param>
/// <param name="Position">The position in the sequence, from 0.</param>
public readonly record struct SampleId(int Sequence, int Position);
