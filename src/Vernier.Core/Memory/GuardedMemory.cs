#if VERNIER_CHECKED
using System.Buffers;
using System.Runtime.CompilerServices;

namespace Vernier.Memory;

/// <summary>
/// Memory that ends where a page ends that nobody may touch, and has another before it. It begins as bytes of 255, which are no numbers
/// to floating point, and its pages are taken back when it is released. For checked builds on Linux.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed unsafe class GuardedMemory<T> : MemoryManager<T>
    where T : unmanaged
{
    private readonly byte* _pages;
    private readonly nuint _bytes;
    private readonly int _length;
    private int _released;

    /// <summary>Maps the pages.</summary>
    /// <param name="length">The number of elements, at least 0.</param>
    public GuardedMemory(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _length = length;
        _pages = GuardedPages.Map((nuint)length * (nuint)sizeof(T), out _bytes);
        new Span<byte>(Start, length * sizeof(T)).Fill(255);
    }

    private T* Start => (T*)(_pages + _bytes - (nuint)Environment.SystemPageSize) - _length;

    /// <inheritdoc/>
    public override Span<T> GetSpan()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _released) != 0, this);
        return new Span<T>(Start, _length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(Unsafe.Add<T>(Start, elementIndex));

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <summary>Takes the pages back.</summary>
    /// <exception cref="InvalidOperationException">They were taken back before.</exception>
    public void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) != 0)
            throw new InvalidOperationException("memory was returned twice");
        GuardedPages.Unmap(_pages, _bytes);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => Release();
}
#endif
