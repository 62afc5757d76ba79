using System.Runtime.InteropServices;

namespace Vernier.Tests;

/// <summary>An array between two regions of a known pattern, which must be whole at the end: what is written beyond the array
/// shows.</summary>
internal sealed unsafe class GuardedFloats : IDisposable
{
    private const int Guard = 64;
    private const float Pattern = -7.5e33f;

    private readonly float* _memory;
    private readonly int _length;

    public GuardedFloats(int length)
    {
        _length = length;
        _memory = (float*)NativeMemory.Alloc((nuint)(length + 2 * Guard) * sizeof(float));
        new Span<float>(_memory, length + 2 * Guard).Fill(Pattern);
    }

    public Span<float> Span => new(_memory + Guard, _length);

    public void Dispose()
    {
        bool whole = new ReadOnlySpan<float>(_memory, Guard).IndexOfAnyExcept(Pattern) < 0
            && new ReadOnlySpan<float>(_memory + Guard + _length, Guard).IndexOfAnyExcept(Pattern) < 0;
        NativeMemory.Free(_memory);
        Assert.True(whole, "the guard region was overwritten");
    }
}
