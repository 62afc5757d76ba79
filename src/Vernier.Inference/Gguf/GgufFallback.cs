using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>A tensor whose rows fill no whole blocks of the type that it should have.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Wanted">The type that it should have.</param>
/// <param name="Given">The type that it gets.</param>
public sealed record GgufFallback(GgufMixTensor Tensor, GgufTensorType Wanted, GgufTensorType Given)
{
    private const int MostNamed = 4;

    /// <summary>The bytes that it takes beyond those of the type that it should have, which end in a part of a block a row.</summary>
    public long ExtraBytes => (long)Math.Ceiling(BytesIn(Given) - BytesIn(Wanted));

    /// <summary>What becomes of some tensors and what it costs, for people; null where there are none.</summary>
    public static string? Describe(IReadOnlyList<GgufFallback> fallbacks)
    {
        ArgumentNullException.ThrowIfNull(fallbacks);
        if (fallbacks.Count == 0)
            return null;
        string names = string.Join(", ", fallbacks.Take(MostNamed)
            .Select(one => $"{one.Tensor.Name} of {one.Tensor.Shape[^1]} columns: {one.Given} in place of {one.Wanted}"));
        string more = fallbacks.Count > MostNamed ? $", and {fallbacks.Count - MostNamed} more" : "";
        long bytes = fallbacks.Sum(one => one.ExtraBytes);
        return $"rows of {fallbacks.Count} {(fallbacks.Count == 1 ? "tensor" : "tensors")} fill no whole blocks, and other types cost "
            + $"{bytes:N0} bytes more ({names}{more})";
    }

    private double BytesIn(GgufTensorType type) =>
        Tensor.Shape.Aggregate(1.0, (product, size) => product * size) / type.BlockColumns * type.BlockBytes;
}
