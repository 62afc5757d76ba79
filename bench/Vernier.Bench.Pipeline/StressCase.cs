using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Bench.Pipeline;

/// <summary>
/// Quantizes and runs models of odd widths with every recipe on 1 to 8 threads, while another thread collects and compacts all the time:
/// results of different numbers of threads must be the same to the byte. What touches memory that is not its own is found so, or by the
/// guard pages of a checked build.
/// </summary>
internal static class StressCase
{
    private const int Vocabulary = 61, Heads = 2;

    private static readonly int[] s_widths = [1408, 1000, 24, 1, 96, 257, 33];

    /// <summary>Runs for some minutes and prints a line of JSON.</summary>
    public static int Run(string folder, Options options)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan limit = TimeSpan.FromMinutes(options.Number("minutes", 60));
        string trained = options.Text("model", "");
        int seed = options.Number("seed", 1), first = seed, runs = 0, refused = 0;
        var recipes = new HashSet<string>();
        using var end = new CancellationTokenSource();
        Task<int> collector = Task.Run(() => Collect(end.Token));
        for (; clock.Elapsed < limit; seed++)
        {
            Recipe recipe = RecipeCatalogue.All[seed % RecipeCatalogue.All.Count];
            bool isTrained = trained.Length > 0 && seed % 8 == 0;
            string model = isTrained ? trained : WriteModel(folder, new Random(seed));
            if (Quantize(model, folder, recipe, seed, isTrained))
                recipes.Add(recipe.Name);
            else
                refused++;
            runs++;
        }
        end.Cancel();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            minutes = clock.Elapsed.TotalMinutes,
            runs,
            refused,
            recipes = recipes.Count,
            first_seed = first,
            collections = collector.Result,
        }));
        return 0;
    }

    private static int Collect(CancellationToken end)
    {
        int collections = 0;
        for (var random = new Random(7); !end.IsCancellationRequested; collections++)
        {
            int generation = random.Next(3);
            GC.Collect(generation, generation == 2 && random.Next(4) == 0 ? GCCollectionMode.Aggressive : GCCollectionMode.Forced,
                blocking: true, compacting: true);
            Thread.Sleep(random.Next(3));
        }
        return collections;
    }

    private static bool Quantize(string model, string folder, Recipe recipe, int seed, bool isTrained)
    {
        var random = new Random(seed);
        int bits = Math.Min(random.Next(2, 5), recipe.MostBits), some = random.Next(1, 9), others = random.Next(1, 9);
        string one = Path.Combine(folder, "one"), other = Path.Combine(folder, "other");
        if (!Once(model, one, recipe, bits, some, isTrained) || !Once(model, other, recipe, bits, others, isTrained))
            return false;
        if (!File.ReadAllBytes(Path.Combine(one, "model.safetensors")).AsSpan()
            .SequenceEqual(File.ReadAllBytes(Path.Combine(other, "model.safetensors"))))
            throw new InvalidOperationException($"{recipe.Name}, seed {seed}: {some} and {others} threads give other bytes");
        if (!Logits(one, some).AsSpan().SequenceEqual(Logits(one, others)))
            throw new InvalidOperationException($"{recipe.Name}, seed {seed}: {some} and {others} threads give other logits");
        return true;
    }

    // False where the recipe does not serve such widths.
    private static bool Once(string path, string output, Recipe recipe, int bits, int threads, bool isTrained)
    {
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        using var workers = new Workers(threads);
        using var model = Model.Open(path);
        QuantizationPlan plan;
        try
        {
            plan = QuantizationPlan.Create(model, new QuantizationOptions { Recipe = recipe, Bits = bits }, workers);
        }
        catch (Exception e) when (e is ArgumentException or Errors.VernierException)
        {
            return false;
        }
        int vocabulary = model.Configuration.VocabularySize, length = isTrained ? 64 : 23;
        var random = new Random(11);
        var calibration = new CalibrationSet([.. Enumerable.Range(0, 3).Select(_ =>
            Enumerable.Range(0, length).Select(_ => random.Next(vocabulary)).ToArray())], "random tokens");
        new Quantizer(plan).Run(output, new RunOptions { Calibration = recipe.NeedsCalibration ? calibration : null });
        return true;
    }

    private static float[] Logits(string path, int threads)
    {
        using var workers = new Workers(threads);
        using var model = Model.Open(path);
        InferenceSession session = LanguageModel.Load(model, PackedArithmetic.Integer, workers).CreateSession(workers);
        int[] tokens = [.. Enumerable.Range(0, 37).Select(i => i * 7 % Vocabulary)];
        return [.. session.Forward([new Segment(tokens), new Segment(tokens.AsMemory(0, 5))], LogitRows.All)];
    }

    private static string WriteModel(string root, Random random)
    {
        int size = 2 * random.Next(1, 20), hidden = Heads * size, inner = s_widths[random.Next(s_widths.Length)];
        string folder = Path.Combine(root, "model");
        Directory.CreateDirectory(folder);
        List<TensorInfo> tensors = [Matrix("model.embed_tokens.weight", Vocabulary, hidden), Norm("model.norm.weight")];
        for (int layer = 0; layer < 2; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            foreach (string name in (string[])["q_proj", "k_proj", "v_proj", "o_proj"])
                tensors.Add(Matrix($"{prefix}self_attn.{name}.weight", hidden, hidden));
            tensors.AddRange([Matrix(prefix + "mlp.gate_proj.weight", inner, hidden), Matrix(prefix + "mlp.up_proj.weight", inner, hidden),
                Matrix(prefix + "mlp.down_proj.weight", hidden, inner), Norm(prefix + "input_layernorm.weight"),
                Norm(prefix + "post_attention_layernorm.weight")]);
        }
        using (var writer = new CheckpointWriter(folder, tensors))
        {
            foreach (TensorInfo tensor in tensors)
            {
                float[] values = [.. Enumerable.Range(0, (int)tensor.Count).Select(_ => (float)(random.NextDouble() - 0.5))];
                writer.Write(tensor.Name, MemoryMarshal.AsBytes(values.AsSpan()));
            }
            writer.Complete();
        }
        File.WriteAllText(Path.Combine(folder, "config.json"), new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = hidden,
            ["intermediate_size"] = inner,
            ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = Heads,
            ["max_position_embeddings"] = 128,
            ["tie_word_embeddings"] = true,
        }.ToJsonString());
        return folder;

        TensorInfo Norm(string name) => new(name, ElementType.F32, [hidden]);
        static TensorInfo Matrix(string name, int rows, int columns) => new(name, ElementType.F32, [rows, columns]);
    }
}
