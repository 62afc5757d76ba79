using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;

namespace Vernier.Tests.Networks;

/// <summary>Language models as networks of stages.</summary>
public sealed class LanguageNetworkTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama", "q_proj k_proj v_proj, o_proj, gate_proj up_proj, down_proj")]
    [InlineData("phi3", "qkv_proj, o_proj, gate_up_proj, down_proj")]
    public void LayersOfOneInputAreDeclaredTogether(string family, string expected)
    {
        TinyModel.Write(_folder["in"], TinyLlama.Spec with { Type = family, Fused = family == "phi3" });
        using var model = Model.Open(_folder["in"]);
        NetworkShape shape = NetworkFactory.ShapeOf(model)!;
        Assert.Equal(["model.embed_tokens.weight"], shape.Tables);
        Assert.Equal(2, shape.Stages.Count);
        Assert.Equal(64, shape.Width);
        foreach ((int stage, StageShape part) in shape.Stages.Index())
        {
            IReadOnlyList<LayerGroup> groups = part.Groups;
            Assert.Equal(model.Checkpoint.Tensors.Select(tensor => tensor.Name)
                .Where(name => name.StartsWith($"model.layers.{stage}.", StringComparison.Ordinal)).Order(), part.Tensors.Order());
            Assert.Equal(4 * 64 + (2 * 4 + 4 * 2) * 16 + 3 * 96, part.PassWidth);
            Assert.Equal(expected,
                string.Join(", ", groups.Select(group => string.Join(' ', group.Layers.Select(layer => layer.Name.Split('.')[^2])))));
            Assert.All(groups.Index(), pair => Assert.Equal((stage, pair.Index), (pair.Item.Stage, pair.Item.Index)));
            Assert.All(groups.SelectMany(group => group.Layers), layer =>
                Assert.StartsWith($"model.layers.{stage}.", layer.Name, StringComparison.Ordinal));
            Assert.All(groups.SelectMany(group => group.Layers), layer =>
                Assert.Equal([layer.Outputs, layer.Inputs], model.Checkpoint[layer.Name].Shape));
            Assert.Equal([4, 3, 2, 1], groups.Select(shape.PassesOf));
        }
    }

    [Fact]
    public void AnArchitectureThatDoesNotRunHasNoShape()
    {
        TinyModel.Write(_folder["in"], ("a.weight", [16, 64], TinyModel.Gaussian(1024, 1)));
        using var model = Model.Open(_folder["in"]);
        Assert.Null(NetworkFactory.ShapeOf(model));
    }

    [Fact]
    public void TheInputsOfTheLayersAreThoseInTheModelAndTheStreamsThoseBehindIt()
    {
        using var opened = Model.Open(SharedData.Quill);
        var model = LanguageModel.Load(opened);
        var set = CalibrationSet.WrittenBy(model, 3, 40);
        Segment[] segments = [.. set.Sequences.Select(tokens => new Segment(tokens))];
        Dictionary<string, float[]> expected = InputsIn(model, segments);
        using var network = new LanguageNetwork(opened, opened.Weights(), set.Sequences);
        network.Begin();
        Assert.Equal((1, 120), (network.Batches, network.Rows));
        for (int index = 0; index < network.Shape.Stages.Count; index++)
        {
            INetworkStage stage = network.Load(index);
            foreach (LayerGroup group in stage.Groups)
            {
                var seen = new Recorder();
                stage.Observe(group, 0, [seen]);
                Assert.All(group.Layers, layer => Assert.Equal(expected[layer.Name], seen.Values));
            }
            stage.Advance();
        }
        // The model's rows are those streams after its last norm: of two rows the ratio is the same in all columns.
        float[] hidden = model.CreateSession().Hidden(segments, LogitRows.All).ToArray(), streams = network.Streams(0).ToArray();
        int width = model.Config.HiddenSize;
        Assert.Equal(hidden.Length, streams.Length);
        for (int row = width; row < hidden.Length; row += width)
        {
            double ratio = (double)hidden[row] / streams[row] * streams[0] / hidden[0];
            for (int i = 1; i < width; i++)
                Assert.Equal(1, (double)hidden[row + i] / streams[row + i] * streams[i] / hidden[i] / ratio, 1e-3);
        }
    }

    [Theory]
    [InlineData(40, 32, 2)]
    [InlineData(3, 500, 2)]
    [InlineData(2, 1500, 2)]
    public void EveryRowComesOnceWithItsSample(int count, int length, int batches)
    {
        TinySpec spec = TinyLlama.Spec with { Extra = new() { ["max_position_embeddings"] = 2048 } };
        TinyModel.Write(_folder["in"], spec);
        using var model = Model.Open(_folder["in"]);
        using INetwork network = NetworkFactory.Open(model, Sequences(count, length));
        network.Begin();
        Assert.Equal(batches, network.Batches);
        INetworkStage stage = network.Load(0);
        IEnumerable<SampleId> expected = Enumerable.Range(0, count)
            .SelectMany(sequence => Enumerable.Range(0, length).Select(position => new SampleId(sequence, position)));
        foreach (LayerGroup group in stage.Groups)
        {
            var seen = new Recorder();
            for (int batch = 0; batch < network.Batches; batch++)
                stage.Observe(group, batch, [seen]);
            Assert.Equal(expected, seen.Ids);
            Assert.Equal(count * length * group.Inputs, seen.Values.Count);
        }
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    public void LayersAreInTheirPlacesAgainWhateverAnObserverThrows(Type thrown)
    {
        TinyLlama.Write(_folder["in"]);
        using var model = Model.Open(_folder["in"]);
        using INetwork disturbed = NetworkFactory.Open(model, Sequences(4, 16)), quiet = NetworkFactory.Open(model, Sequences(4, 16));
        disturbed.Begin();
        quiet.Begin();
        for (int index = 0; index < 2; index++)
        {
            INetworkStage stage = disturbed.Load(index), other = quiet.Load(index);
            foreach (LayerGroup group in stage.Groups)
            {
                var fault = (Exception)Activator.CreateInstance(thrown)!;
                Assert.Same(fault, Assert.Throws(thrown, () => stage.Observe(group, 0, [new Thrower(fault)])));
            }
            stage.Advance();
            other.Advance();
            Assert.Equal(((LanguageNetwork)quiet).Streams(0), ((LanguageNetwork)disturbed).Streams(0));
        }
    }

    [Fact]
    public void AStageIsOfNoUseBeforeTheSamplesAreThere()
    {
        TinyLlama.Write(_folder["in"]);
        using var model = Model.Open(_folder["in"]);
        using INetwork network = NetworkFactory.Open(model, Sequences(1, 8));
        INetworkStage stage = network.Load(0);
        Assert.Contains("in front of the first stage", Assert.Throws<InvalidOperationException>(() => stage.Advance()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void SamplesThatDoNotFitTheModelAreRefused()
    {
        TinyLlama.Write(_folder["in"]);
        using var model = Model.Open(_folder["in"]);
        Assert.Contains("not in the vocabulary of 48", Refused([0, 48]), StringComparison.Ordinal);
        Assert.Contains("longer than the model's context of 64", Refused(new int[65]), StringComparison.Ordinal);

        string Refused(int[] tokens) => Assert.Throws<ArgumentException>(() => NetworkFactory.Open(model, [tokens])).Message;
    }

    private static int[][] Sequences(int count, int length) =>
        [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(0, length).Select(j => (i * 31 + j * j) % 47).ToArray())];

    // A pass of the whole model, in which each layer notes what comes in.
    private static Dictionary<string, float[]> InputsIn(LanguageModel model, Segment[] segments)
    {
        var inputs = new Dictionary<string, float[]>(StringComparer.Ordinal);
        (LinearSlot Slot, ILinear Layer)[] layers = [.. model.Blocks.SelectMany(block => block.Linears).Select(slot => (slot, slot.Layer))];
        foreach ((LinearSlot slot, ILinear layer) in layers)
            slot.Layer = new Noting(layer, x => inputs[slot.Name] = x);
        model.CreateSession().Hidden(segments, LogitRows.All);
        foreach ((LinearSlot slot, ILinear layer) in layers)
            slot.Layer = layer;
        return inputs;
    }

    private sealed class Noting(ILinear layer, Action<float[]> note) : ILinear
    {
        public int Inputs => layer.Inputs;

        public int Outputs => layer.Outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
        {
            note(x[..(rows * Inputs)].ToArray());
            layer.Apply(x, y, rows, workers);
        }
    }

    private sealed class Recorder : IActivationObserver
    {
        public List<SampleId> Ids { get; } = [];

        public List<float> Values { get; } = [];

        public void Observe(in GroupInput input)
        {
            Ids.AddRange(input.Ids);
            Values.AddRange(input.Values);
        }
    }

    private sealed class Thrower(Exception fault) : IActivationObserver
    {
        public void Observe(in GroupInput input) => throw fault;
    }
}
