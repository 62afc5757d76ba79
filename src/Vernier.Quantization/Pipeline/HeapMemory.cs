namespace Vernier.Quantization.Pipeline;

/// <summary>Hands memory back to the machine where large arrays have gone out of use.</summary>
internal static class HeapMemory
{
    private const long Large = 64 << 20;

    /// <summary>Collects garbage, compacts and releases, where there is enough of it to be worth the time.</summary>
    /// <param name="garbage">The bytes that have gone out of use; by default all that the heap holds could be.</param>
    public static void Release(long? garbage = null)
    {
        if ((garbage ?? GC.GetTotalMemory(forceFullCollection: false)) >= Large)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
