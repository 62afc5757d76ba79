using Vernier.Cli.Terminal;
using Vernier.Quantization.Pipeline;

namespace Vernier.Cli.Commands;

/// <summary>The option --memory at work: a ceiling that the process keeps, whatever is asked of it.</summary>
internal static class MemoryCeiling
{
    /// <summary>Limits the heap of this process so that all of its memory stays below a ceiling.</summary>
    /// <param name="bytes">The ceiling; null for the usual one, which is not enforced.</param>
    /// <returns>The ceiling.</returns>
    /// <exception cref="UsageException">The process takes more already.</exception>
    public static long Keep(long? bytes)
    {
        if (bytes is not long ceiling)
            return MemoryEstimate.DefaultCeiling;
        try
        {
            AppContext.SetData("GCHeapHardLimit", (ulong)Math.Max(0, ceiling - MemoryEstimate.ProgramBytes));
            GC.RefreshMemoryLimit();
        }
        catch (InvalidOperationException)
        {
            throw new UsageException(
                $"--memory: {Figures.Size(ceiling)} is less than the program itself takes. Allow it at least "
                + $"{Figures.Size(3 * MemoryEstimate.ProgramBytes)}.");
        }
        return ceiling;
    }
}
