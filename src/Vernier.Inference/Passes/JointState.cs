namespace Vernier.Inference.Passes;

/// <summary>What several parts of a layer keep, each for itself.</summary>
internal sealed record JointStateShape : LayerStateShape
{
    private readonly LayerStateShape[] _parts;

    /// <summary>Joins what parts keep.</summary>
    /// <param name="parts">The shapes; no two are equal.</param>
    public JointStateShape(IReadOnlyList<LayerStateShape> parts) => _parts = [.. parts];

    /// <inheritdoc/>
    public override LayerState Create(CachePrecision precision) =>
        new JointState([.. _parts.Select(part => (part, part.Create(precision)))]);

    /// <summary>Whether both join equal shapes.</summary>
    public bool Equals(JointStateShape? other) => other is not null && _parts.SequenceEqual(other._parts);

    /// <inheritdoc/>
    public override int GetHashCode() => _parts.Aggregate(0, HashCode.Combine);
}

/// <summary>The states of several parts of a layer.</summary>
internal sealed class JointState(IReadOnlyList<(LayerStateShape Shape, LayerState State)> parts) : LayerState
{
    /// <summary>The state of one part.</summary>
    public LayerState Of(LayerStateShape shape) => parts.First(part => part.Shape.Equals(shape)).State;

    /// <inheritdoc/>
    public override long BytesFor(int tokens) => parts.Sum(part => part.State.BytesFor(tokens));

    /// <inheritdoc/>
    public override void Reserve(int tokens) => Each(state => state.Reserve(tokens));

    /// <inheritdoc/>
    public override void Commit(int tokens) => Each(state => state.Commit(tokens));

    /// <inheritdoc/>
    public override bool CanTruncate(int tokens) => parts.All(part => part.State.CanTruncate(tokens));

    /// <inheritdoc/>
    public override void Truncate(int tokens) => Each(state => state.Truncate(tokens));

    private void Each(Action<LayerState> action)
    {
        foreach ((_, LayerState state) in parts)
            action(state);
    }
}
