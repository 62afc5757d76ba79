namespace Vernier.Tests;

/// <summary>
/// The decoder as the papers write it: one token row at a time, plain loops in double precision, no cache. It defines what
/// the fast one computes and shares no code with it.
/// </summary>
internal sealed class ReferenceDecoder(TinySpec spec, IReadOnlyDictionary<string, TinyTensor> tensors)
{
    private readonly Dictionary<string, double[][]> _rows = tensors.Where(tensor => tensor.Value.Shape.Length == 2)
        .ToDictionary(tensor => tensor.Key, tensor => tensor.Value.Values.Select(x => (double)x).Chunk(tensor.Value.Shape[1]).ToArray());

    /// <summary>The logits of every token of a text.</summary>
    public double[][] Logits(int[] tokens)
    {
        double[][] rows = [.. tokens.Select(token => _rows["model.embed_tokens.weight"][token])];
        for (int layer = 0; layer < spec.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            double[][] attended = Attention(prefix + "self_attn.", [.. rows.Select(row => Norm(row, prefix + "input_layernorm.weight"))],
                spec.Window(layer));
            rows = [.. rows.Zip(attended, Add)];
            rows = [.. rows.Select(row => Add(row, FeedForward(prefix + "mlp.", Norm(row, prefix + "post_attention_layernorm.weight"))))];
        }
        string head = spec.Tied ? "model.embed_tokens" : "lm_head";
        return [.. rows.Select(row => Linear(head, Norm(row, "model.norm.weight")))];
    }

    private double[][] Attention(string prefix, double[][] rows, int? window)
    {
        int size = spec.HeadSize, group = spec.Heads / spec.KeyValueHeads;
        var queries = new double[rows.Length][][];
        var keys = new double[rows.Length][][];
        var values = new double[rows.Length][][];
        for (int i = 0; i < rows.Length; i++)
        {
            double[] q, k, v;
            if (spec.Fused)
            {
                double[] all = Linear(prefix + "qkv_proj", rows[i]);
                q = all[..(spec.Heads * size)];
                k = all[(spec.Heads * size)..((spec.Heads + spec.KeyValueHeads) * size)];
                v = all[((spec.Heads + spec.KeyValueHeads) * size)..];
            }
            else
            {
                (q, k, v) = (Linear(prefix + "q_proj", rows[i]), Linear(prefix + "k_proj", rows[i]), Linear(prefix + "v_proj", rows[i]));
            }
            queries[i] = [.. q.Chunk(size).Select(head => Turn(HeadNorm(head, prefix + "q_norm.weight"), i, rows.Length))];
            keys[i] = [.. k.Chunk(size).Select(head => Turn(HeadNorm(head, prefix + "k_norm.weight"), i, rows.Length))];
            values[i] = [.. v.Chunk(size)];
        }
        var outputs = new double[rows.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            double[] joined = new double[spec.Heads * size];
            for (int head = 0; head < spec.Heads; head++)
            {
                double[] weights = new double[i + 1];
                for (int j = 0; j <= i; j++)
                {
                    bool seen = window is null || i - j < window;
                    weights[j] = seen ? Dot(queries[i][head], keys[j][head / group]) / Math.Sqrt(size) : double.NegativeInfinity;
                }
                double largest = weights.Max();
                weights = [.. weights.Select(weight => Math.Exp(weight - largest))];
                double total = weights.Sum();
                for (int j = 0; j <= i; j++)
                {
                    for (int c = 0; c < size; c++)
                        joined[head * size + c] += weights[j] / total * values[j][head / group][c];
                }
            }
            outputs[i] = Linear(prefix + "o_proj", joined);
        }
        return outputs;
    }

    private double[] FeedForward(string prefix, double[] row)
    {
        double[] both = spec.Fused ? Linear(prefix + "gate_up_proj", row)
            : [.. Linear(prefix + "gate_proj", row), .. Linear(prefix + "up_proj", row)];
        double[] inner = new double[spec.Intermediate];
        for (int i = 0; i < inner.Length; i++)
        {
            double g = both[i];
            double activated = spec.Activate is not null ? spec.Activate(g) : spec.Gelu
                ? 0.5 * g * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g)))
                : g / (1 + Math.Exp(-g));
            inner[i] = activated * both[spec.Intermediate + i];
        }
        return Linear(prefix + "down_proj", inner);
    }

    private double[] Turn(double[] head, int position, int length)
    {
        double[] turned = [.. head];
        int half = spec.Rotary / 2;
        for (int i = 0; i < half; i++)
        {
            double angle = position * spec.FrequencyOf(i, length);
            double cos = Math.Cos(angle) * spec.Amplitude, sin = Math.Sin(angle) * spec.Amplitude;
            turned[i] = head[i] * cos - head[i + half] * sin;
            turned[i + half] = head[i + half] * cos + head[i] * sin;
        }
        return turned;
    }

    private double[] HeadNorm(double[] head, string name) => spec.HeadNorm ? Norm(head, name) : head;

    private double[] Norm(double[] row, string name)
    {
        double scale = 1 / Math.Sqrt(row.Average(x => x * x) + spec.Epsilon);
        float[] weight = tensors[name].Values;
        return [.. row.Select((x, i) => x * scale * weight[i])];
    }

    private double[] Linear(string name, double[] row)
    {
        double[][] weight = _rows[name + ".weight"];
        double[] result = new double[weight.Length];
        float[]? bias = tensors.TryGetValue(name + ".bias", out TinyTensor? tensor) ? tensor.Values : null;
        for (int i = 0; i < result.Length; i++)
            result[i] = Dot(weight[i], row) + (bias is null ? 0 : bias[i]);
        return result;
    }

    private static double Dot(double[] x, double[] y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    private static double[] Add(double[] x, double[] y) => [.. x.Zip(y, (a, b) => a + b)];
}
