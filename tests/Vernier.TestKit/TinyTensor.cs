namespace Vernier.TestKit;

/// <summary>A tensor of a small model: its shape and its values, row by row.</summary>
public sealed record TinyTensor(int[] Shape, float[] Values);
