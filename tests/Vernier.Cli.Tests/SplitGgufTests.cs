using System.Text.Json;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests;

/// <summary>The commands on a model in several GGUF files.</summary>
public sealed class SplitGgufTests : IDisposable
{
    private readonly TempFolder _temp = new();
    private readonly string _whole;
    private readonly string[] _parts;

    public SplitGgufTests()
    {
        Assert.True(GgufMix.TryGet("Q8_0", out GgufMix? mix));
        _whole = _temp["whole.gguf"];
        GgufExport.Write(SharedData.Quill, _whole, mix);
        _parts = SplitGguf.Write(_whole, _temp["parts"], 3, 5, 48);
    }

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Inspect_shows_the_tensors_and_the_size_of_all()
    {
        JsonElement whole = CommandRun.Json("inspect", _whole), parts = CommandRun.Json("inspect", _parts[1]);
        Assert.Equal(whole.GetProperty("tensors").GetRawText(), parts.GetProperty("tensors").GetRawText());
        Assert.Equal(whole.GetProperty("parameters").GetInt64(), parts.GetProperty("parameters").GetInt64());
        Assert.Equal(_parts.Sum(part => new FileInfo(part).Length), parts.GetProperty("bytes").GetInt64());
    }

    [Fact]
    public void Eval_and_export_do_what_they_do_with_the_whole()
    {
        string text = _temp["text.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i * i} and ")));
        JsonElement[] results = [.. new[] { _whole, _parts[2] }.Select(model =>
            CommandRun.Json("eval", model, "--text", text, "--windows", "2"))];
        Assert.Equal(results[0].GetProperty("perplexity").GetRawText(), results[1].GetProperty("perplexity").GetRawText());
        CommandRun.Succeeding("export", _parts[0], "--to", "hf", "-o", _temp["a"]);
        CommandRun.Succeeding("export", _whole, "--to", "hf", "-o", _temp["b"]);
        Assert.Equal(File.ReadAllText(Path.Combine(_temp["b"], "config.json")), File.ReadAllText(Path.Combine(_temp["a"], "config.json")));
    }

    [Fact]
    public void Quantize_takes_all_parts()
    {
        JsonElement result = CommandRun.Json("quantize", _parts[2], "--no-eval", "-o", _temp["out"]);
        Assert.Equal(_parts.Sum(part => new FileInfo(part).Length), result.GetProperty("before").GetProperty("bytes").GetInt64());
        using var model = Model.Open(_temp["out"]);
        Assert.Equal(42, model.Quantization!.Tensors.Count(pair => pair.Key.Contains("proj", StringComparison.Ordinal)));
        Assert.DoesNotContain("split.", File.ReadAllText(model.ConfigPath));
    }

    [Theory]
    [InlineData("export")]
    [InlineData("quantize")]
    public void No_part_is_written_over(string command)
    {
        CommandRun run = CommandRun.Of(command, _parts[0], "--to", "gguf", "-o", _parts[2], "--force");
        Assert.Equal(2, run.Status);
        Assert.Contains("this is the model itself", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("eval")]
    [InlineData("quantize")]
    public void Missing_parts_are_named(string command)
    {
        File.Delete(_parts[0]);
        File.Delete(_parts[2]);
        CommandRun run = CommandRun.Of(command, _parts[1]);
        // What can be listed of a model that is refused is listed, with the reason.
        bool lists = command == "inspect";
        Assert.Equal(lists ? 0 : 1, run.Status);
        Assert.Contains("2 of them are not in the folder: parts-00001-of-00003.gguf, parts-00003-of-00003.gguf. Put all parts into one",
            (lists ? run.Output : run.Error).ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}
