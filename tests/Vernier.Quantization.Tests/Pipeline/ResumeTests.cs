using Vernier.Errors;
using Vernier.Quantization.Pipeline;

namespace Vernier.Tests.Pipeline;

/// <summary>Runs that stop on the way, and go on.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public ResumeTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gptq")]
    [InlineData("gptq-network")]
    [InlineData("quantease")]
    [InlineData("powerquant")]
    [InlineData("nupes-datafree")]
    public void StoppedAtAnyStepARunEndsInTheSameBytes(string recipe)
    {
        PipelineRun whole = Run("whole") with { Recipe = recipe }, stopped = Run("stopped") with { Recipe = recipe };
        IReadOnlyList<QuantizedTensorReport> expected = whole.Run();
        int stops = 0, withJournal = 0;
        for (int step = 0; ; step += 3)
        {
            PipelineRun run = Run($"{step}") with { Recipe = recipe };
            if (!run.RunUntil(step))
                break;
            stops++;
            bool left = Directory.Exists(run.Partial);
            withJournal += left ? 1 : 0;
            Assert.Equal(left, left && run.Journal.Length > 0);
            Assert.False(Directory.Exists(run.Output));
            CheckSame(expected, run.Resumed.Run());
            Assert.Equal(whole.Bytes, run.Bytes);
            Assert.False(Directory.Exists(run.Partial));
        }
        Assert.True(stops > 8 && withJournal > 4, $"{stops} stops, {withJournal} of them with a journal");

        // And stopped again and again.
        for (int matrices = 2; matrices <= 12; matrices += 5)
            stopped.RunUntilFinished(matrices);
        CheckSame(expected, stopped.Resumed.Run());
        Assert.Equal(whole.Bytes, stopped.Bytes);
    }

    [Fact]
    public void AFinishedMatrixIsNotSolvedAgain()
    {
        PipelineRun run = Run("out");
        run.RunUntilFinished(6);
        (string Path, DateTime Time)[] before = [.. run.Journal.Select(path => (path, File.GetLastWriteTimeUtc(path)))];
        run.RunUntilFinished(9);
        Assert.All(before, entry => Assert.Equal(entry.Time, File.GetLastWriteTimeUtc(entry.Path)));
    }

    public static TheoryData<string> OtherInputs => [.. Changes.Keys];

    private static Dictionary<string, Func<PipelineRun, PipelineRun>> Changes { get; } = new(StringComparer.Ordinal)
    {
        ["recipe ("] = run => run with { Recipe = "gptq-power" },
        ["bits (4 then, 3 now)"] = run => run with { Bits = 3 },
        ["group (group 64 then, group 32 now)"] = run => run with { Group = 32 },
        ["embedding_bits (8 then, none now)"] = run => run with { EmbeddingBits = null },
        ["keep (none then, k_proj now)"] = run => run with { Keep = "k_proj" },
        ["calibration"] = run => run with { Seed = 2 },
        ["model.safetensors"] = run =>
        {
            // One bit of one weight, in the last byte of the file.
            string path = Path.Combine(run.Model, "model.safetensors");
            byte[] bytes = File.ReadAllBytes(path);
            bytes[^4] ^= 1;
            File.WriteAllBytes(path, bytes);
            return run;
        },
        ["config.json"] = run =>
        {
            string path = Path.Combine(run.Model, "config.json");
            File.WriteAllText(path, File.ReadAllText(path)
                .Replace("\"max_position_embeddings\":64", "\"max_position_embeddings\":63", StringComparison.Ordinal));
            return run;
        },
    };

    [Theory]
    [MemberData(nameof(OtherInputs))]
    public void OtherInputsAreRefusedByName(string difference)
    {
        PipelineRun run = Run("out");
        run.RunUntilFinished(5);
        string[] journal = run.Journal;
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Changes[difference](run).Resumed.Run());
        Assert.Equal("resume-other-inputs", error.Rule);
        Assert.Contains(difference, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--", error.Message, StringComparison.Ordinal);
        Assert.Equal(journal, run.Journal);
    }

    [Fact]
    public void AnUnfinishedRunIsNeverLostSilently()
    {
        PipelineRun run = Run("out");
        run.RunUntilFinished(5);
        Assert.Equal(OutputException.Unfinished, Assert.Throws<OutputException>(run.Run).Rule);
        Assert.Equal(5, run.Journal.Length);
        (run with { Bits = 3, Options = new RunOptions { Replace = true } }).Run();
        Assert.Equal(["in", "out"], _folder.Names);
    }

    [Fact]
    public void ADamagedEntryCountsAsNotThere()
    {
        PipelineRun whole = Run("whole");
        whole.Run();
        foreach ((string name, Func<byte[], byte[]> damage) in new (string, Func<byte[], byte[]>)[]
        {
            ("torn", bytes => bytes[..^7]),
            ("short", bytes => bytes[..5]),
            ("empty", _ => []),
            ("flipped", bytes => [.. bytes[..^1], (byte)(bytes[^1] ^ 16)]),
            ("null", _ => [.. "null"u8]),
            ("other", _ => [.. "[1, 2]"u8]),
            ("zeros", bytes => new byte[bytes.Length]),
        })
        {
            PipelineRun run = Run(name);
            run.RunUntilFinished(8);
            string last = run.Journal[^1];
            byte[] good = File.ReadAllBytes(last);
            File.WriteAllBytes(last, damage(good));
            File.WriteAllBytes(last + ".partial", good[..20]);
            run.Resumed.Run();
            Assert.Equal(whole.Bytes, run.Bytes);
        }
    }

    [Fact]
    public void ADamagedMatrixCountsAsNotThere()
    {
        PipelineRun whole = Run("whole");
        whole.Run();
        foreach ((string name, Func<byte[], byte[]> damage) in new (string, Func<byte[], byte[]>)[]
        {
            ("torn", bytes => bytes[..^7]),
            ("empty", _ => []),
            ("header", bytes => [.. bytes[..20], (byte)(bytes[20] ^ 1), .. bytes[21..]]),
            ("zeros", bytes => new byte[bytes.Length]),
            ("scattered", bytes => [.. bytes.Select((value, index) => index > 16384 && index % 1000 == 0 ? (byte)(value ^ 64) : value)]),
        })
        {
            PipelineRun run = Run(name);
            run.RunUntilFinished(8);
            string draft = Path.Combine(run.Partial, "result", "model.safetensors");
            byte[] good = File.ReadAllBytes(draft), bad = damage(good);
            Assert.NotEqual(good, bad);
            File.WriteAllBytes(draft, bad);
            run.Resumed.Run();
            Assert.Equal(whole.Bytes, run.Bytes);
        }
    }

    [Fact]
    public void AnEntryOfAnotherMatrixIsNotTaken()
    {
        PipelineRun whole = Run("whole"), run = Run("out");
        whole.Run();
        run.RunUntilFinished(14);
        File.Copy(run.Journal[^2], run.Journal[^1], overwrite: true);
        run.Resumed.Run();
        Assert.Equal(whole.Bytes, run.Bytes);
    }

    [Fact]
    public void ADamagedFingerprintBeginsAnew()
    {
        PipelineRun whole = Run("whole"), run = Run("out");
        whole.Run();
        run.RunUntilFinished(5);
        File.WriteAllText(Path.Combine(run.Partial, "journal", "fingerprint.json"), "{ \"version\": ");
        run.Resumed.Run();
        Assert.Equal(whole.Bytes, run.Bytes);
    }

    [Fact]
    public void ToResumeWhatIsFinishedDoesNothing()
    {
        PipelineRun run = Run("out");
        IReadOnlyList<QuantizedTensorReport> expected = run.Run();
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(run.Output, "model.safetensors"));
        // As a run leaves it that was killed between giving the folder its name and removing the journal.
        Directory.CreateDirectory(Path.Combine(run.Partial, "journal"));
        File.WriteAllText(Path.Combine(run.Partial, "journal", "00000.matrix.json"), "");
        CheckSame(expected, run.Resumed.Run());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(run.Output, "model.safetensors")));
        Assert.Equal(["in", "out"], _folder.Names);
        Assert.Equal(OutputException.Exists, Assert.Throws<OutputException>(() => (run with { Bits = 3 }).Run()).Rule);
    }

    [Fact]
    public void TwoRunsIntoOneFolderDoNotMeet()
    {
        PipelineRun whole = Run("whole");
        whole.Run();
        int refused = 0;
        PipelineRun run = Run("out");
        (run with
        {
            BeforeStep = (_, progress) =>
            {
                if (progress.Stage is not ("solving" or "writing"))
                    return;
                foreach (RunOptions options in new RunOptions[] { new() { Resume = true }, new() { Replace = true } })
                {
                    Assert.Equal(OutputException.InUse, Assert.Throws<OutputException>(() => (run with { Options = options }).Run()).Rule);
                    refused++;
                }
            },
        }).Run();
        Assert.True(refused > 10);
        Assert.Equal(whole.Bytes, run.Bytes);
        Assert.Equal(["in", "out", "whole"], _folder.Names);
    }

    private PipelineRun Run(string output) => new(_folder["in"], _folder[output]);

    private static void CheckSame(IReadOnlyList<QuantizedTensorReport> expected, IReadOnlyList<QuantizedTensorReport> actual)
    {
        Assert.Equal(expected.Select(Essence), actual.Select(Essence));

        // Everything but the seconds.
        static string Essence(QuantizedTensorReport report) =>
            $"{report.Name} {report.Layout} {string.Join(' ', report.Exponents)} {report.Error} "
                + $"{(report.Solved is null ? "" : report.Solved with { Seconds = 0 })}";
    }
}
