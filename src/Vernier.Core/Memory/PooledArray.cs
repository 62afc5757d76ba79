using System.Buffers;

namespace Vernier.Memory;

/// <summary>Memory on loan from the shared pool, returned on disposal. Its contents are whatever they were.</summary>
/// <remarks>In a checked build each has pages of its own, and whatever reads or writes outside it or after its disposal ends the
/// process there and then: see <c>docs/architecture.md</c>.</remarks>
/// <typeparam name="T">The element type.</typeparam>
public readonly struct PooledArray<T> : IDisposable
    where T : unmanaged
{
#if VERNIER_CHECKED
    private readonly GuardedMemory<T> _memory;
#else
    private readonly T[] _array;
    private readonly int _length;
#endif

    /// <summary>Borrows memory.</summary>
    /// <param name="length">The number of elements, at least 0.</param>
    public PooledArray(int length)
    {
#if VERNIER_CHECKED
        _memory = new GuardedMemory<T>(length);
#else
        _array = ArrayPool<T>.Shared.Rent(length);
        _length = length;
#endif
    }

    /// <summary>The elements.</summary>
#if VERNIER_CHECKED
    public Span<T> Span => _memory.GetSpan();
#else
    public Span<T> Span => _array.AsSpan(0, _length);
#endif

    /// <summary>The elements, for a lambda that can't hold a span.</summary>
#if VERNIER_CHECKED
    public Memory<T> Memory => _memory.Memory;
#else
    public Memory<T> Memory => _array.AsMemory(0, _length);
#endif

    /// <summary>Returns the memory. Not more than once.</summary>
#if VERNIER_CHECKED
    public void Dispose() => _memory.Release();
#else
    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
#endif
}
