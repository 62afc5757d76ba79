using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Recipes;

/// <summary>Rows of zeros, and rows so small that their scale is zero, under every recipe at every number of bits.</summary>
public sealed class VanishingTests : IDisposable
{
    private const int ZeroRow = 3, SmallRow = 5, LargeRow = 6;

    private static readonly TinySpec s_spec = TinyLlama.Spec with { Layers = 1, Hidden = 32, Intermediate = 64, HeadSize = 8, Rotary = 8 };

    private readonly TempFolder _folder = new();

    public static TheoryData<string> Recipes => [.. RecipeCatalogue.All.Select(recipe => recipe.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Recipes))]
    public void RowsOfZerosStayZero(string name)
    {
        string model = TinyModel.Write(_folder["in"], s_spec, change: (_, values) =>
        {
            if (values.Length > s_spec.Hidden)
                values.AsSpan(ZeroRow * s_spec.Hidden, s_spec.Hidden).Clear();
        });
        Recipe recipe = RecipeCatalogue.Find(name);
        var bad = new List<string>();
        foreach (int bits in (int[])[2, 3, 4, 6, 8])
        {
            if (bits > recipe.MostBits)
                continue;
            string output = _folder[$"out-{bits}"];
            Run(model, output, recipe, bits);
            using var written = Model.Open(output);
            foreach ((string tensor, PackedLayout layout) in written.Quantization!.Tensors.Where(pair => pair.Value.Columns == 32))
            {
                var row = new float[layout.Columns];
                PackedMatrixReader.Read(written.Checkpoint, tensor, layout).DequantizeRow(ZeroRow, row);
                if (row.Any(x => x != 0)) bad.Add($"{bits} {tensor} {row.Max()}");
            }
        }
        Assert.Empty(bad);
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void WhatVanishesIsNamed(string name)
    {
        string model = TinyModel.Write(_folder["in"], s_spec, change: (tensor, values) =>
        {
            if (!tensor.Contains("up_proj"))
                return;
            for (int i = 0; i < s_spec.Hidden; i++)
                values[SmallRow * s_spec.Hidden + i] *= 1e-11f;
            for (int i = 0; i < s_spec.Hidden; i++)
                values[LargeRow * s_spec.Hidden + i] *= float.Parse(Environment.GetEnvironmentVariable("LARGE") ?? "1");
        });
        Recipe recipe = RecipeCatalogue.Find(name);
        var bad = new List<string>();
        foreach (int bits in (int[])[2, 3, 4, 6, 8])
        {
            if (bits > recipe.MostBits)
                continue;
            string output = _folder[$"out-{bits}"];
            try {
            var rep = Run(model, output, recipe, bits);
            using var written = Model.Open(output);
            foreach ((string tensor, PackedLayout layout) in written.Quantization!.Tensors.Where(pair => pair.Key.Contains("up_proj")))
            {
                var row = new float[layout.Columns];
                PackedMatrixReader.Read(written.Checkpoint, tensor, layout).DequantizeRow(SmallRow, row);
                bad.Add($"{bits} {tensor} {row.Max()} {rep.First(r => r.Name == tensor).Error.Lost} {rep.First(r => r.Name == tensor).Error.SignalToNoise}");
            }
            } catch (Exception e) { bad.Add($"{bits} {e.Message}"); }
        }
        Assert.Fail(string.Join("\n", bad));
    }

    private static IReadOnlyList<QuantizedTensorReport> Run(string model, string output, Recipe recipe, int bits)
    {
        using var opened = Model.Open(model);
        var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = recipe, Bits = bits });
        return new Quantizer(plan).Run(output, new RunOptions { Calibration = CalibrationSet.Cut(
            [.. Enumerable.Range(0, 600).Select(i => (i * i) % 47)], 8, 32, 0, "numbers") });
    }
}
