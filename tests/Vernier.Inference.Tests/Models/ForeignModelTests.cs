using Vernier.Errors;
using Vernier.Files.Foreign;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Models;

/// <summary>A model that another tool quantized computes what one of the floats computes that its codes stand for.</summary>
public sealed class ForeignModelTests : IDisposable
{
    private static readonly TinySpec s_spec = TinySpecs.Llama with { Hidden = 32, HeadSize = 8, Rotary = 8, Intermediate = 48 };

    private readonly TempFolder _work = new();

    public static TheoryData<string> Formats => [.. ForeignFolder.All.Select(folder => folder.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void It_computes_what_its_codes_stand_for(string name)
    {
        Dictionary<string, float[]> values = ForeignFolder.Of(name).Write(_work["packed"], s_spec);
        Dictionary<string, TinyTensor> floats = s_spec.Tensors(1);
        TinyModel.Write(_work["floats"], s_spec.Config(), floats.ToDictionary(pair => pair.Key,
            pair => pair.Value with { Values = values[pair.Key] }));
        using var packed = Model.Open(_work["packed"]);
        using var plain = Model.Open(_work["floats"]);
        packed.Check();
        packed.CheckFinite();
        Assert.Null(packed.Quantization);
        Assert.Empty(packed.Configuration.NotUnderstood);
        Assert.False(packed.Config.TryGetProperty("quantization_config", out _));
        float[] expected = Logits(plain), actual = Logits(packed);
        if (name.StartsWith("bitnet", StringComparison.Ordinal))
            Assert.NotEqual(expected, actual);
        float largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0,
            name.StartsWith("bitnet", StringComparison.Ordinal) ? 0.1f * largest : 0));
    }

    /// <summary>A refusal waits for whoever needs the weights: the tensors can be looked at.</summary>
    [Fact]
    public void What_is_refused_can_be_opened()
    {
        ForeignFolder folder = ForeignFolder.Of("fp8") with { Config = """{"quant_method": "fp8", "activation_scheme": "static"}""" };
        folder.Write(_work["m"], s_spec);
        using var model = Model.Open(_work["m"]);
        Assert.NotEmpty(model.Checkpoint.Tensors);
        foreach (Action act in (Action[])[model.Check, () => LanguageModel.Load(model), () => _ = model.Quantization])
            Assert.Equal(ForeignRules.Variant, Assert.Throws<UnsupportedModelException>(act).Rule);
    }

    /// <summary>Each row is rounded to 127 steps of its largest magnitude, halves to even.</summary>
    [Fact]
    public void Inputs_are_rounded_row_by_row()
    {
        var layer = new Inference.Weights.RoundedLinear(new Inference.Weights.FloatLinear([1, 0, 0, 1], 2, 2));
        float[] y = new float[4];
        layer.Apply([127, 2.5f, -0.5f, 0.25f], y, 2, Numerics.Workers.Shared);
        float scale = 1 / 0.5f * 127;
        Assert.Equal([127, 2, -127 / scale, MathF.Round(0.25f * scale) / scale], y);
    }

    public void Dispose() => _work.Dispose();

    private static float[] Logits(Model model) =>
        LanguageModel.Load(model).CreateSession().Forward([new Segment((int[])[1, 5, 2, 9, 30])], LogitRows.All).ToArray();
}
