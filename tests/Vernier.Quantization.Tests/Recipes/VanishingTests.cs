using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Recipes;

/// <summary>Rows of zeros, and rows that are too small for their scales, under every recipe at every number of bits.</summary>
public sealed class VanishingTests : IDisposable
{
    private const string Matrix = "model.layers.0.mlp.up_proj.weight";
    private const int ZeroRow = 3, SmallRow = 5, Width = 32;

    private static readonly TinySpec s_spec = TinyLlama.Spec with
    {
        Layers = 1, Hidden = Width, Intermediate = Width, HeadSize = 8, Rotary = 8,
    };

    // What is asked beside the matrix is what it takes to run.
    private static readonly Regex s_others = new("attn|gate|down", RegexOptions.NonBacktracking);

    private readonly TempFolder _folder = new();

    public static TheoryData<string> Recipes => [.. RecipeCatalogue.All.Select(recipe => recipe.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Recipes))]
    public void ZerosStayZeroAndWhatVanishesIsNamed(string name)
    {
        string model = Write(1e-11f);
        Recipe recipe = RecipeCatalogue.Find(name);
        foreach (int bits in ((int[])[2, 3, 4, 5, 6, 8]).Where(bits => bits <= recipe.MostBits && bits == (recipe.Grid.FixedBits ?? bits)))
        {
            string output = _folder[$"out-{bits}"];
            QuantizedTensorReport report = Run(model, output, recipe, bits).Single(report => report.Name == Matrix);
            using var written = Model.Open(output);
            foreach (string tensor in (string[])[Matrix, "model.embed_tokens.weight"])
                Assert.All(Row(written, tensor, ZeroRow), weight => Assert.Equal(0, weight));
            float largest = Row(written, Matrix, SmallRow).Max(Math.Abs);
            if (report.Error.Lost is null)
                Assert.InRange(largest, 1e-13f, 1e-11f);
            else
                Assert.Equal((Matrix, 1, true), (report.Error.Lost.Tensor, report.Error.Lost.Rows, report.Error.Lost.Largest < 1e-11f));
        }
    }

    [Theory]
    [InlineData("rtn")]
    [InlineData("rtn-asymmetric")]
    [InlineData("nupes-datafree")]
    [InlineData("kmeans")]
    [InlineData("mxfp8")]
    public void ALargeRowTakesTheOthersWithIt(string name)
    {
        IReadOnlyList<QuantizedTensorReport> reports = Run(Write(1e38f), _folder["out"], RecipeCatalogue.Find(name), 4);
        LostNumbers lost = reports.Single(report => report.Name == Matrix).Error.Lost!;
        // All but the row of zeros, and the large one itself.
        Assert.Equal((Matrix, Width - 2), (lost.Tensor, lost.Rows));
        JsonNode entry = Assert.Single(JsonNode.Parse(File.ReadAllText(Path.Combine(_folder["out"], "report.json")))!["lost"]!.AsArray())!;
        Assert.Equal($$"""{"tensor":"{{Matrix}}","rows":30,"groups":30,"largest":{{entry["largest"]}}}""", entry.ToJsonString());
        // A run that is continued says the same.
        Assert.Equal(lost, Run(Path.Combine(_folder.Path, "in"), _folder["out"], RecipeCatalogue.Find(name), 4)
            .Single(report => report.Name == Matrix).Error.Lost);
    }

    [Fact]
    public void AGroupIsLostWithoutItsRow()
    {
        string model = TinyModel.Write(_folder["in"], s_spec, change: (tensor, values) =>
        {
            for (int i = 0; i < 16 && tensor == Matrix; i++)
                values[SmallRow * Width + 16 + i] *= 1e-11f;
        });
        LostNumbers? lost = Run(model, _folder["out"], RecipeCatalogue.Find("rtn"), 4, 16)
            .Single(report => report.Name == Matrix).Error.Lost;
        Assert.Equal((0, 1), (lost!.Rows, lost.Groups));
        Assert.InRange(lost.Largest, 1e-13f, 1e-11f);
    }

    private string Write(float factor) => TinyModel.Write(_folder["in"], s_spec, change: (tensor, values) =>
    {
        if (values.Length > Width)
            values.AsSpan(ZeroRow * Width, Width).Clear();
        for (int i = 0; i < Width && tensor == Matrix; i++)
            values[SmallRow * Width + i] *= factor;
    });

    private static float[] Row(Model written, string tensor, int row)
    {
        PackedLayout layout = written.Quantization!.Tensors[tensor];
        var weights = new float[layout.Columns];
        PackedMatrixReader.Read(written.Checkpoint, tensor, layout).DequantizeRow(row, weights);
        return weights;
    }

    private static IReadOnlyList<QuantizedTensorReport> Run(string model, string output, Recipe recipe, int bits, int? group = null)
    {
        using var opened = Model.Open(model);
        var plan = QuantizationPlan.Create(opened, new QuantizationOptions
        {
            Recipe = recipe, Bits = bits, Keep = s_others, Granularity = group is int columns ? Granularity.Group(columns) : null,
        });
        return new Quantizer(plan).Run(output, new RunOptions
        {
            Calibration = CalibrationSet.Cut([.. Enumerable.Range(0, 64).Select(i => i * i % 47)], 4, 16, 0, "numbers"), Resume = true,
        });
    }
}
