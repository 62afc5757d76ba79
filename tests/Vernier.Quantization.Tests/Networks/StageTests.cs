using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Networks;

/// <summary>Stages of a network whose tables and layers are replaced by quantized ones.</summary>
public sealed class StageTests : IDisposable
{
    private const string Table = "model.embed_tokens.weight", Query = "model.layers.0.self_attn.q_proj.weight";

    private static readonly int[][] s_sequences = [[3, 17, 5, 0, 41], [22, 9, 13, 1, 1]];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AQuantizedTableTakesThePlaceOfTheTable()
    {
        using Model model = Open(TinyLlama.Spec);
        using INetwork network = NetworkFactory.Open(model, s_sequences);
        network.Begin();
        float[] expected = [.. s_sequences.SelectMany(tokens => tokens).SelectMany(token => Row(model, Table, token))];
        Assert.Equal(expected, ((LanguageNetwork)network).Streams(0).ToArray());

        PackedMatrix packed = Packed(model, Table);
        network.ReplaceTable(Table, packed);
        network.Begin();
        float[] quantized = [.. s_sequences.SelectMany(tokens => tokens).SelectMany(token => Row(packed, token))];
        Assert.Equal(quantized, ((LanguageNetwork)network).Streams(0).ToArray());
        Assert.NotEqual(expected, quantized);

        ArgumentException error = Assert.Throws<ArgumentException>(() => network.ReplaceTable(Query, packed));
        Assert.Equal("name", error.ParamName);
        Assert.StartsWith($"the model has no table {Query}", error.Message, StringComparison.Ordinal);
    }

    /// <summary>What a layer computes is what comes into the next group; with biases, and without.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AQuantizedLayerTakesThePlaceOfOneAndKeepsItsBias(bool biased)
    {
        using Model model = Open(TinyLlama.Spec with { Type = biased ? "qwen2" : "llama", QueryKeyValueBias = biased });
        using INetwork network = NetworkFactory.Open(model, s_sequences);
        network.Begin();
        INetworkStage stage = network.Load(0);
        float[] before = Seen(stage, 1);
        PackedMatrix packed = Packed(model, "model.layers.0.self_attn.v_proj.weight");
        stage.Replace("model.layers.0.self_attn.v_proj.weight", packed);
        float[] after = Seen(stage, 1);
        Assert.NotEqual(before, after);
        // The values are those of 8 bits: what is attended to hardly moves, unless a bias is lost.
        double moved = before.Zip(after, (a, b) => Math.Pow(a - b, 2)).Sum() / before.Sum(value => Math.Pow(value, 2));
        Assert.InRange(moved, 1e-9, 1e-3);
        // A stage that is loaded anew has the weights that it came with.
        Assert.Equal(before, Seen(network.Load(0), 1));
    }

    [Fact]
    public void SeveralObserversSeeTheSameAndNoneIsNothing()
    {
        using Model model = Open(TinyLlama.Spec);
        using INetwork network = NetworkFactory.Open(model, s_sequences);
        network.Begin();
        INetworkStage stage = network.Load(0);
        stage.Observe(stage.Groups[2], 0, []);
        SampleObserver one = new(10, 10), two = new(10, 10);
        stage.Observe(stage.Groups[2], 0, [one, two]);
        Assert.Equal(10 * 64, one.ToArray().Length);
        Assert.Equal(one.ToArray(), two.ToArray());
        Assert.Equal(one.ToArray(), Seen(stage, 2));
    }

    [Fact]
    public void WorkStopsBetweenTwoBatches()
    {
        using Model model = Open(TinyLlama.Spec);
        using INetwork network = NetworkFactory.Open(model, s_sequences);
        var cancelled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(() => network.Begin(null, cancelled));
        network.Begin();
        INetworkStage stage = network.Load(0);
        Assert.Throws<OperationCanceledException>(() => stage.Advance(cancelled));
    }

    [Fact]
    public void AShapeIsNotRun()
    {
        var source = new WeightlessSource();
        ILinear linear = source.Linear("w", "b", 3, 5);
        Assert.Equal((3, 5), (linear.Outputs, linear.Inputs));
        Assert.Equal(7, source.Vector("v", 7).Length);
        Assert.Equal(["b", "v", "w"], source.Names.Order());
        Assert.True(source.Contains("anything"));
        Assert.Equal("a shape has no weights", Assert.Throws<InvalidOperationException>(
            () => linear.Apply(new float[5], new float[3], 1, Workers.Shared)).Message);
        Assert.Equal("t has no rows", Assert.Throws<InvalidOperationException>(() => source.Embedding("t", 2, 2)).Message);
    }

    private Model Open(TinySpec spec) => Model.Open(TinyModel.Write(_folder["in"], spec));

    private static float[] Seen(INetworkStage stage, int group)
    {
        var all = new SampleObserver(10, 10);
        stage.Observe(stage.Groups[group], 0, [all]);
        return all.ToArray();
    }

    private static PackedMatrix Packed(Model model, string name)
    {
        var plan = QuantizationPlan.Create(model, new QuantizationOptions { Recipe = RecipeCatalogue.Find("rtn"), Bits = 8 });
        return new TensorSolver(plan).SolveNearest(plan.Tensors.Single(tensor => tensor.Name == name));
    }

    private static float[] Row(Model model, string name, int row)
    {
        var values = new float[64];
        model.Checkpoint.Read(model.Checkpoint[name], row * 64L, values);
        return values;
    }

    private static float[] Row(PackedMatrix packed, int row)
    {
        var values = new float[packed.Columns];
        packed.DequantizeRow(row, values);
        return values;
    }
}
