using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Pipeline;

/// <summary>What a recipe observes at the input of one group of layers.</summary>
internal sealed class GroupObservation
{
    private readonly LayerGroup _group;
    private readonly Workers _workers;
    private readonly GramObserver _gram;
    private readonly CrossObserver? _cross;
    private readonly SampleObserver? _sample;

    /// <summary>Begins to observe.</summary>
    /// <param name="group">The group.</param>
    /// <param name="rows">The most rows that will be shown.</param>
    /// <param name="cross">Whether the inputs in another network are the target.</param>
    /// <param name="samples">The most single rows to keep; 0 for none.</param>
    /// <param name="workers">Who adds up.</param>
    public GroupObservation(LayerGroup group, long rows, bool cross, int samples, Workers workers)
    {
        (_group, _workers) = (group, workers);
        _gram = new GramObserver(group.Inputs, workers);
        _sample = samples > 0 ? new SampleObserver(rows, samples) : null;
        _cross = cross ? new CrossObserver(group.Inputs, workers) : null;
        Observers = [.. new IActivationObserver?[] { _gram, _sample, _cross }.OfType<IActivationObserver>()];
    }

    /// <summary>Who looks at the rows of the quantized network.</summary>
    public IReadOnlyList<IActivationObserver> Observers { get; }

    /// <summary>A channel of which an input was no finite number; null where all were.</summary>
    public int? NotFinite => _gram.Gram.NotFinite is [int channel, ..] ? channel : null;

    /// <summary>D, C x C; null where there is no other network.</summary>
    public double[]? Cross => _cross?.Cross.Sums;

    /// <summary>The rows that were shown.</summary>
    public long Rows => _gram.Gram.Samples;

    /// <summary>Single rows, n x C.</summary>
    public float[] Samples => _sample?.ToArray() ?? [];

    /// <summary>The layer objective. Nothing may be observed afterwards.</summary>
    public LayerObjective Objective() => new(_gram.Gram.ToSymmetric(), _gram.Gram.Columns, _workers);

    /// <summary>Begins a batch, with the rows of the other network where there is one.</summary>
    /// <param name="target">The stage of the other network, or null.</param>
    /// <param name="batch">The batch.</param>
    public void BeginBatch(INetworkStage? target, int batch)
    {
        if (_cross is null || target is null)
            return;
        _cross.BeginBatch();
        target.Observe(_group, batch, [_cross.Reference]);
    }
}
