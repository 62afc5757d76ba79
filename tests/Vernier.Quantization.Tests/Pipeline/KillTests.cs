using System.Diagnostics;
using System.Globalization;
using Vernier.Quantization.Pipeline;

namespace Vernier.Tests.Pipeline;

/// <summary>Runs that are killed, as by SIGKILL, in processes of their own: each kills itself when it comes to a given point for the given
/// time.</summary>
public sealed class KillTests : IDisposable
{
    private const string Folder = "VERNIER_TEST_KILL_FOLDER", Recipe = "VERNIER_TEST_KILL_RECIPE", At = "VERNIER_TEST_KILL_AT",
        Count = "VERNIER_TEST_KILL_COUNT";

    private readonly TempFolder _folder = new();

    public KillTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gptq", nameof(FaultPoint.BeforeArrays), 1, 0)]
    [InlineData("gptq", nameof(FaultPoint.BeforeArrays), 9, 8)]
    [InlineData("gptq-network", nameof(FaultPoint.BeforeEntry), 1, 0)]
    [InlineData("gptq-network", nameof(FaultPoint.BeforeEntry), 15, 14)]
    [InlineData("gptq", nameof(FaultPoint.AfterEntry), 6, 6)]
    [InlineData("rtn", nameof(FaultPoint.AfterEntry), 3, 3)]
    [InlineData("gptq", nameof(FaultPoint.BeforeName), 1, 15)]
    public async Task AKilledRunGoesOnAndEndsInTheSameBytes(string recipe, string at, int count, int journalled)
    {
        Assert.SkipWhen(ChildRun.IsChild, "this is the inner process");
        PipelineRun whole = Run("whole", recipe), killed = Run("out", recipe);
        whole.Run();
        await Kill(recipe, at, count);
        Assert.False(Directory.Exists(killed.Output));
        Assert.Equal(journalled, killed.Journal.Length);
        killed.Resumed.Run();
        Assert.Equal(whole.Bytes, killed.Bytes);
        Assert.Equal(["in", "out", "whole"], _folder.Names);
    }

    [Fact]
    public async Task KilledAgainAndAgainARunEndsInTheSameBytes()
    {
        Assert.SkipWhen(ChildRun.IsChild, "this is the inner process");
        PipelineRun whole = Run("whole", "gptq"), killed = Run("out", "gptq");
        whole.Run();
        await KillAt(FaultPoint.BeforeEntry, 4, 3);
        await KillAt(FaultPoint.AfterEntry, 4, 7);
        await KillAt(FaultPoint.BeforeArrays, 3, 9);
        killed.Resumed.Run();
        Assert.Equal(whole.Bytes, killed.Bytes);

        async Task KillAt(FaultPoint at, int count, int journalled)
        {
            await Kill("gptq", $"{at}", count);
            Assert.Equal(journalled, killed.Journal.Length);
        }
    }

    [Fact]
    public async Task ARunThatIsKilledAfterItsEndIsWhole()
    {
        Assert.SkipWhen(ChildRun.IsChild, "this is the inner process");
        PipelineRun whole = Run("whole", "gptq"), killed = Run("out", "gptq");
        whole.Run();
        await Kill("gptq", nameof(FaultPoint.AfterName), 1);
        Assert.Equal(whole.Bytes, killed.Bytes);
        Assert.True(Directory.Exists(killed.Partial));
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(killed.Output, "model.safetensors"));
        killed.Resumed.Run();
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(killed.Output, "model.safetensors")));
        Assert.Equal(["in", "out", "whole"], _folder.Names);
    }

    /// <summary>The inner process: it does not come to its end.</summary>
    [Fact]
    public void TheInnerRun()
    {
        string? folder = Environment.GetEnvironmentVariable(Folder);
        Assert.SkipWhen(folder is null, "this is the outer process");
        FaultPoint at = Enum.Parse<FaultPoint>(Environment.GetEnvironmentVariable(At)!);
        int left = int.Parse(Environment.GetEnvironmentVariable(Count)!, CultureInfo.InvariantCulture);
        void Trace(FaultPoint point, string matrix)
        {
            if (point == at && --left == 0)
                Process.GetCurrentProcess().Kill();
        }
        var options = new RunOptions { Resume = true, Trace = Trace };
        new PipelineRun(Path.Combine(folder, "in"), Path.Combine(folder, "out")) {
            Recipe = Environment.GetEnvironmentVariable(Recipe)!, Options = options }.Run();
        Assert.Fail("the run came to its end");
    }

    private PipelineRun Run(string output, string recipe) => new(_folder["in"], _folder[output]) { Recipe = recipe };

    private async Task Kill(string recipe, string at, int count)
    {
        ChildRun run = await ChildRun.Of(GetType().Assembly, ["-method", $"{GetType().FullName}.{nameof(TheInnerRun)}"],
            (Folder, _folder.Path), (Recipe, recipe), (At, at), (Count, count.ToString(CultureInfo.InvariantCulture)));
        Assert.False(run.Output.Contains("Total:", StringComparison.Ordinal), run.Output);
        Assert.NotEqual(0, run.ExitCode);
    }
}
