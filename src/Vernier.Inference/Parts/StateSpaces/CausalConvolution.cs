using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>
/// A convolution of each channel with the inputs before: y_t = b + sum_j w_j x_(t - k + 1 + j), j = 0 .. k - 1, and SiLU where asked for.
/// </summary>
/// <param name="weight">w, channels x k.</param>
/// <param name="bias">b, one for each channel, or null.</param>
/// <param name="channels">The channels.</param>
/// <param name="isSilu">Whether SiLU follows.</param>
internal sealed class CausalConvolution(float[] weight, float[]? bias, int channels, bool isSilu)
{
    private const int ChannelsPerTask = 64;

    /// <summary>k.</summary>
    public int Length => weight.Length / channels;

    /// <summary>The channels.</summary>
    public int Channels => channels;

    /// <summary>Convolves the rows of a pass in place.</summary>
    /// <param name="rows">The inputs; row r begins at offset + r stride.</param>
    /// <param name="inputs">For each segment its last inputs, (k - 1) x channels, oldest first; moved on.</param>
    /// <param name="context">The pass.</param>
    public void Run(RowMatrix rows, float[][] inputs, ForwardContext context)
    {
        int tasks = (channels + ChannelsPerTask - 1) / ChannelsPerTask;
        var work = new Work { Part = this, Rows = rows, Inputs = inputs, Context = context, Tasks = tasks, Weight = weight, Bias = bias };
        context.Workers.Run(checked(tasks * context.SegmentCount), ref work);
    }

    private struct Work : ITeamWork
    {
        public CausalConvolution Part;
        public RowMatrix Rows;
        public float[][] Inputs;
        public ForwardContext Context;
        public int Tasks;
        public float[] Weight;
        public float[]? Bias;

        public readonly void Invoke(int index)
        {
            (int segment, int task) = Math.DivRem(index, Tasks);
            (int first, int rows, _) = Context.Place(segment);
            int channels = Part.Channels, end = Math.Min(channels, (task + 1) * ChannelsPerTask), kept = Part.Length - 1;
            float[] last = Inputs[segment];
            Span<float> window = stackalloc float[kept + 1];
            for (int channel = task * ChannelsPerTask; channel < end; channel++)
            {
                for (int i = 0; i < kept; i++)
                    window[i] = last[i * channels + channel];
                ReadOnlySpan<float> weight = Weight.AsSpan(channel * (kept + 1), kept + 1);
                for (int row = 0; row < rows; row++)
                {
                    ref float place = ref Rows.Row(first + row, channels)[channel];
                    window[kept] = place;
                    float sum = Bias is null ? 0 : Bias[channel];
                    for (int i = 0; i <= kept; i++)
                        sum += weight[i] * window[i];
                    place = Part.IsSilu ? sum / (1 + MathF.Exp(-sum)) : sum;
                    window[1..].CopyTo(window);
                }
                for (int i = 0; i < kept; i++)
                    last[i * channels + channel] = window[i];
            }
        }
    }

    private bool IsSilu => isSilu;
}
