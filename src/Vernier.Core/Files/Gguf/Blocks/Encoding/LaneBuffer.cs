using System.Numerics;
using Vernier.Memory;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>
/// Several groups of numbers, turned so that the groups stand side by side in the lanes of a vector: element i of every group is vector i.
/// Sums over a group then run in the order of the group, as they do one after the other, and have the same bits.
/// </summary>
internal static class LaneBuffer
{
    /// <summary>Fills vectors from up to Vector&lt;float&gt;.Count groups; missing groups are zero.</summary>
    /// <param name="groups">The groups, each of <paramref name="columns"/> numbers, one after the other.</param>
    /// <param name="columns">The numbers of a group.</param>
    /// <param name="turned">Receives <paramref name="columns"/> vectors.</param>
    public static unsafe void Turn(ReadOnlySpan<float> groups, int columns, Span<Vector<float>> turned)
    {
        int lanes = Vector<float>.Count, count = Math.Min(lanes, groups.Length / columns);
        if (count < lanes)
            turned[..columns].Clear();
        Touch.Range(groups, 0, count * columns);
        Touch.Range<Vector<float>>(turned, 0, columns);
        fixed (float* source = groups)
        fixed (Vector<float>* target = turned)
        {
            var to = (float*)target;
            for (int lane = 0; lane < count; lane++)
            {
                float* from = source + lane * columns;
                for (int i = 0; i < columns; i++)
                    to[i * lanes + lane] = from[i];
            }
        }
    }

    /// <summary>Copies the lanes of a vector to as many places as there are.</summary>
    public static void Store(Vector<float> value, Span<float> destination)
    {
        if (destination.Length >= Vector<float>.Count)
        {
            value.CopyTo(destination);
            return;
        }
        for (int i = 0; i < destination.Length; i++)
            destination[i] = value[i];
    }
}
