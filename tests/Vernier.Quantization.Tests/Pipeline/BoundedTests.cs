using Vernier.Errors;
using Vernier.Inference.Models;
using Vernier.Quantization.Pipeline;

namespace Vernier.Tests.Pipeline;

/// <summary>Memory ceilings, and what runs take.</summary>
public sealed class BoundedTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public BoundedTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gptq")]
    [InlineData("gptq-network")]
    public void InAFileOrInMemoryTheBytesAreTheSame(string recipe)
    {
        PipelineRun inMemory = new PipelineRun(_folder["in"], _folder["memory"]) with { Recipe = recipe };
        inMemory.Run();
        MemoryEstimate estimate = EstimateOf(inMemory);
        long ceiling = estimate.WorkBytes + estimate.ActivationBytes - 1;
        Assert.True(estimate.Spills(ceiling));
        Assert.False(estimate.Spills(ceiling + 1));
        bool spilled = false;
        PipelineRun inFile = new PipelineRun(_folder["in"], _folder["file"]) with { Recipe = recipe, Options = new RunOptions { MemoryBytes = ceiling } };
        (inFile with { BeforeStep = (_, _) => spilled |= File.Exists(Path.Combine(inFile.Partial, "activations")) }).Run();
        Assert.True(spilled);
        Assert.Equal(inMemory.Bytes, inFile.Bytes);
    }

    [Fact]
    public void ACeilingThatCannotBeKeptIsRefusedBeforeAnyWork()
    {
        PipelineRun run = new(_folder["in"], _folder["out"]);
        long smallest = EstimateOf(run).SmallestCeiling;
        MemoryCeilingException error = Assert.Throws<MemoryCeilingException>(() => (run with { Options = new RunOptions { MemoryBytes = smallest - 1 } }).Run());
        Assert.Equal((smallest, smallest - 1), (error.NeededBytes, error.CeilingBytes));
        Assert.StartsWith("model.layers.", error.Tensor, StringComparison.Ordinal);
        Assert.Equal(["in"], _folder.Names);
        (run with { Options = new RunOptions { MemoryBytes = smallest } }).Run();
    }

    [Fact]
    public void TheWorkDoesNotGrowWithTheCalibrationText()
    {
        using var opened = Model.Open(_folder["in"]);
        QuantizationPlan plan = new PipelineRun(_folder["in"], _folder["out"]).Plan(opened);
        MemoryEstimate few = MemoryEstimate.Of(plan, 1, 32), many = MemoryEstimate.Of(plan, 1_000_000, 32);
        Assert.Equal(few.WorkBytes, many.WorkBytes);
        Assert.Equal(4L * 1_000_000 * 32 * 64, many.ActivationBytes);
        Assert.Equal(many.WorkBytes, many.PeakBytes(many.SmallestCeiling));
    }

    [Fact]
    public void TheDiskHoldsTheModelTheJournalAndTheActivations()
    {
        using var opened = Model.Open(_folder["in"]);
        PipelineRun run = new(_folder["in"], _folder["out"]);
        QuantizationPlan plan = run.Plan(opened);
        RunEstimate roomy = RunEstimate.Of(plan, 40, 32, long.MaxValue), tight = RunEstimate.Of(plan, 40, 32, EstimateOf(run).SmallestCeiling);
        Assert.Equal(roomy.Memory.ActivationBytes, tight.DiskBytes - roomy.DiskBytes);
        Assert.True(roomy.PeakMemoryBytes >= tight.PeakMemoryBytes + roomy.Memory.ActivationBytes);
        Assert.InRange(roomy.Seconds, 1e-4, 60);
        long most = 0;
        (run with { BeforeStep = (_, _) => most = Math.Max(most, Directory.Exists(run.Partial) ? SizeOf(run.Partial) : 0), Options = new RunOptions { MemoryBytes = EstimateOf(run).SmallestCeiling } }).Run();
        Assert.InRange(most, plan.Bytes, tight.DiskBytes);
    }

    private static MemoryEstimate EstimateOf(PipelineRun run)
    {
        using var opened = Model.Open(run.Model);
        return MemoryEstimate.Of(run.Plan(opened), run.Calibration.Sequences.Count, run.Calibration.Length);
    }

    private static long SizeOf(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);
}
