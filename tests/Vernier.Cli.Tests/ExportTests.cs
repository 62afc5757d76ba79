using System.Text.Json;
using Vernier.Files.Gguf;

namespace Vernier.Tests;

/// <summary>vernier export, and GGUF files as models of the other commands.</summary>
public sealed class ExportTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_file_is_written_and_read_by_every_command()
    {
        string file = _temp["quill-q8.gguf"];
        JsonElement written = CommandRun.Json("export", SharedData.Quill, "--to", "gguf", "-o", file, "--type", "q8_0");
        JsonSchema.Check(written, "model:string output:string format:string type:string bytes:number seconds:number notes:array");
        Assert.Equal(new FileInfo(file).Length, written.GetProperty("bytes").GetInt64());
        Assert.Equal("Q8_0", written.GetProperty("type").GetString());

        JsonElement inspected = CommandRun.Json("inspect", file);
        Assert.Equal(56, inspected.GetProperty("tensors").GetArrayLength());
        JsonElement tensor = inspected.GetProperty("tensors").EnumerateArray()
            .Single(tensor => tensor.GetProperty("name").GetString() == "model.layers.2.self_attn.q_proj.weight");
        Assert.Equal(("Q8_0", 8.5), (tensor.GetProperty("type").GetString(), tensor.GetProperty("bits_per_weight").GetDouble()));
        Assert.Equal(written.GetProperty("bytes").GetInt64(), inspected.GetProperty("bytes").GetInt64());

        JsonElement evaluated = CommandRun.Json("eval", file, "--against", SharedData.Quill, "--text", quantized.Text, "--windows", "2");
        Assert.InRange(evaluated.GetProperty("kl_divergence").GetDouble(), 1e-9, 0.01);
        string prompt = "The king said";
        Assert.Equal(CommandRun.Succeeding("run", SharedData.Quill, prompt, "--greedy", "--max-tokens", "8").Output,
            CommandRun.Succeeding("run", file, prompt, "--greedy", "--max-tokens", "8").Output);
        CommandRun.Succeeding("bench", file, "--prompt", "4", "--generate", "2", "--repeats", "1");
    }

    [Fact]
    public void A_file_is_quantized_as_the_folder_is()
    {
        string file = _temp["quill.gguf"], fromFile = _temp["a"], fromFolder = _temp["b"];
        CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "-o", file, "--type", "BF16");
        foreach ((string model, string output) in new[] { (file, fromFile), (SharedData.Quill, fromFolder) })
            CommandRun.Succeeding("quantize", model, "-o", output, "--recipe", "rtn", "--no-eval");
        using Files.Checkpoints.Checkpoint a = Files.Checkpoints.Checkpoint.Open(fromFile),
            b = Files.Checkpoints.Checkpoint.Open(fromFolder);
        Assert.Equal(b.Tensors.Count(), a.Tensors.Count());
        foreach (Files.TensorInfo tensor in b.Tensors)
            Assert.True(b.Bytes(tensor).SequenceEqual(a.Bytes(a[tensor.Name])), tensor.Name);
        CommandRun.Succeeding("run", fromFile, "The king", "--max-tokens", "2");
        Assert.Equal(2, CommandRun.Json("compare", file, "--recipes", "rtn", "--bits", "4", "--text", quantized.Text, "--windows", "1")
            .GetProperty("rows").GetArrayLength());
    }

    [Fact]
    public void A_folder_comes_back()
    {
        string file = _temp["quill.gguf"], folder = _temp["back"];
        CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "-o", file, "--type", "BF16");
        Assert.Contains(folder, CommandRun.Succeeding("export", file, "--to", "hf", "-o", folder).Output, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Path.Combine(SharedData.Quill, "model.safetensors")).Length,
            File.ReadAllBytes(Path.Combine(folder, "model.safetensors")).Length, 4096.0);
        CommandRun.Succeeding("run", folder, "The king", "--max-tokens", "2");
        Assert.Equal(1, CommandRun.Of("export", file, "--to", "hf", "-o", folder).Status);
        CommandRun.Succeeding("export", file, "--to", "hf", "-o", folder, "--force");
    }

    /// <summary>What codes stand for, for other programs to judge: said to be so, and the same network.</summary>
    [Fact]
    public void A_quantized_model_becomes_floats()
    {
        CommandRun run = CommandRun.Succeeding("export", quantized.Folder, "--to", "hf", "-o", _temp["floats"], "--type", "BF16");
        Assert.Contains("not the original model", run.Error, StringComparison.Ordinal);
        CommandRun.Succeeding("export", quantized.Folder, "--to", "gguf", "-o", _temp["floats.gguf"], "--type", "F32");
        double[] perplexities = [.. ((string[])[quantized.Folder, _temp["floats"], _temp["floats.gguf"]]).Select(model =>
            CommandRun.Json("eval", model, "--text", quantized.Text, "--windows", "2", "--arithmetic", "float").GetProperty("perplexity")
                .GetDouble())];
        Assert.Equal(perplexities[0], perplexities[1], 0.02 * perplexities[0]);
        Assert.Equal(perplexities[0], perplexities[2], 1e-3 * perplexities[0]);
        Assert.False(File.Exists(Path.Combine(_temp["floats"], "report.json")));
        using GgufFile written = GgufFile.Open(_temp["floats.gguf"]);
        Assert.Equal(GgufValue.Of("rtn"), written.Metadata["vernier.dequantized_from"]);
    }

    [Fact]
    public void Types_are_chosen_by_pattern()
    {
        string file = _temp["quill.gguf"];
        CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "-o", file, "--type", "Q4_K_M", "--tensor-type", "ffn_down=Q6_K",
            "--tensor-type", "ffn=Q5_K");
        using GgufFile written = GgufFile.Open(file);
        Assert.Equal(("Q6_K", "Q5_K", "Q4_K"), (written["blk.1.ffn_down.weight"].Type.Name, written["blk.1.ffn_up.weight"].Type.Name,
            written["blk.1.attn_q.weight"].Type.Name));
    }

    [Theory]
    [InlineData("F16", 7e4f, "the weight at row 3, column 70 is 69632, and F16 holds none beyond 65504")]
    [InlineData("Q4_0", 1e6f, "the weight at row 3, column 70 is 999424, and with it a scale of its block in Q4_0")]
    [InlineData("Q4_K_M", 3e38f, "the weight at row 3, column 70 is 2.99076E+38, and with it a scale of its block in ")]
    [InlineData("F32", float.NaN, "the weight at row 3, column 70 is NaN. Repair the checkpoint.")]
    public void What_has_no_place_in_its_type_is_refused_before_anything_is_written(string type, float number, string message)
    {
        string model = QuillCopy.Write(_temp["in"], ("model.layers.0.mlp.up_proj.weight", 3 * 256 + 70, number));
        foreach (string command in (string[])["export", "quantize"])
        {
            CommandRun run = CommandRun.Of(command, model, "--to", "gguf", "-o", _temp["x.gguf"], "--type", type);
            Assert.Equal(1, run.Status);
            Assert.Contains(message, run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
            Assert.Equal(["in"], _temp.Names);
        }
        CommandRun kept = CommandRun.Of("export", model, "--to", "gguf", "-o", _temp["x.gguf"], "--type", type, "--tensor-type",
            "blk.0.ffn_up.weight=F32");
        Assert.Equal(float.IsFinite(number) ? 0 : 1, kept.Status);
    }

    [Fact]
    public void Wrong_commands_and_files_are_refused()
    {
        void Fails(int status, string part, params string[] arguments)
        {
            CommandRun run = CommandRun.Of(["export", .. arguments]);
            Assert.Equal(status, run.Status);
            Assert.Contains(part, run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        }
        string file = _temp["x.gguf"];
        Fails(2, "--to", SharedData.Quill, "-o", file);
        Fails(2, "-o", SharedData.Quill, "--to", "gguf");
        Fails(2, "onnx", SharedData.Quill, "--to", "onnx", "-o", file);
        Fails(2, "--type", SharedData.Quill, "--to", "gguf", "-o", file, "--type", "Q9");
        Fails(2, "--tensor-type", SharedData.Quill, "--to", "gguf", "-o", file, "--tensor-type", "ffn");
        Fails(2, "--tensor-type", SharedData.Quill, "--to", "gguf", "-o", file, "--tensor-type", "(=Q8_0");
        Fails(2, "already", SharedData.Quill, "--to", "hf", "-o", _temp["y"]);
        Fails(2, "a second time", quantized.Folder, "--to", "gguf", "-o", file, "--type", "Q4_K_M");
        Fails(2, "a second time", quantized.Folder, "--to", "hf", "-o", _temp["y"], "--type", "Q8_0");
        File.WriteAllText(_temp["broken.gguf"], "GGUF");
        Fails(1, "incomplete", _temp["broken.gguf"], "--to", "hf", "-o", _temp["y"]);
        File.WriteAllText(file, "");
        Fails(1, "--force", SharedData.Quill, "--to", "gguf", "-o", file);
        Assert.Equal(0, new FileInfo(file).Length);
        Assert.Equal(["broken.gguf", "x.gguf"], Directory.EnumerateFileSystemEntries(_temp.Path).Select(Path.GetFileName)
            .Order(StringComparer.Ordinal));
    }
}
