using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using System.Text.Json;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Scalar;

namespace Vernier.Tests;

/// <summary>A Llama of four heads with random codes, on power grids of which each group of 32 chooses one of eight.</summary>
internal sealed class PackedFolder : IDisposable
{
    private const int Hidden = 64, Inner = 96, Vocabulary = 80;

    /// <param name="outliers">The outliers of each matrix: large enough that no layer could do without.</param>
    /// <param name="bits">The bits of a code.</param>
    /// <param name="tied">Whether the output layer is the embedding.</param>
    public PackedFolder(int outliers, int bits = 4, bool tied = false)
    {
        Path = Directory.CreateTempSubdirectory("vernier-").FullName;
        var random = new Random(1);
        var packed = new Dictionary<string, ScalarMatrix>(StringComparer.Ordinal);
        for (int layer = 0; layer < 2; layer++)
        {
            string attention = $"model.layers.{layer}.self_attn.", feed = $"model.layers.{layer}.mlp.";
            foreach ((string name, int rows, int columns) in (
                (string, int, int)[])[(attention + "q_proj", Hidden, Hidden), (attention + "k_proj", 32, Hidden),
                (attention + "v_proj", 32, Hidden), (attention + "o_proj", Hidden, Hidden), (feed + "gate_proj", Inner, Hidden),
                (feed + "up_proj", Inner, Hidden), (feed + "down_proj", Hidden, Inner)])
                packed[name + ".weight"] = Random(random, rows, columns, outliers, bits);
        }
        packed["model.embed_tokens.weight"] = Random(random, Vocabulary, Hidden, outliers, bits);
        if (!tied)
            packed["lm_head.weight"] = packed["model.embed_tokens.weight"];
        string[] norms = ["model.norm.weight", .. Enumerable.Range(0, 2)
            .SelectMany(layer => (string[])[$"model.layers.{layer}.input_layernorm.weight",
            $"model.layers.{layer}.post_attention_layernorm.weight"])];
        using (var writer = new CheckpointWriter(
            Path, [.. packed.SelectMany(entry => entry.Value.Spec.Arrays(entry.Key)),
            .. norms.Select(name => new TensorInfo(name, ElementType.F32, [Hidden]))]))
        {
            foreach ((string name, ScalarMatrix tensor) in packed)
            {
                foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in tensor.Spec.Arrays(name).Zip(tensor.ArrayBytes()))
                    writer.Write(array.Name, bytes.Span);
            }
            float[] ones = new float[Hidden];
            ones.AsSpan().Fill(1);
            foreach (string name in norms)
                writer.Write(name, MemoryMarshal.AsBytes(ones.AsSpan()));
            writer.Complete();
        }
        var config = (JsonObject)JsonNode.Parse("""
            { "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 2,
              "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 80, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
              "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2 }
            """)!;
        config["tie_word_embeddings"] = tied;
        config["quantization_config"] = new QuantizationConfig(
            "test", packed.ToDictionary(entry => entry.Key, entry => entry.Value.Layout, StringComparer.Ordinal)).ToJson();
        File.WriteAllText(System.IO.Path.Combine(Path, "config.json"), config.ToJsonString(new JsonSerializerOptions()));
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static ScalarMatrix Random(Random random, int rows, int columns, int outliers, int bits)
    {
        var spec = new ScalarLayout(rows, columns, bits, Granularity.Group(32), rows, 8, WideLevels: bits > 6, ZeroPoints: false) {
            Outliers = outliers };
        LevelTable[] grids = [.. Enumerable.Range(0, 8).Select(i => PowerGrid.Create(bits, LevelLayout.Full, 0.5 + 0.05 * i))];
        var codes = new byte[rows * spec.BytesPerRow];
        random.NextBytes(codes);
        var scales = new Half[spec.Scales];
        for (int i = 0; i < scales.Length; i++)
            scales[i] = (Half)(random.NextDouble() / Math.Sqrt(columns));
        int[] places = [.. Enumerable.Range(0, rows * columns).OrderBy(_ => random.Next()).Take(outliers).Order()];
        int[] counts = [.. Enumerable.Range(0, rows).Select(row => places.Count(place => place / columns == row))];
        Outliers? sparse = outliers == 0 ? null : new Outliers(
            spec, grids[0].Unit, counts, Array.ConvertAll(places, place => place % columns),
            [.. places.Select(_ => (float)(Half)(200 * random.NextDouble() - 100))]);
        return new ScalarMatrix(spec, grids, scales, [], codes, sparse);
    }
}
