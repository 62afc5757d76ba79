using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Foreign;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Packing.Configuration;

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

    /// <summary>Floats that a program would only round as it loads them would be another model to it.</summary>
    [Theory]
    [InlineData("""{"quant_method": "gptq", "bits": 4}""")]
    [InlineData("""{"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm", "zero_point": true}""")]
    [InlineData("""{"load_in_8bit": true}""")]
    public void A_program_that_is_named_has_left_codes(string value)
    {
        JsonObject config = JsonNode.Parse(TinySpecs.Llama.Config())!.AsObject();
        config["quantization_config"] = JsonNode.Parse(value);
        using var model = Model.Open(TinyModel.Write(_work["c"], config.ToJsonString(), TinySpecs.Llama.Tensors(1)));
        Assert.Equal("foreign-part-missing", Assert.ThrowsAny<VernierException>(model.Check).Rule);
    }

    /// <summary>The program that quantized a model is named, by config.json or by what it leaves beside.</summary>
    [Fact]
    public void Codes_of_other_programs_are_named()
    {
        Dictionary<string, TinyTensor> tensors = TinySpecs.Llama.Tensors(1);
        foreach (string end in QuantizationTools.Tensors)
        {
            string name = "model.layers.0.mlp.up_proj" + end;
            using var model = Model.Open(TinyModel.Write(_work["t"], TinySpecs.Llama.Config(),
                new Dictionary<string, TinyTensor>(tensors) { [name] = new([2], [1, 2]) }));
            InvalidFileException error = Assert.Throws<InvalidFileException>(model.Check);
            Assert.Equal(("quantization-method", name), (error.Rule, error.Tensor));
            Assert.Contains(QuantizationTools.OfTensor(name)!, error.Problem, StringComparison.Ordinal);
        }
        foreach (string method in QuantizationTools.Methods.Except(ForeignModel.Methods))
        {
            Assert.Contains(QuantizationTools.NameOf("", Json($$"""{"quant_method": "{{method}}"}""")),
                Named($$"""{"quant_method": "{{method}}", "bits": 4}"""), StringComparison.Ordinal);
        }
        Assert.Contains("compressed-tensors", Named("""{"config_groups": {}}"""), StringComparison.Ordinal);
        Assert.Contains("'new method'", Named("""{"quant_method": "new method"}"""), StringComparison.Ordinal);
        Assert.Contains("ModelOpt, FP8", Named("""{"quant_method": "modelopt", "quant_algo": "FP8"}"""), StringComparison.Ordinal);
        Assert.Contains("an unnamed program", Named("{}"), StringComparison.Ordinal);

        string Named(string value)
        {
            JsonObject config = JsonNode.Parse(TinySpecs.Llama.Config())!.AsObject();
            config["quantization_config"] = JsonNode.Parse(value);
            using var model = Model.Open(TinyModel.Write(_work["c"], config.ToJsonString(), tensors));
            InvalidFileException error = Assert.Throws<InvalidFileException>(model.Check);
            Assert.Equal("quantization-method", error.Rule);
            return error.Problem;
        }

        static System.Text.Json.JsonElement Json(string text) =>
            System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(text);
    }

    /// <summary>Every tensor of every family: without it, in another shape, and with another name.</summary>
    [Fact]
    public void No_tensor_can_be_missed()
    {
        foreach (TinySpec spec in TinySpecs.All.DistinctBy(spec => spec.Type))
        {
            Dictionary<string, TinyTensor> tensors = spec.Tensors(1);
            foreach ((string name, TinyTensor tensor) in tensors)
            {
                var edited = new Dictionary<string, TinyTensor>(tensors);
                edited.Remove(name);
                Refused(ModelRules.TensorMissing, name, edited);
                edited[name + "x"] = tensor;
                Refused(ModelRules.TensorMissing, name, edited);
                edited[name] = tensor;
                Refused(ModelRules.TensorUnused, name + "x", edited);
                edited.Remove(name + "x");
                edited[name] = new TinyTensor([tensor.Shape[0] + 1, .. tensor.Shape[1..]],
                    new float[tensor.Values.Length / tensor.Shape[0] * (tensor.Shape[0] + 1)]);
                Refused(ModelRules.TensorShape, name, edited);
            }

            void Refused(string rule, string name, Dictionary<string, TinyTensor> edited)
            {
                using var model = Model.Open(TinyModel.Write(_work["t"], spec.Config(), edited));
                InvalidFileException error = Assert.Throws<InvalidFileException>(model.Check);
                Assert.Equal((rule, name), (error.Rule, error.Tensor));
            }
        }
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
