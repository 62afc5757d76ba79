using System.Runtime.InteropServices;
using System.Text.Json;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Foreign;
using Vernier.Files.Safetensors;

namespace Vernier.Tests.Files.Foreign;

/// <summary>What other tools wrote is read as its definition says, to the last bit, from packers that know nothing of the
/// readers.</summary>
public sealed class ForeignFormatTests
{
    /// <summary>The formats, with shapes whose groups, words and blocks are not filled.</summary>
    public static TheoryData<string, int, int> Shapes()
    {
        var data = new TheoryData<string, int, int>();
        foreach (ForeignFolder folder in ForeignFolder.All)
        {
            data.Add(folder.Name, 8, 16);
            data.Add(folder.Name, 24, 112);
        }
        foreach (string odd in (string[])["gptq-2", "gptq-3", "gptq-4", "gptq-4-ordered", "gptq-8", "bitsandbytes-8", "bitsandbytes-4",
            "bitsandbytes-4-nested", "packed-4", "packed-4-zeros", "packed-4-ordered", "packed-8", "int-8", "float-8"])
            data.Add(odd, 13, odd == "gptq-4" ? 72 : odd == "gptq-8" ? 68 : 77);
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_weight_is_what_the_definition_says(string name, int outputs, int inputs)
    {
        ForeignFolder folder = ForeignFolder.Of(name);
        var packer = new ForeignPacker(outputs + inputs);
        folder.Pack(packer, "a.x_proj", outputs, inputs);
        folder.Pack(packer, "b.y_proj", 8, 32);
        Check(packer, folder.Config);
    }

    [Fact]
    public void Experts_in_mxfp4_are_a_matrix_each()
    {
        var packer = new ForeignPacker(3);
        packer.Mxfp4("model.layers.0.mlp.experts", "gate_up_proj", 3, 6, 2);
        packer.Mxfp4("model.layers.0.mlp.experts", "down_proj", 3, 5, 1);
        Check(packer, """{"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}""");
    }

    /// <summary>Weights that are rounded each time they are used are shown rounded.</summary>
    [Fact]
    public void BitNet_online_rounds_the_weights()
    {
        var packer = new ForeignPacker(3);
        float[] values = [0.5f, -0.25f, 0.125f, 0, 1, -0.1f], kept = [1, 2, 3];
        float mean = values.Sum(Math.Abs) / 6, scale = 1 / mean;
        packer.Tensors.Add(StoredTensor.F32("a.q_proj.weight", [2, 3], values));
        packer.Tensors.Add(StoredTensor.F32("b.q_proj.weight", [1, 3], kept));
        packer.Expected["a.q_proj.weight"] = ([2, 3], Array.ConvertAll(values, x => Math.Clamp(MathF.Round(x * scale), -1, 1) / scale));
        packer.Expected["b.q_proj.weight"] = ([1, 3], kept);
        Check(packer, """
            {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online", "modules_to_not_convert": ["b."]}
            """, stored: false);
    }

    /// <summary>The parts of a weight may stand in any file of a checkpoint.</summary>
    [Fact]
    public void Parts_may_stand_in_other_shards()
    {
        using var folder = new TempFolder();
        var packer = new ForeignPacker(3);
        packer.Gptq("a", 8, 32, 4, 32, true, true);
        var map = new Dictionary<string, string>();
        foreach (StoredTensor tensor in packer.Tensors)
        {
            map[tensor.Name] = $"{map.Count}.safetensors";
            File.WriteAllBytes(folder[map[tensor.Name]], ForeignFolder.Bytes([tensor]));
        }
        File.WriteAllText(folder["model.safetensors.index.json"], JsonSerializer.Serialize(new { weight_map = map }));
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Read(checkpoint, ForeignFolder.Of("gptq-4").Config).Show(checkpoint);
        AssertReads(checkpoint, "a.weight", packer.Expected["a.weight"].Values);
        Assert.Equal(["a.weight"], checkpoint.Tensors.Select(tensor => tensor.Name));
    }

    /// <summary>Notes say what a tool does besides, and members of which nothing is known are listed.</summary>
    [Fact]
    public void What_is_not_done_is_said()
    {
        using var file = new TempFolder();
        ForeignFolder.Write(file.Path, "{}", [StoredTensor.F32("a", [1], [1])]);
        using Checkpoint checkpoint = Checkpoint.Open(file.Path);
        Assert.Contains("8-bit floats", Assert.Single(Read(checkpoint, """{"quant_method": "fp8"}""").Notes), StringComparison.Ordinal);
        Assert.Equal(["quantization_config.novel"],
            Read(checkpoint, """{"quant_method": "fp8", "novel": 1, "empty": [], "off": false}""").NotUnderstood);
        Assert.Null(ForeignModel.Read(checkpoint, Config("""{"quant_method": "aqlm"}"""), "c"));
        Assert.Null(ForeignModel.Read(checkpoint, Config("null"), "c"));
    }

    internal static JsonElement Config(string quantization) =>
        JsonSerializer.Deserialize<JsonElement>($$"""{"quantization_config": {{quantization}}}""");

    private static ForeignModel Read(Checkpoint checkpoint, string config) => ForeignModel.Read(checkpoint, Config(config), "config.json")!;

    private static void Check(ForeignPacker packer, string config, bool stored = true)
    {
        using Checkpoint checkpoint = Checkpoint.Of(SafetensorsFile.Open(ForeignFolder.Bytes(packer.Tensors), "test.safetensors"), "test");
        checkpoint.Scale();
        ForeignModel model = Read(checkpoint, config);
        Assert.Empty(model.NotUnderstood);
        model.Show(checkpoint);
        Assert.Equal(packer.Expected.Keys.Order(StringComparer.Ordinal),
            checkpoint.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        long bytes = 0;
        foreach ((string name, (long[] shape, float[] values)) in packer.Expected)
        {
            TensorInfo info = checkpoint[name];
            Assert.Equal((ElementType.F32, string.Join(", ", shape)), (info.Type, string.Join(", ", info.Shape)));
            AssertReads(checkpoint, name, values);
            (ElementType type, long part) = checkpoint.Stored(info);
            bytes += part;
            if (stored)
                Assert.True(type is ElementType.U8 or ElementType.I8 or ElementType.I32 or ElementType.F8_E4M3);
        }
        // Everything that is stored counts; a flag of bitsandbytes does not.
        Assert.Equal(packer.Tensors.Sum(tensor => tensor.Shape.Length == 0 ? 0 : tensor.Data.Length), bytes);
    }

    private static void AssertReads(Checkpoint checkpoint, string name, float[] expected)
    {
        TensorInfo info = checkpoint[name];
        var read = new float[expected.Length];
        checkpoint.Read(info, 0, read);
        Assert.Equal(expected, read);
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(checkpoint.Bytes(info)).ToArray());
        for (int first = 0; first < expected.Length; first += 23)
        {
            read = new float[Math.Min(41, expected.Length - first)];
            checkpoint.Read(info, first, read);
            Assert.Equal(expected[first..(first + read.Length)], read);
        }
        var bytes = new byte[5];
        checkpoint.ReadOnce(info, 6, bytes);
        Assert.Equal(MemoryMarshal.AsBytes(expected.AsSpan())[6..11].ToArray(), bytes);
    }
}
