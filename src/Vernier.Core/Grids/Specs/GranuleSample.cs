namespace Vernier.Grids.Specs;

/// <summary>Granules of a matrix on which the parameters of its grid are chosen.</summary>
public sealed class GranuleSample
{
    private readonly float[] _weights;
    private readonly float[] _importance;
    private readonly (int Offset, int Length)[] _granules;

    /// <summary>Wraps granules.</summary>
    /// <param name="weights">The weights, one granule after the other, divided by the power of two next above the largest of the
    /// matrix.</param>
    /// <param name="importance">How much each weight counts; empty where all count alike.</param>
    /// <param name="granules">Where each granule begins, and its weights.</param>
    /// <param name="errorUnit">What a squared error of 1 on these weights is on the real ones.</param>
    public GranuleSample(float[] weights, float[] importance, IEnumerable<(int Offset, int Length)> granules, double errorUnit)
    {
        (_weights, _importance, _granules, ErrorUnit) = (weights, importance, [.. granules], errorUnit);
    }

    /// <summary>What a squared error of 1 on these weights is on the real ones.</summary>
    public double ErrorUnit { get; }

    /// <summary>The number of granules.</summary>
    public int Count => _granules.Length;

    /// <summary>The weights of a granule.</summary>
    public ReadOnlySpan<float> Weights(int granule) => _weights.AsSpan(_granules[granule].Offset, _granules[granule].Length);

    /// <summary>How much each weight of a granule counts; empty where all count alike.</summary>
    public ReadOnlySpan<float> Importance(int granule) =>
        _importance.Length == 0 ? [] : _importance.AsSpan(_granules[granule].Offset, _granules[granule].Length);
}
