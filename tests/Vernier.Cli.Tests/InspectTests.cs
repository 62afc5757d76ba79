using System.Text.Json;

namespace Vernier.Tests;

/// <summary>vernier inspect.</summary>
public sealed class InspectTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_float_model_is_listed() =>
        Snapshot.Matches("inspect", CommandRun.Succeeding("inspect", SharedData.Quill, "--match", @"layers\.0|embed|model\.norm").Output);

    [Fact]
    public void A_quantized_model_is_listed_by_its_matrices()
    {
        JsonElement result = CommandRun.Json("inspect", quantized.Folder);
        JsonSchema.Check(result,
            "model:string architecture:string recipe:string refused:null parameters:number bytes:number bits_per_weight:number "
                + "tensors:array");
        Assert.Equal((56, 5_770_496), (result.GetProperty("tensors").GetArrayLength(), result.GetProperty("parameters").GetInt64()));
        JsonElement tensor = result.GetProperty("tensors").EnumerateArray()
            .Single(tensor => tensor.GetProperty("name").GetString() == "model.layers.3.mlp.down_proj.weight");
        JsonSchema.Check(tensor, """
            name:string type:string shape:array role:string weights:number bytes:number bits_per_weight:number bits:number group:number
            exponents:array
            min:number max:number mean:number std:number kurtosis:number beyond_3_sigma:number beyond_6_sigma:number not_finite:number
            """);
        Assert.Equal("4 bits, group 64", tensor.GetProperty("type").GetString());
        Assert.InRange(tensor.GetProperty("bits_per_weight").GetDouble(), 4.25, 4.26);
    }

    [Fact]
    public void The_statistics_are_those_of_the_definition()
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        JsonElement tensor = CommandRun.Json("inspect", model, "--match", "down_proj").GetProperty("tensors")[0];
        using var checkpoint = Files.Checkpoints.Checkpoint.Open(model);
        var values = new float[32 * 48];
        checkpoint.Read(checkpoint["model.layers.0.mlp.down_proj.weight"], 0, values);
        double mean = values.Average(x => (double)x), variance = values.Average(x => Math.Pow(x - mean, 2)),
            fourth = values.Average(x => Math.Pow(x - mean, 4));
        Assert.Equal(values.Min(), tensor.GetProperty("min").GetDouble(), 1e-9);
        Assert.Equal(values.Max(), tensor.GetProperty("max").GetDouble(), 1e-9);
        Assert.Equal(mean, tensor.GetProperty("mean").GetDouble(), 1e-12);
        Assert.Equal(Math.Sqrt(variance), tensor.GetProperty("std").GetDouble(), 1e-12);
        Assert.Equal(fourth / (variance * variance), tensor.GetProperty("kurtosis").GetDouble(), 1e-9);
        Assert.Equal(0, tensor.GetProperty("beyond_3_sigma").GetDouble());
    }

    [Fact]
    public void Outliers_and_numbers_that_are_not_finite_are_counted()
    {
        string outlier = TinyNetwork.Write(_temp["outlier"], bad: 40), nan = TinyNetwork.Write(_temp["nan"], bad: float.NaN);
        JsonElement tensor = CommandRun.Json("inspect", outlier, "--match", TinyNetwork.Bad).GetProperty("tensors")[0];
        Assert.Equal(1.0 / (32 * 48), tensor.GetProperty("beyond_6_sigma").GetDouble(), 1e-12);
        CommandRun run = CommandRun.Succeeding("inspect", nan);
        Assert.Contains($"not finite: 1 of the numbers of '{TinyNetwork.Bad}'\n", run.Output, StringComparison.Ordinal);
    }

    /// <summary>What can be listed is, and why the model is refused is said.</summary>
    [Theory]
    [InlineData("family", "the architecture 'MysteryForCausalLM' can't be run", "up_proj", "F32")]
    [InlineData("missing", "tensor 'lm_head.weight': ", "up_proj", "F32")]
    [InlineData("member", "'logit_scale' is '0.5'", "up_proj", "F32")]
    [InlineData("aqlm", "the model is quantized by AQLM", "up_proj", "F32")]
    [InlineData("broken", "the text is not JSON", "up_proj", "F32")]
    [InlineData("nan", "'rms_norm_eps' is NaN, which is no number of JSON", "up_proj", "F32")]
    [InlineData("gguf family", "the architecture 'rwkv6' can't be run", "ffn_up", "F32")]
    [InlineData("gguf type", "its type, IQ1_S, is not supported", "ffn_up", "IQ1_S")]
    public void A_model_that_is_refused_is_listed_all_the_same(string what, string reason, string tensor, string type)
    {
        string model = Refused(what);
        JsonElement result = CommandRun.Json("inspect", model, "--match", tensor);
        Assert.Contains(reason, result.GetProperty("refused").GetString(), StringComparison.Ordinal);
        JsonElement listed = Assert.Single(result.GetProperty("tensors").EnumerateArray());
        Assert.Equal((type, type == "F32"), (listed.GetProperty("type").GetString(),
            listed.GetProperty("std").ValueKind == JsonValueKind.Number));
        CommandRun run = CommandRun.Succeeding("inspect", model);
        Assert.Contains($"\nrefused: {model}", run.Output, StringComparison.Ordinal);
        Assert.Contains(reason, run.Output, StringComparison.Ordinal);
        Assert.Equal(1, CommandRun.Of("eval", model).Status);
    }

    private string Refused(string what)
    {
        string path = _temp[what];
        if (what.StartsWith("gguf", StringComparison.Ordinal))
        {
            bool blocks = what == "gguf type";
            var metadata = new OrderedDictionary<string, Files.Gguf.GgufValue> { ["general.architecture"] =
                Files.Gguf.GgufValue.Of(blocks ? "llama" : "rwkv6") };
            using (var writer = new Files.Gguf.GgufWriter(path, metadata,
                [new Files.Gguf.GgufTensor("blk.0.ffn_up.weight", Files.Gguf.GgufTensorType.F32, [2, 256])]))
            {
                writer.Write("blk.0.ffn_up.weight", System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(
                    [.. Enumerable.Range(0, 512).Select(i => (float)i)]));
                writer.Complete();
            }
            if (blocks)
            {
                // The type is a number before the offset; a tensor that is shorter leaves padding behind.
                byte[] bytes = File.ReadAllBytes(path);
                int name = bytes.AsSpan().IndexOf("blk.0.ffn_up.weight"u8);
                bytes[name + "blk.0.ffn_up.weight".Length + 4 + 16] = 19;
                File.WriteAllBytes(path, bytes);
            }
            return path;
        }
        TinyNetwork.Write(path, what == "family" ? "mystery" : "llama");
        string config = Path.Combine(path, "config.json"), text = File.ReadAllText(config);
        File.WriteAllText(config, what switch
        {
            "missing" => text.Replace("\"tie_word_embeddings\":true", "\"tie_word_embeddings\":false", StringComparison.Ordinal),
            "member" => text.Replace("{", "{\"logit_scale\":0.5,", StringComparison.Ordinal),
            "aqlm" => text.Replace("{", "{\"quantization_config\":{\"quant_method\":\"aqlm\",\"bits\":4},", StringComparison.Ordinal),
            "broken" => text.Replace("{", "{,", StringComparison.Ordinal),
            "nan" => text.Replace("\"rms_norm_eps\":1E-05", "\"rms_norm_eps\":NaN", StringComparison.Ordinal),
            _ => text,
        });
        return path;
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_refused()
    {
        CommandRun run = CommandRun.Of("inspect", SharedData.Quill, "--match", "nothing");
        Assert.Equal((2, $"error: --match: no tensor of {SharedData.Quill} has a name that 'nothing' matches.\n"), (run.Status, run.Error));
    }
}
