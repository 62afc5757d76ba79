using Vernier.Errors;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Pipeline;

namespace Vernier.Tests.Pipeline;

/// <summary>Observers that are given to a run.</summary>
public sealed class ObservedRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public ObservedRunTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gptq")]
    [InlineData("gptq-network")]
    [InlineData("rtn")]
    public void TheySeeAllRowsOfAllLayersAndChangeNothing(string recipe)
    {
        PipelineRun plain = new(_folder["in"], _folder["plain"]) { Recipe = recipe };
        plain.Run();
        var largest = new LargestInput();
        var ranges = new RangeObserver();
        PipelineRun observed = new(_folder["in"], _folder["observed"]) {
            Recipe = recipe, Options = new RunOptions { Observers = [largest, ranges] } };
        observed.Run();
        Assert.Equal(plain.Bytes, observed.Bytes);
        Check(largest, ranges);
        // A group is over before the next begins.
        Assert.Equal(8, largest.Turns);
    }

    [Fact]
    public void WhatStaysAsItIsIsSeenToo()
    {
        var largest = new LargestInput();
        var ranges = new RangeObserver();
        new PipelineRun(_folder["in"], _folder["out"]) {
            Keep = "layers.1|o_proj", Options = new RunOptions { Observers = [largest, ranges] } }.Run();
        Check(largest, ranges);
    }

    [Fact]
    public void ARunThatGoesOnShowsAllLayersAgain()
    {
        var whole = new LargestInput();
        new PipelineRun(_folder["in"], _folder["whole"]) { Options = new RunOptions { Observers = [whole] } }.Run();
        PipelineRun run = new(_folder["in"], _folder["out"]);
        run.RunUntilFinished(9);
        var again = new LargestInput();
        var ranges = new RangeObserver();
        PipelineRun resumed = run with { Options = new RunOptions { Resume = true, Observers = [again, ranges] } };
        resumed.Run();
        Check(again, ranges);
        Assert.Equal(whole.Largest, again.Largest);
        // What is finished is not looked at.
        var nothing = new LargestInput();
        (resumed with { Options = resumed.Options with { Observers = [nothing] } }).Run();
        Assert.Empty(nothing.Largest);
    }

    [Fact]
    public void AFaultOfAnObserverStopsTheRunAndLeavesTheJournal()
    {
        PipelineRun whole = new(_folder["in"], _folder["whole"]),
            run = new(_folder["in"], _folder["out"]) {
            Options = new RunOptions { Observers = [new FaultAt("model.layers.1.self_attn.o_proj.weight")] } };
        whole.Run();
        Assert.Equal("a fault of the observer", Assert.Throws<InvalidOperationException>(run.Run).Message);
        // The embedding, the first block, and the queries, keys and values of the second.
        Assert.Equal(11, run.Journal.Length);
        (run with { Options = new RunOptions { Resume = true } }).Run();
        Assert.Equal(whole.Bytes, run.Bytes);
    }

    [Fact]
    public void AModelThatDoesNotRunCannotBeObserved()
    {
        TinyModel.Write(_folder["strange"], ("a.weight", [16, 64], TinyModel.Gaussian(1024, 1)));
        PipelineRun run = new(_folder["strange"], _folder["out"]) {
            Recipe = "rtn", Options = new RunOptions { Observers = [new LargestInput()] } };
        Assert.Equal("calibration-architecture", Assert.Throws<UnsupportedModelException>(run.Run).Rule);
    }

    private static void Check(LargestInput largest, RangeObserver ranges)
    {
        string[] names = [.. Enumerable.Range(0, 2)
            .SelectMany(layer => TinyLlama.Linears.Select(linear => $"model.layers.{layer}.{linear}.weight"))];
        Assert.Equal(names.Order(StringComparer.Ordinal), ranges.Ranges.Keys.Order(StringComparer.Ordinal));
        foreach (string name in names)
        {
            ActivationRange range = ranges.Ranges[name];
            Assert.Equal((40 * 32, largest.Largest[name]), (range.Rows, range.Magnitude));
            Assert.True(range.Minimum < 0 && range.Maximum > 0);
        }
    }

    /// <summary>An observer that another assembly could have: the largest magnitude of each layer's input.</summary>
    private sealed class LargestInput : IActivationObserver
    {
        private string? _last;

        public Dictionary<string, float> Largest { get; } = new(StringComparer.Ordinal);

        /// <summary>How often another group had its turn.</summary>
        public int Turns { get; private set; }

        public void Observe(in GroupInput input)
        {
            Turns += input.Group.Name == _last ? 0 : 1;
            _last = input.Group.Name;
            foreach (LayerShape layer in input.Group.Layers)
            {
                float largest = Largest.GetValueOrDefault(layer.Name);
                foreach (float value in input.Values)
                    largest = Math.Max(largest, Math.Abs(value));
                Largest[layer.Name] = largest;
            }
        }
    }

    private sealed class FaultAt(string group) : IActivationObserver
    {
        public void Observe(in GroupInput input)
        {
            if (input.Group.Name == group)
                throw new InvalidOperationException("a fault of the observer");
        }
    }
}
