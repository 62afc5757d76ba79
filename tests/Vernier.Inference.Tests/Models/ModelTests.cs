using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Models;

public class ModelTests
{
    [Fact]
    public void AFolderIsOpenedWithAllThatBelongsToIt()
    {
        using var work = new TempFolder();
        string folder = Copy(SharedData.Quill, work["model"]);
        File.WriteAllText(Path.Combine(folder, "LICENSE"), "free");
        File.WriteAllText(Path.Combine(folder, "weights.bin"), "no companion");
        using var model = Model.Open(folder);
        Assert.Equal((ModelKind.Folder, "LlamaForCausalLM", true), (model.Kind, model.Architecture, model.Runs));
        Assert.Equal(256, model.Configuration.HiddenSize);
        Assert.Same(model.Configuration, model.Configuration);
        Assert.Same(model.Tokenizer, model.Tokenizer);
        Assert.Null(model.Quantization);
        Assert.Equal(256, model.Config.GetProperty("hidden_size").GetInt32());
        string[] files = [Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "config.json")];
        Assert.Equal(files, model.Files);
        Assert.Equal(files.Sum(path => new FileInfo(path).Length), model.Bytes);
        TensorInfo embedding = model.Checkpoint["model.embed_tokens.weight"];
        Assert.Equal(("BF16", embedding.Bytes), model.Stored(embedding));
        string[] companions = [.. model.Companions.Select(companion => companion.Name)];
        Assert.Contains("LICENSE", companions);
        Assert.Contains("tokenizer.json", companions);
        Assert.DoesNotContain("config.json", companions);
        Assert.DoesNotContain("weights.bin", companions);
        string target = Directory.CreateDirectory(work["target"]).FullName;
        foreach (Companion companion in model.Companions)
            companion.CopyTo(target);
        Assert.Equal(companions.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(target).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.Equal("free", File.ReadAllText(Path.Combine(target, "LICENSE")));
    }

    [Fact]
    public void AGgufFileIsOpenedWithAllThatBelongsToIt()
    {
        using var work = new TempFolder();
        string file = work["quill.gguf"];
        Assert.True(GgufMix.TryGet("Q8_0", out GgufMix? mix));
        GgufExport.Write(SharedData.Quill, file, mix);
        using var model = Model.Open(file);
        using var original = Model.Open(SharedData.Quill);
        Assert.Equal((ModelKind.Gguf, "LlamaForCausalLM", file), (model.Kind, model.Architecture, model.ConfigPath));
        Assert.Equal([file], model.Files);
        Assert.Equal(new FileInfo(file).Length, model.Bytes);
        Assert.Equal(original.Configuration.Identity, model.Configuration.Identity);
        TensorInfo tensor = model.Checkpoint["model.layers.0.mlp.up_proj.weight"];
        Assert.Equal(("Q8_0", tensor.Count / 32 * 34), model.Stored(tensor));
        Assert.Equal(["tokenizer.json", "tokenizer_config.json"], model.Companions.Select(companion => companion.Name));
        string target = Directory.CreateDirectory(work["target"]).FullName;
        model.Companions[0].CopyTo(target);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(Path.Combine(SharedData.Quill, "tokenizer.json"))),
            JsonNode.Parse(File.ReadAllText(Path.Combine(target, "tokenizer.json")))));
        Assert.Equal(original.Tokenizer.Encode("Once upon a time"), model.Tokenizer.Encode("Once upon a time"));
    }

    private static string Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFiles(from))
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
        return to;
    }
}
