using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Bench.Pipeline;

/// <summary>Writes a model of random weights in half precision, with the sample model's tokenizer, and a text to calibrate it on.</summary>
internal static class FloatModel
{
    private static readonly string[] s_words =
        ("the of and a to in he was that his it had with as at for on not but from by they which "
        + "she were all when there one their said him would no if who been so what up out into more some then them only").Split(' ');

    /// <summary>The shape that the options give; by default of 1.1 billion parameters.</summary>
    public static LlamaShape Shape(Options options) =>
        new(options.Number("hidden", 2048), options.Number("intermediate", 8192), options.Number("layers", 16),
        options.Number("heads", 32), options.Number("kv-heads", 8), options.Number("vocabulary", 32000));

    /// <summary>Writes a model folder unless it is there.</summary>
    /// <param name="root">Where the folder goes.</param>
    /// <param name="shape">The shape of the model.</param>
    public static string Ensure(string root, LlamaShape shape)
    {
        // The vocabulary of the sample's tokenizer is smaller than the model's.
        string tokenizer = Path.Combine(Repository(), "samples", "quill-6m", "tokenizer.json");
        string folder = Path.Combine(root, $"random-{shape.Hidden}x{shape.Layers}");
        if (File.Exists(Path.Combine(folder, "config.json")))
            return folder;
        Directory.CreateDirectory(folder);
        List<TensorInfo> tensors = [Matrix("model.embed_tokens.weight", shape.Vocabulary, shape.Hidden)];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            foreach ((_, string name, int rows, int columns) in shape.Matrices(layer))
                tensors.Add(Matrix(name, rows, columns));
            tensors.Add(Norm($"model.layers.{layer}.input_layernorm.weight"));
            tensors.Add(Norm($"model.layers.{layer}.post_attention_layernorm.weight"));
        }
        tensors.Add(Norm("model.norm.weight"));
        tensors.Add(Matrix("lm_head.weight", shape.Vocabulary, shape.Hidden));
        using var writer = new CheckpointWriter(folder, tensors);
        var random = new Random(1);
        foreach (TensorInfo tensor in tensors)
            Write(writer, tensor, random);
        writer.Complete();
        File.Copy(tokenizer, Path.Combine(folder, "tokenizer.json"), overwrite: true);
        File.WriteAllText(Path.Combine(folder, "config.json"), shape.Config().ToJsonString());
        return folder;

        TensorInfo Norm(string name) => new(name, ElementType.F16, [shape.Hidden]);
        static TensorInfo Matrix(string name, int rows, int columns) => new(name, ElementType.F16, [rows, columns]);
    }

    /// <summary>Writes a text of at least so many tokens.</summary>
    public static string EnsureText(string root, int tokens)
    {
        string path = Path.Combine(root, $"words-{tokens}.txt");
        var random = new Random(2);
        File.WriteAllText(path, string.Join(' ', Enumerable.Range(0, tokens + tokens / 4)
            .Select(_ => s_words[random.Next(s_words.Length)])));
        return path;
    }

    // Sums of four bytes: a bell shape is all that matters, and two thousand million of them take a while.
    private static void Write(CheckpointWriter writer, TensorInfo tensor, Random random)
    {
        int columns = (int)tensor.Shape[^1];
        bool norm = tensor.Shape.Count == 1;
        float scale = 1 / (148f * MathF.Sqrt(columns));
        var values = new Half[columns];
        var bytes = new byte[4 * columns];
        for (long row = 0; row < (norm ? 1 : tensor.Shape[0]); row++)
        {
            random.NextBytes(bytes);
            for (int i = 0; i < columns; i++)
                values[i] = (Half)(norm ? 1 : scale * (bytes[4 * i] + bytes[4 * i + 1] + bytes[4 * i + 2] + bytes[4 * i + 3] - 510));
            writer.Write(tensor.Name, MemoryMarshal.AsBytes(values.AsSpan()));
        }
    }

    /// <summary>The nearest folder above the program that holds the solution.</summary>
    private static string Repository()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Vernier.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the program does not lie inside the repository");
    }
}
