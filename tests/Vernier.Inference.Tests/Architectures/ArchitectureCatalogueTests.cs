using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Architectures;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Architectures;

/// <summary>An architecture from another assembly, with a mixer whose state is no list of tokens.</summary>
public class ArchitectureCatalogueTests
{
    private const int Width = 12, Vocabulary = 20, Layers = 2;

    private const string Config = """
        {"model_type": "decay", "architectures": ["DecayForCausalLM"], "hidden_size": 12, "num_hidden_layers": 2, "vocab_size": 20,
        "max_position_embeddings": 64, "decay": 0.75}
        """;

    static ArchitectureCatalogueTests() => ArchitectureCatalogue.Register(new DecayArchitecture());

    [Fact]
    public void ARegisteredArchitectureRuns()
    {
        (LanguageModel model, Dictionary<string, TinyTensor> tensors) = Load();
        int[] tokens = [3, 17, 4, 4, 9, 0, 11];
        float[] whole = model.CreateSession().Forward([new Segment(tokens)], LogitRows.All).ToArray();
        double[][] expected = Reference(tensors, tokens);
        for (int i = 0; i < whole.Length; i++)
            Assert.Equal(expected[i / Vocabulary][i % Vocabulary], whole[i], 1e-4);

        InferenceSession session = model.CreateSession();
        SequenceState state = session.CreateState();
        for (int done = 0; done < tokens.Length; done += 2)
        {
            int count = Math.Min(2, tokens.Length - done);
            ReadOnlySpan<float> piece = session.Forward([new Segment(tokens.AsMemory(done, count), state)], LogitRows.All);
            for (int i = 0; i < piece.Length; i++)
                Assert.Equal(whole[done * Vocabulary + i], piece[i], 1e-5);
        }
        Assert.Contains("can't go back from 7 tokens to 3", Assert.Throws<InvalidOperationException>(() => state.Truncate(3)).Message,
            StringComparison.Ordinal);
        Assert.Equal(7, state.Length);
        state.Truncate(0);
        float[] first = session.Forward([new Segment(tokens.AsMemory(0, 1), state)], LogitRows.Last).ToArray();
        for (int i = 0; i < first.Length; i++)
            Assert.Equal(whole[i], first[i], 1e-5);
        Assert.Equal(Layers * 2 * sizeof(float) * Width, state.BytesFor(1000));
    }

    [Fact]
    public void APassThatIsNotCommittedLeavesASumAsItWas()
    {
        (LanguageModel model, _) = Load();
        InferenceSession session = model.CreateSession();
        SequenceState state = session.CreateState(), undisturbed = session.CreateState();
        int[] tokens = [5, 6, 7];
        session.Forward([new Segment(tokens, state)], LogitRows.Last);
        session.Forward([new Segment(tokens, undisturbed)], LogitRows.Last);
        var context = new ForwardContext(model.Config);
        context.Begin([new Segment(new[] { 1, 2 }, state)]);
        model.Blocks[0].Forward(new float[2 * Width], context);
        float[] expected = session.Forward([new Segment(new[] { 8 }, undisturbed)], LogitRows.Last).ToArray();
        Assert.Equal(expected, session.Forward([new Segment(new[] { 8 }, state)], LogitRows.Last).ToArray());
    }

    [Fact]
    public void AModelTypeIsRegisteredOnce()
    {
        Assert.Contains("'decay'", Assert.Throws<ArgumentException>(() => ArchitectureCatalogue.Register(new DecayArchitecture())).Message,
            StringComparison.Ordinal);
        string[] types = [.. ArchitectureCatalogue.All.Select(architecture => architecture.ModelType)];
        Assert.Equal(["llama", "mistral", "qwen2", "qwen3", "phi3"], types[..5]);
        Assert.Equal("decay", types[^1]);
        Assert.Equal(types.Length, types.Distinct().Count());
    }

    [Fact]
    public void WhatLlamaCppLacksIsNotExported()
    {
        using TinyFolder folder = new(Config, Tensors());
        using var model = Model.Open(folder.Path);
        Assert.True(GgufMix.TryGet("F32", out GgufMix? mix));
        using var work = new TempFolder();
        UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(() => GgufExport.Write(model, work["x.gguf"], mix));
        Assert.Equal(GgufModelRules.Architecture, error.Rule);
        Assert.Contains("decay", error.Problem, StringComparison.Ordinal);
    }

    private static (LanguageModel Model, Dictionary<string, TinyTensor> Tensors) Load()
    {
        Dictionary<string, TinyTensor> tensors = Tensors();
        using TinyFolder folder = new(Config, tensors);
        return (LanguageModel.Load(folder.Path), tensors);
    }

    private static Dictionary<string, TinyTensor> Tensors()
    {
        var random = new Random(6);
        TinyTensor Make(double center, params int[] shape) =>
            new(shape, [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => (float)(center + random.NextDouble() - 0.5))]);
        var tensors = new Dictionary<string, TinyTensor> {
            ["table"] = Make(0, Vocabulary, Width), ["norm"] = Make(1, Width), ["head"] = Make(0, Vocabulary, Width) };
        for (int layer = 0; layer < Layers; layer++)
            (tensors[$"{layer}.norm"], tensors[$"{layer}.mix"]) = (Make(1, Width), Make(0, Width, Width));
        return tensors;
    }

    private static double[][] Reference(Dictionary<string, TinyTensor> tensors, int[] tokens)
    {
        double[][] hidden = [.. tokens.Select(token =>
            tensors["table"].Values.Skip(token * Width).Take(Width).Select(value => (double)value).ToArray())];
        for (int layer = 0; layer < Layers; layer++)
        {
            double[] sum = new double[Width];
            foreach (double[] row in hidden)
            {
                double[] normed = Norm(row, tensors[$"{layer}.norm"].Values);
                for (int i = 0; i < Width; i++)
                    sum[i] = 0.75 * sum[i] + normed[i];
                double[] delta = Multiply(tensors[$"{layer}.mix"].Values, sum);
                for (int i = 0; i < Width; i++)
                    row[i] += delta[i];
            }
        }
        return [.. hidden.Select(row => Multiply(tensors["head"].Values, Norm(row, tensors["norm"].Values)))];
    }

    private static double[] Norm(double[] x, float[] weight)
    {
        double scale = 1 / Math.Sqrt(x.Average(value => value * value) + 1e-6);
        return [.. x.Select((value, i) => value * scale * weight[i])];
    }

    private static double[] Multiply(float[] matrix, double[] x) =>
        [.. Enumerable.Range(0, matrix.Length / x.Length).Select(row => x.Select((value, i) => value * matrix[row * x.Length + i]).Sum())];
}
