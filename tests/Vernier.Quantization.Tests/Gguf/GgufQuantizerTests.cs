using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Gguf;

/// <summary>Models quantized to the block formats of ggml, as files and back.</summary>
public class GgufQuantizerTests
{
    /// <summary>The file computes what a folder of the same plan does: the same blocks, in the order of rows that llama.cpp has.</summary>
    [Theory]
    [InlineData("Q3_K_M", true)]
    [InlineData("IQ4_XS", false)]
    public void AFileHasTheLogitsOfAFolder(string type, bool solved)
    {
        Assert.SkipWhen(solved && Environment.GetEnvironmentVariable("VERNIER_LONG") is null, "VERNIER_LONG is not set");
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        (QuantizationPlan plan, GgufTypes types) = Plan(model, type, solved);
        CalibrationSet? calibration = solved ? CalibrationSet.WrittenBy(LanguageModel.Load(model), 2, 64, 2) : null;
        IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan)
            .Run(folder["packed"], new RunOptions { Calibration = calibration });
        IReadOnlyList<QuantizedTensorReport> same = new Quantizer(plan)
            .Run(folder["model.gguf"], new RunOptions { Calibration = calibration, Gguf = types });
        Assert.Equal(reports.Select(report => (report.Name, report.Layout, report.Error)),
            same.Select(report => (report.Name, report.Layout, report.Error)));
        Assert.Equal(types.SizeOf(model), new FileInfo(folder["model.gguf"]).Length);
        Assert.Equal(Logits(folder["packed"]), Logits(folder["model.gguf"]));
        Assert.Equal(["model.gguf", "model.gguf.report.json", "packed"], folder.Names);

        static float[] Logits(string path) =>
            LanguageModel.Load(path, PackedArithmetic.Integer).CreateSession()
                .Forward([new Segment(new[] { 4094, 17, 301, 5, 88, 1024 })], LogitRows.All).ToArray();
    }

    [Fact]
    public void APlanOfOtherTypesIsRefused()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        (QuantizationPlan plan, GgufTypes _) = Plan(model, "Q4_0", false);
        var run = new RunOptions { Gguf = Plan(model, "Q5_0", false).Types };
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => new Quantizer(plan).Run(folder["model.gguf"], run));
        Assert.Equal("quantized-type", error.Rule);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData(nameof(FaultPoint.BeforeEntry), 20, 19)]
    [InlineData(nameof(FaultPoint.BeforeName), 1, 43)]
    public void AFileIsContinuedWhereItStopped(string at, int count, int journalled)
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        (QuantizationPlan plan, GgufTypes types) = Plan(model, "Q4_0", false);
        string file = folder["model.gguf"];
        new Quantizer(plan).Run(folder["whole.gguf"], new RunOptions { Gguf = types });
        Assert.Equal("stopped", Assert.Throws<IOException>(
            () => new Quantizer(plan).Run(file, new RunOptions { Gguf = types, Trace = Stop })).Message);
        Assert.Equal(OutputException.Unfinished, Assert.Throws<OutputException>(
            () => new Quantizer(plan).Run(file, new RunOptions { Gguf = types })).Rule);
        int solved = 0;
        new Quantizer(plan).Run(file, new RunOptions {
            Gguf = types, Resume = true, Trace = (point, _) => solved += point == FaultPoint.AfterEntry ? 1 : 0 });
        Assert.Equal(plan.Tensors.Count(planned => planned.Layout is not null) - journalled, solved);
        Assert.Equal(File.ReadAllBytes(folder["whole.gguf"]), File.ReadAllBytes(file));
        Assert.Equal(["model.gguf", "model.gguf.report.json", "whole.gguf", "whole.gguf.report.json"], folder.Names);
        // What is finished is not done again, nor replaced unless that is allowed.
        DateTime written = File.GetLastWriteTimeUtc(file);
        new Quantizer(plan).Run(file, new RunOptions { Gguf = types, Resume = true });
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));
        Assert.Equal(OutputException.Exists, Assert.Throws<OutputException>(
            () => new Quantizer(plan).Run(file, new RunOptions { Gguf = types })).Rule);
        new Quantizer(plan).Run(file, new RunOptions { Gguf = types, Replace = true });
        Assert.NotEqual(written, File.GetLastWriteTimeUtc(file));

        void Stop(FaultPoint point, string matrix)
        {
            if (point == Enum.Parse<FaultPoint>(at) && --count == 0)
                throw new IOException("stopped");
        }
    }

    private static (QuantizationPlan Plan, GgufTypes Types) Plan(Model model, string type, bool solved)
    {
        Assert.True(GgufMix.TryGet(type, out GgufMix? mix));
        var types = new GgufTypes(mix, importance: solved);
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find(solved ? "gguf" : "gguf-datafree"),
            Allocator = new BlockFormatAllocator(types.FormatsOf(model)) };
        return (QuantizationPlan.Create(model, options), types);
    }

    /// <summary>With importance the columns that count lose less.</summary>
    [Fact]
    public void ImportanceMovesTheErrorToWhereItCountsLess()
    {
        using var folder = new TempFolder();
        const string Name = "model.layers.0.mlp.up_proj.weight";
        using var model = Model.Open(SharedData.Quill);
        Checkpoint checkpoint = model.Checkpoint;
        float[] importance = [.. Enumerable.Range(0, 256).Select(i => i % 4 == 0 ? 100f : 1f)];
        Assert.True(GgufMix.TryGet("Q3_K_S", out GgufMix? mix));
        double[] shares = [.. new[] { null, new Dictionary<string, float[]>(StringComparer.Ordinal) { [Name] = importance } }
            .Select((given, i) =>
        {
            var plan = QuantizationPlan.Create(model,
                new QuantizationOptions { Recipe = RecipeCatalogue.Find("gguf-datafree"), Importance = given,
                Allocator = new BlockFormatAllocator(new GgufTypes(mix).FormatsOf(model)) });
            new Quantizer(plan).Run(folder[$"{i}"]);
            using Checkpoint packed = Checkpoint.Open(folder[$"{i}"]);
            Vernier.Packing.PackedMatrix matrix = Vernier.Packing.PackedMatrixReader.Read(
                packed, Name, plan.Tensors.Single(tensor => tensor.Tensor.Name == Name).Layout!);
            float[] original = new float[matrix.Rows * matrix.Columns], row = new float[matrix.Columns];
            checkpoint.Read(checkpoint[Name], 0, original);
            double important = 0, other = 0;
            for (int r = 0; r < matrix.Rows; r++)
            {
                matrix.DequantizeRow(r, row);
                for (int c = 0; c < row.Length; c++)
                {
                    double error = Math.Pow(row[c] - original[r * row.Length + c], 2);
                    (important, other) = c % 4 == 0 ? (important + error, other) : (important, other + error);
                }
            }
            return important / (important + other);
        })];
        Assert.InRange(shares[0], 0.2, 0.3);
        Assert.InRange(shares[1], 0, 0.8 * shares[0]);
    }

    [Fact]
    public void ImportanceOfAnotherModelIsRefused()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        Checkpoint checkpoint = model.Checkpoint;
        var importance = new Dictionary<string, float[]>(StringComparer.Ordinal) { ["model.layers.0.mlp.up_proj.weight"] = new float[255] };
        var plan = QuantizationPlan.Create(model,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find("gguf-datafree"), Importance = importance });
        Assert.Equal("importance-columns", Assert.Throws<InvalidFileException>(() => new Quantizer(plan).Run(folder["out"])).Rule);
    }
}
