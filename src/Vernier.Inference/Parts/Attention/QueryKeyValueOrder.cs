namespace Vernier.Inference.Parts.Attention;

/// <summary>How the outputs of a projection to query, key and value follow each other.</summary>
public enum QueryKeyValueOrder
{
    /// <summary>All queries, all keys, all values; also where each has a projection of its own.</summary>
    Blocks,

    /// <summary>For each key head its queries, then it, then its value: with as many key heads as query heads q, k, v of each
    /// head.</summary>
    Heads,
}
