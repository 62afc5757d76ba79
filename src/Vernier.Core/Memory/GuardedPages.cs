#if VERNIER_CHECKED
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Vernier.Memory;

/// <summary>Pages between two that nobody may touch, for <see cref="GuardedMemory{T}"/>.</summary>
internal static unsafe partial class GuardedPages
{
    private const int None = 0, ReadAndWrite = 1 | 2, PrivateAndAnonymous = 0x22;

    /// <summary>Maps pages.</summary>
    /// <param name="bytes">What is to fit in between.</param>
    /// <param name="mapped">The bytes that were mapped: whole pages, the two guards among them.</param>
    /// <returns>The first guard.</returns>
    public static byte* Map(nuint bytes, out nuint mapped)
    {
        var page = (nuint)Environment.SystemPageSize;
        nuint used = (bytes + page - 1) / page * page;
        mapped = used + 2 * page;
        var pages = (byte*)MMap(null, mapped, None, PrivateAndAnonymous, -1, 0);
        if (pages == (byte*)-1 || (used > 0 && MProtect(pages + page, used, ReadAndWrite) != 0))
            throw new OutOfMemoryException($"no pages for {bytes} guarded bytes: {new Win32Exception().Message}");
        return pages;
    }

    /// <summary>Takes pages back.</summary>
    public static void Unmap(byte* pages, nuint mapped) => _ = MUnmap(pages, mapped);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MMap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int MProtect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MUnmap(void* address, nuint length);
}
#endif
