using System.Text.Json;

namespace Vernier.Tests;

/// <summary>vernier quantize --to gguf.</summary>
public sealed class QuantizeToGgufTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_has_the_size_that_a_dry_run_says_and_is_evaluated(bool calibrated)
    {
        string file = _temp["quill.gguf"];
        string[] command = ["quantize", SharedData.Quill, "--to", "gguf", "--type", "q4_0", "-o", file, "--text", quantized.Text,
            "--windows", "2", .. calibrated ? (string[])["--calibration", quantized.Text, "--sequences", "2", "--length", "64"] : []];
        JsonElement plan = CommandRun.Json([.. command, "--dry-run"]), written = CommandRun.Json(command);
        long promised = plan.GetProperty("after").GetProperty("bytes").GetInt64();
        Assert.Equal(calibrated ? "gguf" : "gguf-datafree", written.GetProperty("recipe").GetString());
        Assert.Equal(promised, new FileInfo(file).Length);
        Assert.Equal(promised, written.GetProperty("after").GetProperty("bytes").GetInt64());
        Assert.InRange(written.GetProperty("after").GetProperty("kl_divergence").GetDouble(), 1e-6, 0.05);
        Assert.Equal(["quill.gguf", "quill.gguf.report.json"], _temp.Names);
        foreach (JsonElement report in (JsonElement[])[plan, written])
            Assert.All(["bits", "group", "embedding_bits"], name => Assert.Equal(JsonValueKind.Null, report.GetProperty(name).ValueKind));
        CommandRun again = CommandRun.Of(command);
        Assert.Equal(1, again.Status);
        Assert.Contains("quill.gguf: the file exists. Name another, or allow to replace it. With --force it is replaced.", again.Error);
    }

    [Theory]
    [InlineData("--type Q4_0", "--type, --tensor-type, --imatrix: these are for GGUF files. Say --to gguf as well, or leave them out.")]
    [InlineData("--to onnx", "--to: 'onnx' is neither hf nor gguf.")]
    [InlineData("--to gguf --type Q9", "--type: there is no 'Q9'. Say one of ")]
    [InlineData("--to gguf --recipe rtn", "--recipe: rtn makes no blocks of GGUF files. Say gguf or gguf-datafree, or leave it out.")]
    [InlineData("--to gguf --recipe gguf --imatrix x",
        "--imatrix: the recipe gguf observes the inputs itself. Leave out --imatrix, or --calibration.")]
    [InlineData("--to gguf --tensor-type ffn_down", "--tensor-type: 'ffn_down' is not PATTERN=TYPE with a type such as Q6_K.")]
    public void What_does_not_go_together_is_refused(string options, string message)
    {
        CommandRun run = CommandRun.Of(["quantize", SharedData.Quill, "-o", _temp["out"], .. options.Split(' ')]);
        Assert.Equal(2, run.Status);
        Assert.Contains(message, run.Error);
        Assert.Empty(_temp.Names);
    }

    [Fact]
    public void An_importance_matrix_that_is_not_there_is_named()
    {
        CommandRun run = CommandRun.Of("quantize", SharedData.Quill, "--to", "gguf", "-o", _temp["out.gguf"], "--imatrix",
            _temp["none.dat"]);
        Assert.Equal(1, run.Status);
        Assert.Contains("none.dat", run.Error);
        Assert.Empty(_temp.Names);
    }
}
