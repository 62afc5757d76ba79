using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Scalar;

namespace Vernier.Bench;

/// <summary>What is written for a shape: bits, grid, groups of 32.</summary>
/// <param name="Name">Its name, also of its folder.</param>
/// <param name="Bits">Bits of a linear layer's codes.</param>
/// <param name="HeadBits">Bits of the output layer's, on a uniform grid.</param>
/// <param name="EmbeddingBits">Bits of the embedding's, on a uniform grid.</param>
/// <param name="Tables">Power grids that each group chooses from; 0 for the uniform grid.</param>
internal sealed record ModelKind(string Name, int Bits, int HeadBits, int EmbeddingBits, int Tables)
{
    /// <summary>Makes a matrix of a linear layer in another layout; null for the scalar one that the other members describe.</summary>
    public Func<Random, int, int, PackedMatrix>? Layout { get; init; }
}

/// <summary>Writes a packed model of random codes: speed does not depend on what the codes are.</summary>
internal static class RandomModel
{
    private const int Group = 32;

    /// <summary>Writes a model folder unless it is there.</summary>
    public static string Ensure(string root, LlamaShape shape, ModelKind kind)
    {
        string folder = Path.Combine(root, "vernier-" + kind.Name);
        if (File.Exists(Path.Combine(folder, "config.json")))
            return folder;
        Directory.CreateDirectory(folder);
        var makers = new Dictionary<string, Func<Random, PackedMatrix>>(StringComparer.Ordinal)
        {
            ["model.embed_tokens.weight"] = random =>
                Create(random, Spec(shape.Vocabulary, shape.Hidden, kind.EmbeddingBits, 0), power: false),
            ["lm_head.weight"] = random => Create(random, Spec(shape.Vocabulary, shape.Hidden, kind.HeadBits, 0), power: false),
        };
        var norms = new List<TensorInfo> { new("model.norm.weight", ElementType.F32, [shape.Hidden]) };
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            foreach ((_, string name, int rows, int columns) in shape.Matrices(layer))
                makers[name] = random => kind.Layout?.Invoke(random, rows, columns)
                    ?? Create(random, Spec(rows, columns, kind.Bits, kind.Tables), kind.Tables > 0);
            norms.Add(new($"model.layers.{layer}.input_layernorm.weight", ElementType.F32, [shape.Hidden]));
            norms.Add(new($"model.layers.{layer}.post_attention_layernorm.weight", ElementType.F32, [shape.Hidden]));
        }
        var random = new Random(1);
        // The layout of a matrix does not depend on its numbers, so that each is made twice and none is kept.
        Dictionary<string, PackedLayout> specs = makers.ToDictionary(
            entry => entry.Key, entry => entry.Value(random).Layout, StringComparer.Ordinal);
        using var writer = new CheckpointWriter(folder, [.. specs.SelectMany(entry => entry.Value.Arrays(entry.Key)), .. norms]);
        foreach ((string name, PackedLayout spec) in specs)
        {
            foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in spec.Arrays(name).Zip(makers[name](random).ArrayBytes()))
                writer.Write(array.Name, bytes.Span);
        }
        float[] ones = new float[shape.Hidden];
        ones.AsSpan().Fill(1);
        foreach (TensorInfo norm in norms)
            writer.Write(norm.Name, MemoryMarshal.AsBytes(ones.AsSpan()));
        writer.Complete();
        JsonObject config = shape.Config();
        config["quantization_config"] = new QuantizationConfig(kind.Name, specs).ToJson();
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        return folder;
    }

    private static ScalarLayout Spec(int rows, int columns, int bits, int tables) =>
        new(rows, columns, bits, Granularity.Group(Group), rows, Math.Max(1, tables), tables > 0 && bits > 6, ZeroPoints: false);

    private static ScalarMatrix Create(Random random, ScalarLayout spec, bool power)
    {
        LevelTable[] grids = [.. Enumerable.Range(0, spec.Grids).Select(i => !power
            ? UniformGrid.Create(spec.Bits, LevelLayout.Full)
            : PowerGrid.Create(spec.Bits, LevelLayout.Full, spec.Tables == 1 ? 0.7 : 0.5 + 0.05 * i))];
        var codes = new byte[(long)spec.Rows * spec.BytesPerRow];
        random.NextBytes(codes);
        var scales = new Half[spec.Scales];
        for (int i = 0; i < scales.Length; i++)
            scales[i] = (Half)((random.NextDouble() + 0.5) * 2 / Math.Sqrt(spec.Columns));
        return new ScalarMatrix(spec, grids, scales, [], codes);
    }
}
