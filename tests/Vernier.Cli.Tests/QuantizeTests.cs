using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Cli.Commands;

namespace Vernier.Tests;

/// <summary>vernier quantize, from the command to the files.</summary>
public sealed partial class QuantizeTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_sample_is_quantized_and_evaluated()
    {
        CommandRun run = CommandRun.Succeeding("quantize", SharedData.Quill, "-o", _temp["out"], "--recipe", "rtn", "--windows", "3",
            "--window", "64");
        Snapshot.Matches("quantize", Gaps().Replace(Estimates().Replace(run.Output, "#"), "  "), (_temp.Path, "<temp>"));
        Snapshot.Matches("quantize-progress", run.Error, (_temp.Path, "<temp>"));
        Assert.Equal(["config.json", "generation_config.json", "model.safetensors"],
            Directory.EnumerateFiles(_temp["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal)
            .Where(name => name is "config.json" or "generation_config.json" or "model.safetensors"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(SharedData.Quill, "tokenizer.json")),
            File.ReadAllBytes(Path.Combine(_temp["out"], "tokenizer.json")));
        Assert.Equal(["out"], _temp.Names);
    }

    [Theory]
    [InlineData("--recipe rtn --bits 3 --group 32")]
    [InlineData("--recipe rtn --group channel --embedding-bits none")]
    [InlineData("--recipe rtn --grid uniform --layout asymmetric --keep down_proj")]
    [InlineData("--recipe powerquant --layout full --tables 2 --preserve-norm no")]
    [InlineData("--grid power --exponent 0.75 --layout full --scope rows --bits 8 --group tensor")]
    public void A_dry_run_promises_the_bytes_that_are_written(string options)
    {
        string[] command = ["quantize", SharedData.Quill, "-o", _temp["out"], "--no-eval", .. options.Split(' ')];
        JsonElement plan = CommandRun.Json([.. command, "--dry-run"]);
        Assert.False(Directory.Exists(_temp["out"]));
        JsonElement result = CommandRun.Json(command);
        long promised = plan.GetProperty("after").GetProperty("bytes").GetInt64();
        Assert.Equal(promised, new FileInfo(Path.Combine(_temp["out"], "model.safetensors")).Length
            + new FileInfo(Path.Combine(_temp["out"], "config.json")).Length);
        Assert.Equal(promised, result.GetProperty("after").GetProperty("bytes").GetInt64());
        Assert.Equal(promised, plan.GetProperty("roles").EnumerateArray().Sum(role => role.GetProperty("bytes").GetInt64()));
        Assert.Equal(plan.GetProperty("before").GetProperty("bytes").GetInt64(),
            result.GetProperty("before").GetProperty("bytes").GetInt64());
    }

    [Fact]
    public void A_dry_run_shows_the_plan()
    {
        CommandRun run = CommandRun.Succeeding("quantize", SharedData.Quill, "--recipe", "rtn", "--keep", "o_proj", "--dry-run");
        Assert.Empty(run.Error);
        Snapshot.Matches("dry-run", run.Output);
    }

    [Fact]
    public void The_result_for_programs_has_the_names_and_types_that_are_promised()
    {
        JsonElement result = CommandRun.Json("quantize", SharedData.Quill, "-o", _temp["out"], "--recipe", "rtn", "--windows", "2",
            "--text", quantized.Text);
        JsonSchema.Check(result, """
            model:string output:string recipe:string bits:number group:number embedding_bits:number parameters:number before:object
            after:object objective:number
            tokens:number text:string seconds:number evaluation_seconds:number peak_memory_bytes:number notes:array lost:array tensors:array
            """);
        JsonSchema.Check(result.GetProperty("before"),
            "bytes:number bits_per_weight:number perplexity:number perplexity_stderr:number kl_divergence:null kl_divergence_stderr:null "
            + "top1_agreement:null top1_agreement_stderr:null");
        JsonSchema.Check(result.GetProperty("after"),
            "bytes:number bits_per_weight:number perplexity:number perplexity_stderr:number kl_divergence:number "
            + "kl_divergence_stderr:number top1_agreement:number top1_agreement_stderr:number");
        JsonSchema.Check(result.GetProperty("tensors")[0],
            "name:string bits:number group:number weights:number bytes:number bits_per_weight:number exponents:array snr_db:number "
            + "solver:null");
        Assert.Equal(43, result.GetProperty("tensors").GetArrayLength());
        Assert.Equal(512, result.GetProperty("tokens").GetInt64());
        Assert.InRange(result.GetProperty("objective").GetDouble(), 0.001, 0.02);
        Assert.InRange(result.GetProperty("after").GetProperty("kl_divergence").GetDouble(), 1e-4, 0.1);
    }

    [Fact]
    public void The_plan_for_programs_has_the_names_and_types_that_are_promised()
    {
        JsonElement plan = CommandRun.Json("quantize", SharedData.Quill, "--dry-run", "--embedding-bits", "none", "--group", "channel");
        JsonSchema.Check(plan,
            "dry_run:true model:string output:string recipe:string bits:number group:number embedding_bits:null parameters:number "
            + "before:object after:object peak_memory_bytes:number smallest_memory_bytes:number disk_bytes:number seconds:number "
            + "roles:array notes:array");
        JsonSchema.Check(plan.GetProperty("roles")[0],
            "role:string tensors:number weights:number bits:number bytes:number bits_per_weight:number");
        Assert.Equal(0, plan.GetProperty("group").GetInt32());
        Assert.Equal("quill-6m-nupes-datafree-4bit", plan.GetProperty("output").GetString());
    }

    [Fact]
    public void Parts_that_are_replaced_stand_in_the_name_of_the_recipe()
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        JsonElement result = CommandRun.Json("quantize", model, "-o", _temp["out"], "--no-eval", "--grid", "uniform", "--layout",
            "symmetric", "--scale", "largest");
        const string Name = "nupes-datafree+grid=uniform+layout=symmetric+scale=largest";
        Assert.Equal(Name, result.GetProperty("recipe").GetString());
        Assert.Equal(Name, CommandRun.Json("inspect", _temp["out"]).GetProperty("recipe").GetString());
        using var opened = Inference.Models.Model.Open(model);
        Assert.Equal("tiny-nupes-datafree-grid-uniform-3bit", OutputCheck.DefaultFor(opened, "nupes-datafree+grid=uniform", 3));
    }

    [Fact]
    public void A_recipe_can_be_a_file()
    {
        string model = TinyNetwork.Write(_temp["tiny"]), file = _temp["mine.json"];
        File.WriteAllText(file, CommandRun.Succeeding("recipes", "rtn").Output.Replace("\"rtn\"", "\"mine\"", StringComparison.Ordinal));
        string[] command = ["quantize", model, "--no-eval", "--force", "-o", _temp["out"], "--recipe"];
        CommandRun.Succeeding([.. command, "rtn"]);
        byte[] weights = File.ReadAllBytes(Path.Combine(_temp["out"], "model.safetensors"));
        Assert.Equal("mine", CommandRun.Json([.. command, file]).GetProperty("recipe").GetString());
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(_temp["out"], "model.safetensors")));
    }

    [Fact]
    public void An_unknown_architecture_is_quantized_and_not_evaluated()
    {
        string model = TinyNetwork.Write(_temp["mystery"], "mystery");
        CommandRun run = CommandRun.Succeeding("quantize", model, "-o", _temp["out"]);
        const string Note = "not evaluated: the architecture 'MysteryForCausalLM' does not run here. Its tensors are quantized one by "
            + "one, by their names and shapes.";
        Assert.Contains(Note, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("perplexity", run.Output, StringComparison.Ordinal);
        JsonElement result = CommandRun.Json("quantize", model, "-o", _temp["out"], "--force");
        Assert.Equal(Note, result.GetProperty("notes")[0].GetString());
        Assert.Equal(JsonValueKind.Null, result.GetProperty("after").GetProperty("perplexity").ValueKind);
        Assert.Equal(8, result.GetProperty("tensors").GetArrayLength());
    }

    [Fact]
    public void A_model_without_a_tokenizer_is_evaluated_on_its_own_sample()
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        CommandRun run = CommandRun.Succeeding("quantize", model, "-o", _temp["out"], "--windows", "4");
        Assert.Contains("evaluated on 4 texts of 128 tokens that the model wrote itself, seed 1: 508 tokens", run.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_seed_chooses_the_sample_and_the_threads_change_nothing()
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        Assert.Equal(Perplexity("1", "1"), Perplexity("1", "2"));
        Assert.NotEqual(Perplexity("1", "1"), Perplexity("2", "1"));

        double Perplexity(string seed, string threads) =>
            CommandRun.Json("quantize", model, "-o", _temp["out"], "--force", "--seed", seed, "--threads", threads).GetProperty("after")
                .GetProperty("perplexity").GetDouble();
    }

    [Fact]
    public void A_cancelled_run_leaves_nothing()
    {
        CommandRun run = CommandRun.Interrupted("quantize", SharedData.Quill, "-o", _temp["out"]);
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.EndsWith("error: cancelled\n", run.Error, StringComparison.Ordinal);
        Assert.Empty(_temp.Names);
    }

    [Fact]
    public void What_a_cancelled_run_has_finished_stays_for_another_to_go_on()
    {
        string[] command = ["quantize", SharedData.Quill, "-o", _temp["out"], "--recipe", "quantease", "--sequences", "8", "--length",
            "128", "--calibration", quantized.Text, "--no-eval"];
        CommandRun run = CommandRun.InterruptedOnce(
            () => Directory.Exists(_temp["out.partial/journal"])
            && Directory.EnumerateFiles(_temp["out.partial/journal"], "*.matrix.json").Any(), command);
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.EndsWith($"What is finished stays in {_temp["out.partial"]}: the same command with --resume goes on from there.\nerror: "
            + $"cancelled\n", run.Error, StringComparison.Ordinal);
        CommandRun again = CommandRun.Of(command);
        Assert.Equal(1, again.Status);
        Assert.Contains("With --resume it goes on where it stopped, with --force it starts afresh.", again.Error, StringComparison.Ordinal);
        CommandRun.Succeeding([.. command, "--resume"]);
        Assert.Equal(["out"], _temp.Names);
    }

    [Fact]
    public void A_fallback_is_reported_and_a_strict_run_stops_at_it()
    {
        string model = TinyNetwork.Write(_temp["tiny"], silent: true);
        string[] command = ["quantize", model, "-o", _temp["out"], "--recipe", "gptq", "--sequences", "4", "--length", "32", "--no-eval"];
        CommandRun strict = CommandRun.Of([.. command, "--strict"]);
        const string Layer = "model.layers.0.mlp.down_proj.weight";
        Assert.Equal(1, strict.Status);
        Assert.Contains($"tensor '{Layer}': no data", strict.Error, StringComparison.Ordinal);
        Assert.Contains("--resume", strict.Error, StringComparison.Ordinal);
        JsonElement tensor = CommandRun.Json([.. command, "--resume"]).GetProperty("tensors").EnumerateArray()
            .Single(tensor => tensor.GetProperty("name").GetString() == Layer);
        Assert.StartsWith("no data", tensor.GetProperty("solver").GetProperty("fallback").GetString(), StringComparison.Ordinal);
        Assert.Contains($"rounded to nearest: {Layer}: no data", CommandRun.Succeeding([.. command, "--force"]).Output,
            StringComparison.Ordinal);
        // The folder with its report is a model like any other.
        Assert.Equal("gptq", CommandRun.Json("inspect", _temp["out"]).GetProperty("recipe").GetString());
    }

    [Theory]
    [InlineData("100MB", "needs ")]
    [InlineData("0.1GB", "needs ")]
    [InlineData("100000000", "needs ")]
    [InlineData("100000k", "needs ")]
    public void A_memory_that_is_too_small_is_refused_with_one_that_is_enough(string memory, string problem)
    {
        string[] command = ["quantize", SharedData.Quill, "-o", _temp["out"], "--recipe", "gptq", "--dry-run"];
        CommandRun run = CommandRun.Of([.. command, "--memory", memory]);
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.Contains(problem, run.Error, StringComparison.Ordinal);
        Assert.Contains("and may take 100 MB", run.Error, StringComparison.Ordinal);
        long smallest = CommandRun.Json(command).GetProperty("smallest_memory_bytes").GetInt64();
        Assert.Contains($"Say --memory {(smallest + 999_999) / 1_000_000}MB.", run.Error, StringComparison.Ordinal);
        CommandRun.Succeeding([.. command, "--memory", $"{smallest}"]);
    }

    [Fact]
    public void A_disk_that_is_too_small_is_refused()
    {
        OutputCheck.CheckSpace("out", 1000, 1000);
        IOException e = Assert.Throws<IOException>(() => OutputCheck.CheckSpace("out", 2_000_000, 1000));
        Assert.Equal("out: the result takes 2.00 MB, and the disk has 1.00 kB free. Make room, or name a folder on another disk with -o.",
            e.Message);
        OutputCheck.CheckTemporary(1000);
        Assert.Contains($"{Path.GetTempPath()}: the models that are compared take 9223372 TB, and the disk has ",
            Assert.Throws<IOException>(() => OutputCheck.CheckTemporary(long.MaxValue)).Message, StringComparison.Ordinal);
        Assert.InRange(OutputCheck.FreeBytes(Path.Combine(_temp.Path, "not", "there")), 1, long.MaxValue - 1);
    }

    // The recipes' results may improve; the shape of the table may not change.
    [GeneratedRegex(@"[\d.]+ ± [\d.]+", RegexOptions.None, 1000)]
    private static partial Regex Estimates();

    [GeneratedRegex(" {2,}", RegexOptions.None, 1000)]
    private static partial Regex Gaps();
}
