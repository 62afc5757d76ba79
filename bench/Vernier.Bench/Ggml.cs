using System.Runtime.InteropServices;

namespace Vernier.Bench;

/// <summary>The functions of ggml's base library that turn numbers into blocks and back.</summary>
/// <param name="folder">The folder with libggml-base.</param>
internal sealed unsafe class Ggml(string folder)
{
    private readonly nint _library = NativeLibrary.Load(
        Directory.EnumerateFiles(folder, "libggml-base.*").Order(StringComparer.Ordinal).First());

    /// <summary>Encodes rows by ggml_quantize_chunk.</summary>
    /// <param name="type">The ggml_type.</param>
    /// <param name="weights">Rows of <paramref name="columns"/>.</param>
    /// <param name="columns">The weights of a row.</param>
    /// <param name="importance">One number for each column, or empty.</param>
    /// <param name="blocks">Receives the blocks.</param>
    public void Quantize(int type, ReadOnlySpan<float> weights, int columns, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        var quantize = (delegate* unmanaged<int, float*, void*, long, long, long, float*, nuint>)NativeLibrary.GetExport(
            _library, "ggml_quantize_chunk");
        fixed (float* source = weights, weight = importance)
        fixed (byte* target = blocks)
        {
            nuint written = quantize(type, source, target, 0, weights.Length / columns, columns, weight);
            if (written != (nuint)blocks.Length)
                throw new InvalidOperationException($"ggml wrote {written} bytes where {blocks.Length} were expected");
        }
    }

    /// <summary>Decodes blocks by dequantize_row_NAME.</summary>
    /// <param name="name">The type's name as ggml has it, such as Q4_K.</param>
    /// <param name="blocks">The blocks.</param>
    /// <param name="weights">Receives the weights.</param>
    public void Dequantize(string name, ReadOnlySpan<byte> blocks, Span<float> weights)
    {
        string export = "dequantize_row_" + name.ToLowerInvariant().Replace("_k", "_K", StringComparison.Ordinal);
        var dequantize = (delegate* unmanaged<byte*, float*, long, void>)NativeLibrary.GetExport(_library, export);
        fixed (byte* source = blocks)
        fixed (float* target = weights)
            dequantize(source, target, weights.Length);
    }
}
