using Vernier.Packing;

namespace Vernier.Quantization.Pipeline;

/// <summary>Rounding what is not solved with data, a tensor at a time.</summary>
internal static class NearestPass
{
    private const int MostBytesBeside = 32 << 20;

    /// <summary>Rounds all matrices that the journal does not hold.</summary>
    public static void Run(TensorSolver solver, Journal journal, TensorWalk walk)
    {
        // While a matrix is being rounded the one before it is written, unless that is so large that memory was not estimated for both.
        Task written = Task.CompletedTask;
        try
        {
            walk.ForEach("quantizing", planned =>
            {
                if (planned.Layout is null || journal.Contains(planned.Tensor.Name))
                    return;
                PackedMatrix packed = solver.SolveNearest(planned);
                written.GetAwaiter().GetResult();
                written = Task.Run(() => journal.Add(planned, packed, null));
                if (planned.Layout.StoredBytes > MostBytesBeside)
                    written.GetAwaiter().GetResult();
            });
        }
        finally
        {
            written.GetAwaiter().GetResult();
        }
    }
}
