using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Models;

/// <summary>A model is held against its own description: each row changes one thing alone, and names what must be said.</summary>
public sealed class ModelCheckTests : IDisposable
{
    private readonly TempFolder _work = new();

    public static TheoryData<string, string, string> Tensors { get; } = new()
    {
        { "drop model.norm.weight", ModelRules.TensorMissing, "model.norm.weight" },
        { "drop model.layers.1.mlp.up_proj.weight", ModelRules.TensorMissing, "model.layers.1.mlp.up_proj.weight" },
        { "drop model.embed_tokens.weight", ModelRules.TensorMissing, "model.embed_tokens.weight" },
        { "drop lm_head.weight", ModelRules.TensorMissing, "lm_head.weight" },
        { "add model.layers.0.self_attn.q_proj.bias 24", ModelRules.TensorUnused, "model.layers.0.self_attn.q_proj.bias" },
        { "add model.layers.0.mlp.down_proj.bias 24", ModelRules.TensorUnused, "model.layers.0.mlp.down_proj.bias" },
        { "add model.layers.1.self_attn.q_norm.weight 6", ModelRules.TensorUnused, "model.layers.1.self_attn.q_norm.weight" },
        { "add model.layers.2.mlp.up_proj.weight 29 24", ModelRules.TensorUnused, "model.layers.2.mlp.up_proj.weight" },
        { "add model.layers.0.self_attn.sinks 4", ModelRules.TensorUnused, "model.layers.0.self_attn.sinks" },
        { "add model.layers.0.mlp.experts.0.up_proj.weight 29 24", ModelRules.TensorUnused, "model.layers.0.mlp.experts.0.up_proj.weight" },
        { "add model.layers.0.post_feedforward_layernorm.weight 24", ModelRules.TensorUnused,
            "model.layers.0.post_feedforward_layernorm.weight" },
        { "add score.weight 2 24", ModelRules.TensorUnused, "score.weight" },
        { "resize model.layers.0.mlp.gate_proj.weight 28 24", ModelRules.TensorShape, "model.layers.0.mlp.gate_proj.weight" },
        { "resize model.layers.0.mlp.gate_proj.weight 24 29", ModelRules.TensorShape, "model.layers.0.mlp.gate_proj.weight" },
        { "resize model.embed_tokens.weight 36 24", ModelRules.TensorShape, "model.embed_tokens.weight" },
        { "resize model.norm.weight 24 1", ModelRules.TensorShape, "model.norm.weight" },
    };

    [Theory]
    [MemberData(nameof(Tensors))]
    public void Each_tensor_is_there_in_its_shape_and_has_a_use(string change, string rule, string tensor)
    {
        string[] words = change.Split(' ');
        int[] shape = [.. words[2..].Select(int.Parse)];
        Dictionary<string, TinyTensor> tensors = TinySpecs.Llama.Tensors(1);
        if (words[0] == "drop")
            Assert.True(tensors.Remove(words[1]));
        else
            tensors[words[1]] = new TinyTensor(shape, TinyModel.Gaussian(shape.Aggregate(1, (a, b) => a * b), 3));
        string folder = TinyModel.Write(_work["m"], TinySpecs.Llama.Config(), tensors);
        foreach (Action<Model> work in (Action<Model>[])[model => model.Check(), model => LanguageModel.Load(model), Export])
        {
            using var model = Model.Open(folder);
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => work(model));
            Assert.Equal((rule, tensor), (error.Rule, error.Tensor));
        }
        Assert.Equal(["m"], _work.Names);
    }

    /// <summary>Whole numbers are codes of another program, or counts: what they stand for is not known.</summary>
    [Theory]
    [InlineData("I32", "model.layers.1.mlp.down_proj.weight")]
    [InlineData("I32", "model.norm.weight")]
    [InlineData("U32", "model.embed_tokens.weight")]
    public void Weights_are_real_numbers(string type, string tensor)
    {
        string folder = TinyModel.Write(_work["m"], TinySpecs.Llama), file = Path.Combine(folder, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        // Another type of as many bytes: the header stays as long as it was.
        byte[] entry = System.Text.Encoding.ASCII.GetBytes($"\"{tensor}\":{{\"dtype\":\"F32\"");
        int at = bytes.AsSpan().IndexOf(entry);
        Assert.True(at > 0);
        System.Text.Encoding.ASCII.GetBytes(type).CopyTo(bytes, at + entry.Length - 4);
        File.WriteAllBytes(file, bytes);
        using var model = Model.Open(folder);
        InvalidFileException error = Assert.Throws<InvalidFileException>(model.Check);
        Assert.Equal((ModelRules.TensorType, tensor), (error.Rule, error.Tensor));
    }

    [Fact]
    public void What_is_as_it_says_passes()
    {
        foreach ((TinySpec spec, int number) in TinySpecs.All.Select((spec, number) => (spec, number)))
        {
            using var model = Model.Open(TinyModel.Write(_work[$"{number}"], spec));
            model.Check();
            Assert.Empty(model.Configuration.NotUnderstood);
        }
        using var quill = Model.Open(SharedData.Quill);
        quill.Check();
    }

    /// <summary>Tables that the library computes itself are harmless, and so is an architecture that does not run here.</summary>
    [Fact]
    public void What_is_known_to_be_harmless_passes()
    {
        Dictionary<string, TinyTensor> tensors = TinySpecs.Llama.Tensors(1);
        tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = new TinyTensor([3], [1, 2, 3]);
        using var model = Model.Open(TinyModel.Write(_work["m"], TinySpecs.Llama.Config(), tensors));
        model.Check();
        using var strange = Model.Open(TinyModel.Write(_work["s"], ("a.weight", [2, 2], [1, 2, 3, 4])));
        strange.Check();
    }

    /// <summary>A copy of the embedding beside it is harmless where the two are tied; another head is not.</summary>
    [Fact]
    public void A_tied_head_is_the_embedding()
    {
        TinySpec tied = TinySpecs.Llama with { Tied = true };
        Dictionary<string, TinyTensor> tensors = tied.Tensors(1);
        TinyTensor embedding = tensors["model.embed_tokens.weight"];
        tensors["lm_head.weight"] = embedding;
        using (var model = Model.Open(TinyModel.Write(_work["same"], tied.Config(), tensors)))
            model.Check();
        float[] values = [.. embedding.Values];
        values[^1] += 1;
        tensors["lm_head.weight"] = embedding with { Values = values };
        using var other = Model.Open(TinyModel.Write(_work["other"], tied.Config(), tensors));
        InvalidFileException error = Assert.Throws<InvalidFileException>(other.Check);
        Assert.Equal((ModelRules.TiedHead, "lm_head.weight"), (error.Rule, error.Tensor));
    }

    /// <summary>More tokens than rows would be written, and end in a file that nobody loads.</summary>
    [Fact]
    public void Each_token_has_a_row()
    {
        string folder = _work["m"];
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(SharedData.Quill))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        string path = Path.Combine(folder, "tokenizer.json");
        JsonObject tokenizer = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        tokenizer["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 4096, ["content"] = "<more>", ["single_word"] = false,
            ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true });
        File.WriteAllText(path, tokenizer.ToJsonString());
        using var model = Model.Open(folder);
        InvalidFileException error = Assert.Throws<InvalidFileException>(model.Check);
        Assert.Equal(ModelRules.TokenRows, error.Rule);
        Assert.Contains("4097 tokens, 'vocab_size' is 4096", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _work.Dispose();

    private void Export(Model model) => GgufExport.Write(model, _work["out.gguf"], GgufMix.All.Single(mix => mix.Name == "F16"));
}
