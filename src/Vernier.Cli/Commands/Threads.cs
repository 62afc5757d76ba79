using Vernier.Numerics;

namespace Vernier.Cli.Commands;

/// <summary>The option --threads at work.</summary>
internal static class Threads
{
    /// <summary>The threads that work; null for as many as there are processors.</summary>
    public static Workers Of(int? threads) => new(threads ?? 0);
}
