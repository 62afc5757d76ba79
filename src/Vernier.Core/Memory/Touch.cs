using System.Diagnostics;

namespace Vernier.Memory;

/// <summary>
/// What unsafe code says it reads and writes of the memory it was given. A checked build holds it against the memory's length; in others
/// nothing is left of it.
/// </summary>
internal static class Touch
{
    /// <summary>The elements first .. first + count - 1.</summary>
    /// <exception cref="InvalidOperationException">They are not all inside.</exception>
    [Conditional("VERNIER_CHECKED")]
    public static void Range<T>(ReadOnlySpan<T> memory, long first, long count) =>
        Within(first, count, memory.Length);

    /// <summary>The elements first .. first + count - 1 of memory that is as long as capacity says.</summary>
    /// <exception cref="InvalidOperationException">They are not all inside.</exception>
    [Conditional("VERNIER_CHECKED")]
    public static void Within(long first, long count, long capacity)
    {
        if (count > 0 && (first < 0 || first > capacity - count))
            throw new InvalidOperationException($"elements {first} to {first + count - 1} of {capacity} are touched");
    }

    /// <summary>The places of a table that indices name.</summary>
    /// <exception cref="InvalidOperationException">One lies outside.</exception>
    [Conditional("VERNIER_CHECKED")]
    public static void Indices(ReadOnlySpan<byte> indices, int count)
    {
        foreach (byte index in indices)
        {
            if (index >= count)
                throw new InvalidOperationException($"element {index} of {count} is touched");
        }
    }

    /// <summary>Rows of width elements that begin stride elements apart, the first at an offset.</summary>
    /// <exception cref="InvalidOperationException">They are not all inside.</exception>
    [Conditional("VERNIER_CHECKED")]
    public static void Rows<T>(ReadOnlySpan<T> memory, long offset, long rows, long width, long stride)
    {
        if (rows <= 0 || width <= 0)
            return;
        Range(memory, offset, width);
        Range(memory, offset + (rows - 1) * stride, width);
    }
}
