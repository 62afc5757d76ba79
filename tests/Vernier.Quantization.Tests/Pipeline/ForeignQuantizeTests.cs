using Vernier.Files.Safetensors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Pipeline;

/// <summary>A model that another tool quantized is quantized again as one of floats is: the bytes of the result are the same.</summary>
public sealed class ForeignQuantizeTests
{
    [Theory]
    [InlineData("gptq-4-ordered")]
    [InlineData("awq")]
    [InlineData("bitsandbytes-8")]
    [InlineData("bitsandbytes-4-nested")]
    [InlineData("packed-4-zeros")]
    [InlineData("nvfp4")]
    [InlineData("float-8")]
    [InlineData("bitnet-auto")]
    public void The_result_is_that_of_the_floats(string name)
    {
        TinySpec spec = TinySpecs.Llama with { Hidden = 32, HeadSize = 8, Rotary = 8, Intermediate = 48 };
        using var work = new TempFolder();
        Dictionary<string, float[]> values = ForeignFolder.Of(name).Write(work["packed"], spec);
        TinyModel.Write(work["floats"], spec.Config(), spec.Tensors(1).ToDictionary(pair => pair.Key,
            pair => pair.Value with { Values = values[pair.Key] }));
        using SafetensorsFile expected = Quantize(work["floats"], work["a"]), actual = Quantize(work["packed"], work["b"]);
        Assert.Equal(expected.Tensors.Select(tensor => tensor.Name).Order(), actual.Tensors.Select(tensor => tensor.Name).Order());
        foreach (string tensor in expected.Tensors.Select(tensor => tensor.Name))
            Assert.Equal(expected.Bytes(tensor).ToArray(), actual.Bytes(tensor).ToArray());
        LanguageModel.Load(work["b"]);
    }

    private static SafetensorsFile Quantize(string model, string result)
    {
        using var opened = Model.Open(model);
        var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = RecipeCatalogue.Find("rtn"), Bits = 4 });
        new Quantizer(plan).Run(result);
        return SafetensorsFile.Open(Path.Combine(result, "model.safetensors"));
    }
}
