using System.Text.RegularExpressions;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>A tensor whose type a mix chooses.</summary>
/// <param name="Name">The name in the GGUF file.</param>
/// <param name="Shape">The dimensions, outermost first.</param>
public sealed record GgufMixTensor(string Name, IReadOnlyList<long> Shape);

/// <summary>The type of all tensors whose names a pattern matches.</summary>
/// <param name="Pattern">Looked for in the name in the GGUF file.</param>
/// <param name="Type">The type; one that the rows don't fit gives way as in a mix.</param>
public sealed record GgufOverride(Regex Pattern, GgufTensorType Type);
