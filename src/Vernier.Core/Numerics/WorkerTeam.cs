namespace Vernier.Numerics;

// Shim: goes once all callers pass workers.

/// <summary>The fork and join of <see cref="Workers.Shared"/>.</summary>
internal static class WorkerTeam
{
    /// <summary>Runs all items and waits for them.</summary>
    public static void Run<T>(int count, ref T work)
        where T : struct, ITeamWork => Workers.Shared.Run(count, ref work);
}
