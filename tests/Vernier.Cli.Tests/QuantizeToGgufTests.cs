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

    [Theory]
    [InlineData("F16")]
    [InlineData("F32")]
    public void A_file_of_floats_is_written_and_evaluated(string type)
    {
        string file = _temp["quill.gguf"];
        string[] command = ["quantize", SharedData.Quill, "--to", "gguf", "--type", type, "-o", file, "--text", quantized.Text,
            "--windows", "2"];
        long promised = CommandRun.Json([.. command, "--dry-run"]).GetProperty("after").GetProperty("bytes").GetInt64();
        JsonElement written = CommandRun.Json(command);
        Assert.Equal(promised, new FileInfo(file).Length);
        Assert.Equal(0, written.GetProperty("tensors").GetArrayLength());
        Assert.InRange(written.GetProperty("after").GetProperty("kl_divergence").GetDouble(), 0, 1e-4);
        CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "--type", type, "-o", _temp["export.gguf"]);
        Assert.Equal(File.ReadAllBytes(_temp["export.gguf"]), File.ReadAllBytes(file));
    }

    [Fact]
    public void What_an_importance_matrix_lacks_is_said_at_the_start_and_stops_a_strict_run()
    {
        string matrix = _temp["imatrix.dat"];
        using (var writer = new BinaryWriter(File.Create(matrix)))
        {
            writer.Write(1);
            writer.Write("blk.0.ffn_up_exps.weight".Length);
            writer.Write("blk.0.ffn_up_exps.weight"u8);
            writer.Write(3);
            writer.Write(4);
            writer.Write(new byte[16]);
        }
        string[] command = ["quantize", SharedData.Quill, "--to", "gguf", "--type", "Q4_0", "-o", _temp["x.gguf"], "--no-eval",
            "--imatrix", matrix];
        CommandRun strict = CommandRun.Of([.. command, "--strict"]);
        Assert.Equal(1, strict.Status);
        string error = strict.Error.ReplaceLineEndings(" ");
        Assert.Contains("entries for tensors that the model lacks, passed over: 1 (blk.0.ffn_up_exps.weight); linear layers without an "
            + "entry, quantized without importance: 42 (", error, StringComparison.Ordinal);
        Assert.EndsWith("Without --strict it goes on. ", error, StringComparison.Ordinal);
        Assert.Equal(["imatrix.dat"], _temp.Names);
        Assert.Contains("importance matrix: linear layers without an entry", CommandRun.Succeeding([.. command, "--dry-run"]).Error,
            StringComparison.Ordinal);
        string[] notes = [.. CommandRun.Json(command).GetProperty("notes").EnumerateArray().Select(note => note.GetString()!)];
        Assert.Equal("importance matrix: entries for tensors that the model lacks, passed over: 1 (blk.0.ffn_up_exps.weight)", notes[0]);
        Assert.StartsWith("importance matrix: linear layers without an entry, quantized without importance: 42 (", notes[1],
            StringComparison.Ordinal);
    }
}
