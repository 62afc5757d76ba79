using System.Buffers;

namespace Vernier.Numerics;

/// <summary>An array on loan from the shared pool, returned on disposal. Its contents are whatever they were.</summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly struct PooledArray<T>(int length) : IDisposable
{
    private readonly T[] _array = ArrayPool<T>.Shared.Rent(length);

    /// <summary>The elements.</summary>
    public Span<T> Span => _array.AsSpan(0, length);

    /// <summary>The elements, for a lambda that can't hold a span.</summary>
    public Memory<T> Memory => _array.AsMemory(0, length);

    /// <summary>Returns the array.</summary>
    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
}
