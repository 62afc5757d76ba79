using System.Diagnostics;
using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>Measures how fast a model runs on this machine.</summary>
/// <param name="session">A session with the model; it must not be used by others meanwhile.</param>
public sealed class SpeedMeasurement(InferenceSession session)
{
    /// <summary>The bytes of weights that one token reads: those of all linear layers.</summary>
    public long WeightBytes => session.Model.Blocks.SelectMany(block => block.Linears.Select(slot => slot.Layer)).Append(session.Model.Head)
        .Sum(BytesOf);

    /// <summary>The seconds that a prompt takes, with the logits of its last token.</summary>
    /// <param name="tokens">The number of tokens, at least 1.</param>
    public double Prompt(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        SequenceState state = session.CreateState(tokens);
        int[] prompt = Tokens(tokens);
        long start = Stopwatch.GetTimestamp();
        session.Forward([new Segment(prompt, state)], LogitRows.Last);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The seconds that it takes to add tokens one by one to a sequence.</summary>
    /// <param name="context">The tokens that the sequence has already, at least 1; their time does not count.</param>
    /// <param name="tokens">The tokens to add, at least 1.</param>
    public double Generate(int context, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(context, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        SequenceState state = session.CreateState(context + tokens);
        session.Hidden([new Segment(Tokens(context), state)], LogitRows.Last);
        int[] next = Tokens(tokens);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < tokens; i++)
            session.Forward([new Segment(next.AsMemory(i, 1), state)], LogitRows.Last);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>
    /// The bytes a second that all threads together read from memory, in one pass over 256 MiB that no cache holds.
    /// </summary>
    /// <param name="workers">The threads; null, the default, for <see cref="Workers.Shared"/>.</param>
    public static double MemoryBytesPerSecond(Workers? workers = null)
    {
        const int Chunk = 1 << 20, Chunks = 64;
        float[] block = GC.AllocateUninitializedArray<float>(Chunk * Chunks);
        block.AsSpan().Fill(1);
        var sums = new float[Chunks];
        long start = Stopwatch.GetTimestamp();
        (workers ?? Workers.Shared).For(Chunks, i => sums[i] = TensorPrimitives.Sum<float>(block.AsSpan(i * Chunk, Chunk)));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return sums.All(sum => sum > 0) ? 4.0 * Chunk * Chunks / seconds : double.NaN;
    }

    /// <summary>Tokens from all over the vocabulary.</summary>
    private int[] Tokens(int count) => [.. Enumerable.Range(0, count)
        .Select(i => (int)((i + 1) * 2654435761L % session.Model.Config.VocabularySize))];

    private static long BytesOf(ILinear linear) => linear switch
    {
        PackedLinear packed => packed.Layout.StoredBytes,
        _ => 4L * linear.Inputs * linear.Outputs,
    };
}
