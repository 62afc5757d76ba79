using System.Text.Json;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests;

/// <summary>What commands say for programs, against the files and against each other.</summary>
public sealed class ConsistencyTests : IDisposable
{
    private static readonly string[] s_figures =
    [
        "bytes", "bits_per_weight", "perplexity", "perplexity_stderr", "kl_divergence", "kl_divergence_stderr", "top1_agreement",
        "top1_agreement_stderr",
    ];

    private readonly TempFolder _temp = new();
    private readonly string _model;

    public ConsistencyTests() => _model = TinyNetwork.Write(_temp["tiny"]);

    public void Dispose() => _temp.Dispose();

    /// <summary>One row of a comparison is a run of quantize, and one of eval on what that wrote.</summary>
    [Theory]
    [InlineData("rtn", "3", "16")]
    [InlineData("nupes-datafree", "4", "channel")]
    public void Commands_agree_on_how_close_a_model_is(string recipe, string bits, string group)
    {
        string[] sample = ["--windows", "3", "--window", "24", "--seed", "5"];
        JsonElement quantized = CommandRun.Json(["quantize", _model, "-o", _temp["out"], "-r", recipe, "--bits", bits, "--group", group,
            .. sample]), after = quantized.GetProperty("after");
        JsonElement evaluated = CommandRun.Json(["eval", _temp["out"], "--against", _model, .. sample]);
        JsonElement compared = CommandRun.Json(["compare", _model, "--recipes", recipe, "--bits", bits, "--group", group, .. sample]);
        JsonElement original = compared.GetProperty("rows")[0], row = compared.GetProperty("rows")[1];
        foreach (string figure in s_figures)
        {
            Assert.Equal(after.GetProperty(figure).GetDouble(), evaluated.GetProperty(figure).GetDouble(), 1e-9);
            Assert.Equal(after.GetProperty(figure).GetDouble(), row.GetProperty(figure).GetDouble(), 1e-9);
        }
        Assert.Equal(evaluated.GetProperty("reference_perplexity").GetDouble(), original.GetProperty("perplexity").GetDouble(), 1e-9);
        Assert.Equal(quantized.GetProperty("before").GetProperty("perplexity").GetDouble(),
            original.GetProperty("perplexity").GetDouble(), 1e-9);
        Assert.Equal(quantized.GetProperty("objective").GetDouble(), row.GetProperty("weight_error").GetDouble(), 1e-9);
        Assert.All([quantized, evaluated, row], result => Assert.Equal(3 * 23, result.GetProperty("tokens").GetInt64()));
    }

    [Fact]
    public void Sizes_are_those_of_the_files_and_the_sums_of_their_parts()
    {
        JsonElement plan = CommandRun.Json("quantize", _model, "-o", _temp["out"], "--dry-run"),
            quantized = CommandRun.Json("quantize", _model, "-o", _temp["out"], "--no-eval"), inspected = CommandRun.Json("inspect",
                _temp["out"]);
        long bytes = new FileInfo(_temp["out/model.safetensors"]).Length + new FileInfo(_temp["out/config.json"]).Length;
        Assert.Equal([bytes, bytes, bytes], new[] { plan.GetProperty("after"), quantized.GetProperty("after"), inspected }
            .Select(result => result.GetProperty("bytes").GetInt64()));
        Assert.Equal(bytes, plan.GetProperty("roles").EnumerateArray().Sum(role => role.GetProperty("bytes").GetInt64()));
        long parameters = plan.GetProperty("parameters").GetInt64();
        Assert.Equal(parameters, plan.GetProperty("roles").EnumerateArray().Sum(role => role.GetProperty("weights").GetInt64()));
        Assert.Equal(parameters, inspected.GetProperty("tensors").EnumerateArray().Sum(tensor => tensor.GetProperty("weights").GetInt64()));
        Assert.Equal(8.0 * bytes / parameters, inspected.GetProperty("bits_per_weight").GetDouble(), 1e-12);
        foreach (JsonElement tensor in quantized.GetProperty("tensors").EnumerateArray())
        {
            JsonElement same = inspected.GetProperty("tensors").EnumerateArray()
                .Single(other => other.GetProperty("name").GetString() == tensor.GetProperty("name").GetString());
            foreach (string member in (string[])["bits", "group", "weights", "bytes", "bits_per_weight", "exponents"])
                Assert.Equal(tensor.GetProperty(member).GetRawText(), same.GetProperty(member).GetRawText());
        }
        // Not evaluated: nothing is said of what was not measured.
        Assert.All(s_figures[2..], figure =>
            Assert.Equal(JsonValueKind.Null, quantized.GetProperty("after").GetProperty(figure).ValueKind));
        Assert.All((string[])["tokens", "text", "evaluation_seconds"], member =>
            Assert.Equal(JsonValueKind.Null, quantized.GetProperty(member).ValueKind));
    }

    [Fact]
    public void The_number_of_threads_changes_no_result()
    {
        JsonElement[] evaluated = [.. ((string[])["1", "3"]).Select(threads => CommandRun.Json("eval", _model, "--windows", "2",
            "--window", "16", "--threads", threads))];
        Assert.Equal(evaluated[0].GetProperty("perplexity").GetDouble(), evaluated[1].GetProperty("perplexity").GetDouble());
        JsonElement[] inspected = [.. ((string[])["1", "3"]).Select(threads => CommandRun.Json("inspect", _model, "--threads", threads))];
        Assert.Equal(inspected[0].GetRawText(), inspected[1].GetRawText());
        foreach (string threads in (string[])["1", "3"])
            CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "-o", _temp[$"{threads}.gguf"], "--type", "Q8_0",
                "--threads", threads);
        Assert.Equal(File.ReadAllBytes(_temp["1.gguf"]), File.ReadAllBytes(_temp["3.gguf"]));
    }

    /// <summary>A constant has no kurtosis, and what is infinite is no number of JSON: both are null.</summary>
    [Fact]
    public void What_is_not_finite_is_null()
    {
        TinyModel.Write(_temp["odd"], ("constant.weight", [2, 2], [3, 3, 3, 3]),
            ("bad.weight", [1, 2], [float.NaN, float.PositiveInfinity]),
            ("whole.weight", [2, 3], [1, 2, 3, 4, 5, float.NegativeInfinity]));
        JsonElement[] tensors = [.. CommandRun.Json("inspect", _temp["odd"]).GetProperty("tensors").EnumerateArray()];
        Assert.Equal([3, 3, 3, 0], ((string[])["min", "max", "mean", "std"]).Select(name => tensors[0].GetProperty(name).GetDouble()));
        Assert.Equal(JsonValueKind.Null, tensors[0].GetProperty("kurtosis").ValueKind);
        Assert.All((string[])["min", "max", "mean", "std", "kurtosis", "beyond_3_sigma", "beyond_6_sigma"], name =>
            Assert.Equal(JsonValueKind.Null, tensors[1].GetProperty(name).ValueKind));
        Assert.Equal([0, 2, 1], tensors.Select(tensor => tensor.GetProperty("not_finite").GetInt32()));
        Assert.Equal((1, 5), (tensors[2].GetProperty("min").GetInt32(), tensors[2].GetProperty("max").GetInt32()));
    }

    [Theory]
    [InlineData("inspect", "--match", "nothing")]
    [InlineData("eval", "--window", "129")]
    [InlineData("quantize", "--recipe", "nothing")]
    [InlineData("compare", "--recipes", "nothing")]
    [InlineData("bench", "--prompt", "129")]
    [InlineData("export", "--to", "nothing")]
    [InlineData("run", "prompt", "--max-tokens=3")]
    [InlineData("recipes", "--json", "more")]
    public void With_json_an_error_is_a_line_on_the_other_stream(string command, params string[] options)
    {
        CommandRun run = CommandRun.Of([command, _model, .. options, "--json"]);
        Assert.NotEqual(0, run.Status);
        Assert.Empty(run.Output);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recipe_for_programs_is_the_recipe_as_a_file()
    {
        JsonElement recipe = CommandRun.Json("recipes", "gptq");
        Assert.Equal(CommandRun.Succeeding("recipes", "gptq").Output, CommandRun.Succeeding("recipes", "gptq", "--json").Output);
        Assert.Equal(RecipeCatalogue.Find("gptq").Summary, recipe.GetProperty("summary").GetString());
    }

    /// <summary>What takes long can be stopped: nothing is printed as a result, and nothing is left.</summary>
    [Theory]
    [InlineData("inspect")]
    [InlineData("eval")]
    [InlineData("compare")]
    [InlineData("bench")]
    [InlineData("quantize -o OUT")]
    [InlineData("export --to gguf -o OUT")]
    public void An_interrupted_command_has_no_result(string command)
    {
        string[] words = command.Split(' ');
        // What is exported has a tokenizer.
        string model = words[0] == "export" ? SharedData.Quill : _model;
        CommandRun run = CommandRun.Interrupted([words[0], model, .. words[1..].Select(word => word == "OUT" ? _temp["out"] : word)]);
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.EndsWith("error: cancelled\n", run.Error, StringComparison.Ordinal);
        Assert.Equal(["tiny"], _temp.Names);
    }
}
