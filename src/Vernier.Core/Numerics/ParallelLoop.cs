namespace Vernier.Numerics;

/// <summary>The one parallel loop of the house.</summary>
public static class ParallelLoop
{
    private static ParallelOptions s_options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    /// <summary>
    /// The largest number of threads that work at once; at least 1; by default the number of processors.
    /// No result depends on it.
    /// </summary>
    public static int MaxThreads
    {
        get => s_options.MaxDegreeOfParallelism;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            s_options = new ParallelOptions { MaxDegreeOfParallelism = value };
        }
    }

    /// <summary>Runs <paramref name="body"/> for 0 .. count - 1, in any order, and waits for all.</summary>
    public static void For(int count, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (count <= 1 || MaxThreads == 1)
        {
            for (int i = 0; i < count; i++)
                body(i);
            return;
        }
        Parallel.For(0, count, s_options, body);
    }
}
