namespace Vernier.Quantization.Pipeline;

/// <summary>Goes through the tensors of a plan, one after the other, and tells how far it is.</summary>
internal sealed class TensorWalk(QuantizationPlan plan, IProgress<QuantizationProgress>? progress, CancellationToken cancellation)
{
    /// <summary>Stops between two tensors.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>Tells that a part of a stage is done, 0 to 1.</summary>
    public void Report(string stage, string tensor, double fraction) =>
        progress?.Report(new QuantizationProgress(stage, tensor, fraction));

    /// <summary>Does something with each tensor.</summary>
    /// <param name="stage">What, in a few words.</param>
    /// <param name="action">Does it.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public void ForEach(string stage, Action<TensorPlan> action)
    {
        long done = 0;
        foreach (TensorPlan planned in plan.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new QuantizationProgress(stage, planned.Tensor.Name, (double)done / plan.Parameters));
            action(planned);
            done += planned.Tensor.Count;
        }
        progress?.Report(new QuantizationProgress(stage, "", 1));
    }
}
