using System.Diagnostics;
using System.Text.Json;
using Vernier.Files.Gguf;

namespace Vernier.Tests;

/// <summary>What can be known at the start is said at the start, what is lost is named, and what ends in no number is a failure.</summary>
public sealed class LimitTests(QuantizedQuill quantized) : IDisposable
{
    private const string Norm = "model.layers.0.input_layernorm.weight";

    private static readonly TinySpec s_spec = new()
    {
        Vocabulary = 64, Hidden = 32, Intermediate = 48, Layers = 2, HeadSize = 8, Rotary = 8, Tied = true,
        Extra = new() { ["architectures"] = new[] { "LlamaForCausalLM" } },
    };

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("model.layers.1.post_attention_layernorm.weight", "behind layer 1", true)]
    [InlineData(Norm, "behind layer 0", false)]
    [InlineData("model.norm.weight", "behind the last norm", false)]
    public void An_evaluation_that_ends_in_no_number_is_a_failure(string norm, string place, bool everywhere)
    {
        // Finite, and what it is multiplied with is not.
        string model = Write((name, values) =>
        {
            if (name == norm)
                values.AsSpan().Fill(3.4e38f);
        });
        string[] text = ["--windows", "2", "--window", "8"];
        string end = $"token 0 (id 1), the first numbers that are not are those {place}. Check its weights, and the model that it was made "
            + "from.\n";
        string[][] commands = [["eval", model, "--json", .. text], .. everywhere ? (string[][])[["eval", model, .. text],
            ["quantize", model, "-o", _temp["out"], "--recipe", "rtn", .. text], ["compare", model, "--bits", "4", "--json", .. text]]
                : []];
        foreach (string[] command in commands)
        {
            CommandRun run = CommandRun.Of(command);
            Assert.Equal((1, ""), (run.Status, run.Output));
            Assert.EndsWith(end, run.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("eval")]
    [InlineData("quantize")]
    [InlineData("compare")]
    public void A_norm_that_is_no_number_is_found_before_any_work(string command)
    {
        string model = Write((name, values) =>
        {
            if (name == Norm)
                values[5] = float.NaN;
        });
        CommandRun run = CommandRun.Of([command, model, .. command == "quantize" ? (string[])["-o", _temp["out"]] : [], "--window", "8"]);
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.Contains($"model.safetensors: tensor '{Norm}': the number at 5 is NaN. Repair the checkpoint", run.Error,
            StringComparison.Ordinal);
        Assert.Equal(["in"], _temp.Names);
    }

    [Fact]
    public void A_file_without_a_tokenizer_is_refused_where_one_is_needed()
    {
        CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "--type", "Q4_0", "-o", _temp["whole.gguf"]);
        string bare = _temp["bare.gguf"];
        using (GgufFile whole = GgufFile.Open(_temp["whole.gguf"]))
        using (var writer = new GgufWriter(bare, whole.Metadata.Where(pair => !pair.Key.StartsWith("tokenizer.", StringComparison.Ordinal)),
            [.. whole.Tensors]))
        {
            foreach (GgufTensor tensor in whole.Tensors)
                writer.Write(tensor.Name, whole.Bytes(tensor.Name));
            writer.Complete();
        }
        string[][] commands = [["quantize", bare, "-o", _temp["out"], "--no-eval"], ["quantize", bare, "-o", _temp["out"], "--dry-run"],
            ["quantize", bare, "-o", _temp["out.gguf"], "--to", "gguf", "--no-eval"], ["eval", bare, "--text", quantized.Text],
            ["export", bare, "--to", "hf", "-o", _temp["out"]], ["export", bare, "--to", "gguf", "-o", _temp["out.gguf"]]];
        foreach (string[] command in commands)
        {
            CommandRun run = CommandRun.Of(command);
            Assert.Equal((1, ""), (run.Status, run.Output));
            Assert.EndsWith($"error: {bare}: 'tokenizer.ggml.model' is missing. Convert the model again with a current version of "
                + "llama.cpp.\n", run.Error, StringComparison.Ordinal);
        }
        Assert.Equal(["bare.gguf", "whole.gguf"], _temp.Names);
        CommandRun.Succeeding("eval", bare, "--windows", "1", "--window", "8");
    }

    [Fact]
    public void A_page_that_can_not_be_written_is_found_before_any_work()
    {
        string page = Path.Combine(_temp["none"], "page.md");
        CommandRun run = CommandRun.Of("compare", _temp["nowhere"], "--markdown", page);
        Assert.Equal((1, $"error: {page}: there is no such folder as {_temp["none"]}. Make it, or name another.\n"),
            (run.Status, run.Error.Replace("\n  ", " ", StringComparison.Ordinal)));
        Assert.Equal(1, CommandRun.Of("compare", _temp["nowhere"], "--markdown", _temp["page.md"]).Status);
        Assert.Empty(_temp.Names);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_companion_that_will_not_copy_is_found_before_any_work(bool dry)
    {
        string model = Write();
        File.CreateSymbolicLink(Path.Combine(model, "tokenizer.model"), "../blobs/7a3f");
        CommandRun run = CommandRun.Of(["quantize", model, "-o", _temp["out"], .. dry ? (string[])["--dry-run"] : []]);
        Assert.Equal(1, run.Status);
        Assert.EndsWith("tokenizer.model: this is a link to '../blobs/7a3f', where there is no file. Put the file there, or remove the "
            + "link.\n",
            run.Error, StringComparison.Ordinal);
        Assert.Equal(["in"], _temp.Names);
    }

    [Fact]
    public void Notes_and_companions_stand_in_the_plan()
    {
        string model = Write();
        string[] command = ["quantize", model, "--dry-run", "--recipe", "gptq", "--sequences", "1", "--length", "40"];
        long disk = CommandRun.Json(command).GetProperty("disk_bytes").GetInt64();
        File.WriteAllBytes(Path.Combine(model, "README.md"), new byte[100_000]);
        File.WriteAllText(Path.Combine(model, "model.safetensors.index.json"),
            """{"weight_map":{"w":"model-00001-of-00001.safetensors"}}""");
        JsonElement plan = CommandRun.Json(command);
        Assert.Equal(disk + 100_000, plan.GetProperty("disk_bytes").GetInt64());
        string[] notes =
        [
            $"{model} has a model.safetensors and a model.safetensors.index.json of other files: the single file is read, as by "
                + $"Transformers, "
                + "and those files are passed over",
            "40 calibration tokens are fewer than the inputs of 2 layers (up to 48, model.layers.0.mlp.down_proj.weight): what they "
                + "don't show "
                + "is left to damping",
        ];
        Assert.Equal(notes, plan.GetProperty("notes").EnumerateArray().Select(note => note.GetString()));
        Assert.Equal(notes, CommandRun.Succeeding(command).Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith(notes[0] + "\n", CommandRun.Succeeding("eval", model, "--windows", "1", "--window", "8").Error,
            StringComparison.Ordinal);
        Assert.Empty(CommandRun.Json([.. command[..^1], "48"]).GetProperty("notes").EnumerateArray().Skip(1));
    }

    [Fact]
    public void What_its_scales_can_not_hold_is_named()
    {
        string model = TinyNetwork.Write(_temp["in"], bad: 1e37f);
        string[] command = ["quantize", model, "-o", _temp["out"], "--recipe", "rtn", "--no-eval"];
        CommandRun run = CommandRun.Succeeding(command);
        Assert.Contains($"lost: {TinyNetwork.Bad}: 47 rows and 47 groups of numbers up to ", run.Output, StringComparison.Ordinal);
        JsonElement lost = Assert.Single(CommandRun.Json([.. command, "--resume"]).GetProperty("lost").EnumerateArray());
        JsonSchema.Check(lost, "tensor:string rows:number groups:number largest:number");
        Assert.Equal((TinyNetwork.Bad, 47), (lost.GetProperty("tensor").GetString(), lost.GetProperty("rows").GetInt64()));
        Assert.InRange(lost.GetProperty("largest").GetDouble(), 0.01, 1);
    }

    [Theory]
    [InlineData("F16", 1)]
    [InlineData("Q4_K_S", 1)]
    public void An_export_names_what_its_type_can_not_hold(string type, int groups)
    {
        const string Matrix = "model.layers.0.mlp.up_proj.weight";
        string model = QuillCopy.Write(_temp["in"],
            [.. Enumerable.Range(0, 256).Select(i => (Matrix, 3 * 256 + i, MathF.ScaleB(i % 7, -36)))]);
        JsonElement written = CommandRun.Json("export", model, "--to", "gguf", "--type", type, "-o", _temp["out.gguf"]);
        string[] expected = [$"{Matrix}: 1 row and {groups} group{(groups == 1 ? "" : "s")} of numbers up to 8.731E-11 became "
            + "zero or far too large"];
        Assert.Equal(expected, written.GetProperty("notes").EnumerateArray().Select(note => note.GetString()));
    }

    [Theory]
    [InlineData("F16")]
    [InlineData("Q4_0")]
    public void The_bytes_of_a_file_are_those_of_its_types(string type)
    {
        JsonElement plan = CommandRun.Json("quantize", SharedData.Quill, "--to", "gguf", "--type", type, "--dry-run");
        long[] roles = [.. plan.GetProperty("roles").EnumerateArray().Select(role => role.GetProperty("bytes").GetInt64())];
        Assert.Equal(plan.GetProperty("after").GetProperty("bytes").GetInt64(), roles.Sum());
        // Keys, tokens and merges: what is left when each tensor has its size.
        Assert.InRange(roles[^1], 50_000, 200_000);
        Assert.InRange(plan.GetProperty("disk_bytes").GetInt64(), roles.Sum(), roles.Sum() + 200_000);
    }

    [Fact]
    public void A_limit_on_the_size_of_files_is_an_error_like_any_other()
    {
        if (OperatingSystem.IsWindows())
            return;
        string[] command = ["quantize", SharedData.Quill, "-o", _temp["out"], "--recipe", "rtn", "--no-eval"];
        // In blocks of 1024 bytes; the model has 4 MB. The runtime's own pages are a file unless it is told otherwise.
        var start = new ProcessStartInfo("bash", ["-c", "ulimit -f 2000; exec \"$@\"", "bash",
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", typeof(Cli.VernierCommand).Assembly.Location, .. command])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        using Process process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd(), output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal((1, ""), (process.ExitCode, output));
        string file = Path.Combine(_temp["out.partial"], "result", "model.safetensors");
        Assert.EndsWith($"error: {file}: the file would be larger than this process or this file system may write. Raise the limit on "
            + $"the size "
            + "of files, or write to another disk.\n", error, StringComparison.Ordinal);
        Assert.Empty(_temp.Names);
        CommandRun.Succeeding([.. command, "--resume"]);
        Assert.Equal(File.ReadAllBytes(Path.Combine(quantized.Folder, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(_temp["out"], "model.safetensors")));
    }

    private string Write(Action<string, float[]>? change = null) => TinyModel.Write(_temp["in"], s_spec, seed: 7, change: change);
}
