using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Numerics;

namespace Vernier.Bench.Gguf;

/// <summary>
/// A model of another shape that computes the same as a given one: its residual stream is turned into twice as many dimensions by a random rotation, norms are folded into the
/// layers behind them, feed-forwards get half as many neurons again by splitting some in two, and the output layer is no longer the embedding. Every matrix has other
/// numbers, mixed as those of rotated networks are, and other sizes.
/// </summary>
internal sealed class WiderModel
{
    private readonly Checkpoint _checkpoint;
    private readonly TransformerConfig _config;
    private readonly int _narrow, _wide, _inner;
    private readonly float[] _rotation;
    private readonly Random _random = new(7);
    private readonly List<(string Name, int Rows, int Columns, float[] Values)> _tensors = [];

    private WiderModel(Model original)
    {
        (_checkpoint, _config) = (original.Checkpoint, (TransformerConfig)original.Configuration);
        (_narrow, _wide, _inner) = (_config.HiddenSize, 2 * _config.HiddenSize, _config.IntermediateSize / 2 * 3 / 256 * 256);
        _rotation = Orthonormal(_wide, _narrow);
    }

    /// <summary>Writes the model.</summary>
    public static void Write(string folder, string target)
    {
        using var original = Model.Open(folder);
        var model = new WiderModel(original);
        model.Build();
        Directory.CreateDirectory(target);
        using (var writer = new CheckpointWriter(target, [.. model._tensors.Select(tensor => new TensorInfo(tensor.Name, ElementType.F32, tensor.Columns == 0 ? [tensor.Rows] : [tensor.Rows, tensor.Columns]))]))
        {
            foreach ((string name, _, _, float[] values) in model._tensors)
                writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
            writer.Complete();
        }
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        (config["hidden_size"], config["intermediate_size"], config["tie_word_embeddings"], config["torch_dtype"]) = (model._wide, model._inner, false, "float32");
        config["rms_norm_eps"] = config["rms_norm_eps"]!.GetValue<double>() / 2;
        File.WriteAllText(Path.Combine(target, "config.json"), config.ToJsonString());
        foreach (string file in Directory.EnumerateFiles(folder, "tokenizer*.json"))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
    }

    private void Build()
    {
        float[] embedding = Read("model.embed_tokens.weight");
        Add("model.embed_tokens.weight", _config.VocabularySize, _wide, Inwards(embedding, _config.VocabularySize, null));
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.", attention = prefix + "self_attn.", feed = prefix + "mlp.";
            float[] first = Read(prefix + "input_layernorm.weight"), second = Read(prefix + "post_attention_layernorm.weight");
            AddNorm(prefix + "input_layernorm.weight");
            foreach ((string name, int heads) in ((string, int)[])[("q_proj", _config.HeadCount), ("k_proj", _config.KeyValueHeadCount), ("v_proj", _config.KeyValueHeadCount)])
                Add($"{attention}{name}.weight", heads * _config.HeadSize, _wide, Inwards(Read($"{attention}{name}.weight"), heads * _config.HeadSize, first));
            int width = _config.HeadCount * _config.HeadSize;
            Add(attention + "o_proj.weight", _wide, width, Outwards(Read(attention + "o_proj.weight"), width));
            AddNorm(prefix + "post_attention_layernorm.weight");
            AddFeedForward(feed, second);
        }
        AddNorm("model.norm.weight");
        Add("lm_head.weight", _config.VocabularySize, _wide, Inwards(embedding, _config.VocabularySize, Read("model.norm.weight")));
    }

    // A neuron that is split has its output weights dealt out to both halves; their inputs are the same.
    private void AddFeedForward(string feed, float[] norm)
    {
        int neurons = _config.IntermediateSize;
        float[] gate = Inwards(Read(feed + "gate_proj.weight"), neurons, norm), up = Inwards(Read(feed + "up_proj.weight"), neurons, norm), down = Outwards(Read(feed + "down_proj.weight"), neurons);
        int[] source = [.. Enumerable.Range(0, _inner).Select(i => i % neurons)];
        float[] share = [.. Enumerable.Range(0, neurons).Select(i => i + neurons < _inner ? 0.2f + 0.6f * _random.NextSingle() : 1)];
        var wider = new float[_wide * _inner];
        for (int row = 0; row < _wide; row++)
        {
            for (int i = 0; i < _inner; i++)
                wider[row * _inner + i] = down[row * neurons + source[i]] * (i < neurons ? share[source[i]] : 1 - share[source[i]]);
        }
        Add(feed + "gate_proj.weight", _inner, _wide, [.. source.SelectMany(i => gate.AsSpan(i * _wide, _wide).ToArray())]);
        Add(feed + "up_proj.weight", _inner, _wide, [.. source.SelectMany(i => up.AsSpan(i * _wide, _wide).ToArray())]);
        Add(feed + "down_proj.weight", _wide, _inner, wider);
    }

    /// <summary>W diag(norm) R^T: what reads the stream, its norm folded in.</summary>
    private float[] Inwards(float[] weights, int rows, float[]? norm)
    {
        float[] scaled = [.. weights];
        for (int i = 0; i < scaled.Length && norm is not null; i++)
            scaled[i] *= norm[i % _narrow];
        var result = new float[rows * _wide];
        MatrixProduct.MultiplyTransposed(scaled, _rotation, result, rows, _wide, _narrow, Workers.Shared);
        return result;
    }

    /// <summary>R W: what adds to the stream.</summary>
    private float[] Outwards(float[] weights, int columns)
    {
        var result = new float[_wide * columns];
        MatrixProduct.Multiply(new ReadOnlyMatrixSpan<float>(_rotation, _wide, _narrow), new ReadOnlyMatrixSpan<float>(weights, _narrow, columns), new MatrixSpan<float>(result, _wide, columns), ProductUpdate.Set, Workers.Shared);
        return result;
    }

    // The mean square is half of what it was, for it is over twice as many.
    private void AddNorm(string name)
    {
        var ones = new float[_wide];
        ones.AsSpan().Fill(MathF.Sqrt(0.5f));
        Add(name, _wide, 0, ones);
    }

    private void Add(string name, int rows, int columns, float[] values) => _tensors.Add((name, rows, columns, values));

    private float[] Read(string name)
    {
        TensorInfo tensor = _checkpoint[name];
        var values = new float[tensor.Count];
        _checkpoint.Read(tensor, 0, values);
        return values;
    }

    /// <summary>A random matrix of orthonormal columns, by Gram-Schmidt.</summary>
    private float[] Orthonormal(int rows, int columns)
    {
        var vectors = new double[columns][];
        for (int i = 0; i < columns; i++)
        {
            double[] vector = [.. Enumerable.Range(0, rows).Select(_ => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()))];
            for (int pass = 0; pass < 2; pass++)
            {
                for (int j = 0; j < i; j++)
                {
                    double product = System.Numerics.Tensors.TensorPrimitives.Dot<double>(vector, vectors[j]);
                    System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(vectors[j], -product, vector, vector);
                }
            }
            System.Numerics.Tensors.TensorPrimitives.Divide(vector, System.Numerics.Tensors.TensorPrimitives.Norm<double>(vector), vector);
            vectors[i] = vector;
        }
        return [.. Enumerable.Range(0, rows).SelectMany(row => vectors.Select(vector => (float)vector[row]))];
    }
}
