using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Files.Foreign;
using Vernier.Files.Safetensors;

namespace Vernier.Tests.Files.Foreign;

/// <summary>What is broken or not done is refused by the name of a rule, with the member or the tensor.</summary>
public sealed partial class ForeignRefusalTests
{
    [Theory]
    [InlineData("""{"quant_method": "gptq", "bits": 5}""", "'bits'")]
    [InlineData("""{"quant_method": "gptq", "checkpoint_format": "marlin"}""", "'checkpoint_format'")]
    [InlineData("""{"quant_method": "gptq", "format": "gptq_v3"}""", "'format'")]
    [InlineData("""{"quant_method": "gptq", "is_marlin_format": true}""", "'is_marlin_format'")]
    [InlineData("""{"quant_method": "gptq", "dynamic": {"+:.*down.*": {"bits": 8}}}""", "'dynamic'")]
    [InlineData("""{"quant_method": "awq", "bits": 8}""", "'bits'")]
    [InlineData("""{"quant_method": "awq", "version": "gemv"}""", "'version'")]
    [InlineData("""{"quant_method": "awq", "zero_point": false}""", "'zero_point'")]
    [InlineData("""{"quant_method": "fp8", "activation_scheme": "static"}""", "'activation_scheme'")]
    [InlineData("""{"quant_method": "fp8", "weight_block_size": [64, 128]}""", "'weight_block_size'")]
    [InlineData("""{"quant_method": "bitnet", "linear_class": "other"}""", "'linear_class'")]
    [InlineData("""{"quant_method": "bitnet", "use_rms_norm": true}""", "'use_rms_norm'")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "marlin-24"}""", "'format'")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "kv_cache_scheme": {"num_bits": 8}}""",
        "'kv_cache_scheme'")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "transform_config": {"r": {}}}""",
        "'transform_config'")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "sparsity_config": {"format": "sparse-24"}}""",
        "'format'")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": """
        + """{"g": {"output_activations": {"a": 1}}}}""",
        "'output_activations'")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": """
        + """{"g": {"input_activations": {"dynamic": false}}}}""",
        "'input_activations'")]
    public void What_changes_the_function_and_is_not_done_is_refused(string config, string member)
    {
        UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(() => Read([], config));
        Assert.Equal(ForeignRules.Variant, error.Rule);
        Assert.StartsWith(member, error.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gptq-4", "drop .qzeros", ForeignRules.PartMissing, ".qzeros")]
    [InlineData("gptq-4-ordered", "drop .g_idx", ForeignRules.PartMissing, ".g_idx")]
    [InlineData("gptq-4", "type .scales", ForeignRules.PartType, ".scales")]
    [InlineData("gptq-4", "shape .scales", ForeignRules.PartShape, ".scales")]
    [InlineData("gptq-4", "fill .g_idx", ForeignRules.PartValue, ".g_idx")]
    [InlineData("gptq-4", "twice .weight", ForeignRules.WeightTwice, ".qweight")]
    [InlineData("awq", "shape .qzeros", ForeignRules.PartShape, ".qzeros")]
    [InlineData("bitsandbytes-8", "shape .SCB", ForeignRules.PartShape, ".SCB")]
    [InlineData("bitsandbytes-8", "fill .weight_format", ForeignRules.PartValue, ".weight_format")]
    [InlineData("bitsandbytes-8", "drop .SCB", ForeignRules.PartMissing, ".weight")]
    [InlineData("bitsandbytes-4", "fill .weight.quant_state.bitsandbytes__nf4", ForeignRules.PartValue,
        ".weight.quant_state.bitsandbytes__nf4")]
    [InlineData("bitsandbytes-4", "drop .weight.quant_map", ForeignRules.PartMissing, ".weight.quant_map")]
    [InlineData("bitsandbytes-4-nested", "drop .weight.nested_absmax", ForeignRules.PartMissing, ".weight.nested_absmax")]
    [InlineData("packed-4", "drop .weight_shape", ForeignRules.PartMissing, ".weight_shape")]
    [InlineData("packed-4", "fill .weight_shape", ForeignRules.PartShape, ".weight_packed")]
    [InlineData("packed-4-ordered", "fill .weight_g_idx", ForeignRules.PartValue, ".weight_g_idx")]
    [InlineData("packed-4-zeros", "shape .weight_zero_point", ForeignRules.PartShape, ".weight_zero_point")]
    [InlineData("int-8", "drop .weight_scale", ForeignRules.PartMissing, ".weight")]
    [InlineData("nvfp4", "drop .weight_global_scale", ForeignRules.PartMissing, ".weight_global_scale")]
    [InlineData("bitnet", "drop .weight_scale", ForeignRules.PartMissing, ".weight")]
    [InlineData("bitnet-auto", "twice .bias", ForeignRules.PartValue, ".bias")]
    [InlineData("fp8", "drop .weight_scale", ForeignRules.PartMissing, ".weight")]
    public void Parts_that_do_not_fit_are_refused(string format, string change, string rule, string tensor)
    {
        ForeignFolder folder = ForeignFolder.Of(format);
        var packer = new ForeignPacker(1);
        folder.Pack(packer, "a", 16, 64);
        string[] words = change.Split(' ');
        int at = packer.Tensors.FindIndex(stored => stored.Name == "a" + words[1]);
        if (words[0] == "twice")
            packer.Tensors.Add(StoredTensor.F32("a" + words[1], [1], [1]));
        else if (words[0] == "drop")
            packer.Tensors.RemoveAt(at);
        else
        {
            StoredTensor old = packer.Tensors[at];
            packer.Tensors[at] = words[0] switch
            {
                "type" => old with { Type = "I16" },
                "shape" => old with { Shape = [old.Data.Length / (old.Shape.Aggregate(old.Data.Length, (a, b) => a / (int)b)), 1] },
                _ => old with { Data = [.. Enumerable.Repeat((byte)0x3F, old.Data.Length)] },
            };
        }
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Read(packer.Tensors, folder.Config));
        Assert.Equal((rule, "a" + tensor), (error.Rule, error.Tensor));
    }

    [Theory]
    [InlineData("""{"quant_method": "gptq", "bits": "4"}""")]
    [InlineData("""{"quant_method": "gptq", "desc_act": 1}""")]
    [InlineData("""{"quant_method": "awq", "version": 1}""")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {"g": 1}}""")]
    [InlineData("""{"quant_method": "bitnet", "modules_to_not_convert": "a"}""")]
    public void Members_of_other_types_are_refused(string config) =>
        Assert.Equal(ForeignRules.Config, Assert.Throws<InvalidFileException>(() => Read([], config)).Rule);

    [Fact]
    public void The_document_lists_exactly_the_rules()
    {
        string document = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "foreign.md"));
        Assert.Equal(typeof(ForeignRules).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal),
            RuleRow().Matches(document).Select(match => match.Groups["rule"].Value).Order(StringComparer.Ordinal));
    }

    private static ForeignModel? Read(IReadOnlyList<StoredTensor> tensors, string config)
    {
        using Checkpoint checkpoint = Checkpoint.Of(SafetensorsFile.Open(ForeignFolder.Bytes(tensors), "test.safetensors"), "test");
        checkpoint.Scale();
        return ForeignModel.Read(checkpoint, ForeignFormatTests.Config(config), "config.json");
    }

    [GeneratedRegex(@"^\| `(?<rule>foreign-[a-z-]+)` \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleRow();
}
