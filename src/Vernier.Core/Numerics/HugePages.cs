using System.Runtime.InteropServices;

namespace Vernier.Numerics;

/// <summary>
/// Asks Linux to back large memory that is read from end to end by pages of 2 MiB: prefetching stops at the border of a page, and address
/// translation costs time. Without effect on other systems and where the kernel declines.
/// </summary>
internal static unsafe partial class HugePages
{
    private const nuint Size = 2 << 20;
    private const int AdviseHugePage = 14;

    private static bool s_available = OperatingSystem.IsLinux() && Environment.SystemPageSize < (int)Size;

    /// <summary>Advises the whole huge pages inside a range. It is best given before the memory is first touched.</summary>
    public static void Advise(void* start, long bytes)
    {
        nuint first = ((nuint)start + Size - 1) & ~(Size - 1), end = ((nuint)start + (nuint)bytes) & ~(Size - 1);
        if (!s_available || end <= first)
            return;
        try
        {
            s_available = MAdvise((void*)first, end - first, AdviseHugePage) == 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            s_available = false;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MAdvise(void* address, nuint length, int advice);
}
