using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Quantization.Calibration;
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
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => (run with { Options = new RunOptions { MemoryBytes = smallest - 1 } }).Run());
        Assert.Equal("memory-too-small", error.Rule);
        Assert.Contains($"--memory {(smallest + 999_999) / 1_000_000}MB", error.Message, StringComparison.Ordinal);
        Assert.StartsWith("model.layers.", error.Tensor, StringComparison.Ordinal);
        Assert.Equal(["in"], _folder.Names);
        (run with { Options = new RunOptions { MemoryBytes = smallest } }).Run();
    }

    [Fact]
    public void TheWorkDoesNotGrowWithTheCalibrationText()
    {
        using Checkpoint checkpoint = Checkpoint.Open(_folder["in"]);
        QuantizationPlan plan = new PipelineRun(_folder["in"], _folder["out"]).Plan(checkpoint);
        MemoryEstimate few = MemoryEstimate.Of(plan, 1, 32), many = MemoryEstimate.Of(plan, 1_000_000, 32);
        Assert.Equal(few.WorkBytes, many.WorkBytes);
        Assert.Equal(4L * 1_000_000 * 32 * 64, many.ActivationBytes);
        Assert.Equal(many.WorkBytes, many.PeakBytes(many.SmallestCeiling));
    }

    [Fact]
    public void TheDiskHoldsTheModelTheJournalAndTheActivations()
    {
        using Checkpoint checkpoint = Checkpoint.Open(_folder["in"]);
        PipelineRun run = new(_folder["in"], _folder["out"]);
        QuantizationPlan plan = run.Plan(checkpoint);
        RunEstimate roomy = RunEstimate.Of(plan, 40, 32, long.MaxValue), tight = RunEstimate.Of(plan, 40, 32, EstimateOf(run).SmallestCeiling);
        Assert.Equal(roomy.Memory.ActivationBytes, tight.DiskBytes - roomy.DiskBytes);
        Assert.True(roomy.PeakMemoryBytes >= tight.PeakMemoryBytes + roomy.Memory.ActivationBytes);
        Assert.InRange(roomy.Seconds, 1e-4, 60);
        long most = 0;
        (run with { BeforeStep = (_, _) => most = Math.Max(most, Directory.Exists(run.Partial) ? SizeOf(run.Partial) : 0), Options = new RunOptions { MemoryBytes = EstimateOf(run).SmallestCeiling } }).Run();
        Assert.InRange(most, plan.Bytes, tight.DiskBytes);
    }

    [Fact]
    public void ActivationsComeBackAsTheyWere()
    {
        int[] lengths = [5, 1000, 0, 17];
        float[][] batches = Array.ConvertAll(lengths, length => TinyModel.Gaussian(length, length));
        batches[0][2] = float.NaN;
        batches[1][999] = BitConverter.UInt32BitsToSingle(1);
        foreach (string? file in (string?[])[null, _folder["activations"]])
        {
            using (var store = new ActivationStore(lengths, file))
            {
                foreach (int batch in (int[])[3, 0, 1, 2, 0])
                    store.Write(batch, batches[batch]);
                Assert.Equal(file is not null, File.Exists(_folder["activations"]));
                var buffer = new float[1000];
                foreach (int batch in (int[])[1, 0, 2, 3])
                {
                    store.Read(batch, buffer);
                    Assert.Equal(batches[batch].Select(BitConverter.SingleToUInt32Bits), buffer.Take(lengths[batch]).Select(BitConverter.SingleToUInt32Bits));
                }
            }
            Assert.False(File.Exists(_folder["activations"]));
        }
    }

    private static MemoryEstimate EstimateOf(PipelineRun run)
    {
        using Checkpoint checkpoint = Checkpoint.Open(run.Model);
        return MemoryEstimate.Of(run.Plan(checkpoint), run.Calibration.Sequences.Count, run.Calibration.Length);
    }

    private static long SizeOf(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);
}
