using Vernier.Cli.Commands;
using Vernier.Inference.Models;

namespace Vernier.Tests;

/// <summary>Where outputs go, by whatever name, and what is never overwritten.</summary>
public sealed class OutputPathTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    /// <summary>The model's folder, a folder in it and one above it, by other names for the same.</summary>
    [Theory]
    [InlineData("real/tiny")]
    [InlineData("real/tiny/")]
    [InlineData("real/../real/tiny")]
    [InlineData("real/TINY")]
    [InlineData("real/tiny/new/out")]
    [InlineData("real")]
    [InlineData("link")]
    [InlineData("link/out")]
    [InlineData("alias/tiny")]
    [InlineData("alias/tiny/out")]
    [InlineData("chain/tiny")]
    [InlineData("alias")]
    public void A_model_is_not_replaced_by_any_of_its_names(string output)
    {
        string model = Write();
        foreach (string name in (string[])[model, _temp["link"], _temp["alias/tiny"], _temp["chain/tiny"]])
        {
            CommandRun run = CommandRun.Of("quantize", name, "-o", _temp[output], "--force", "--no-eval", "--recipe", "rtn");
            Assert.Equal((2, ""), (run.Status, run.Output));
            Assert.Equal($"error: {_temp[output]}: the output would lie in the model's folder, or replace it. Name another folder with "
                + "-o.\n", run.Error);
        }
        Assert.Equal(["alias", "chain", "link", "real"], _temp.Names);
        Assert.Equal(["config.json", "model.safetensors"], Directory.EnumerateFileSystemEntries(model).Select(Path.GetFileName)
            .Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("tiny-2")]
    [InlineData("real/tinyx")]
    [InlineData("alias/other")]
    public void A_folder_beside_the_model_is_another(string output)
    {
        string model = Write();
        CommandRun.Succeeding("quantize", model, "-o", _temp[output], "--no-eval", "--recipe", "rtn");
        Assert.True(File.Exists(Path.Combine(_temp[output], "model.safetensors")));
    }

    [Theory]
    [InlineData("real/m.gguf")]
    [InlineData("alias/m.gguf")]
    [InlineData("real/M.gguf")]
    [InlineData("file.gguf")]
    public void A_file_is_not_overwritten_by_itself(string output)
    {
        Write();
        CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "-o", _temp["real/m.gguf"], "--type", "BF16");
        File.CreateSymbolicLink(_temp["file.gguf"], _temp["real/m.gguf"]);
        byte[] before = File.ReadAllBytes(_temp["real/m.gguf"]);
        string[][] commands = [["export", "--type", "Q8_0"], ["quantize", "--no-eval", "--type", "Q8_0"]];
        foreach (string[] command in commands)
        {
            CommandRun run = CommandRun.Of(
                [command[0], _temp["real/m.gguf"], .. command[1..], "--to", "gguf", "-o", _temp[output], "--force"]);
            Assert.Equal((2, ""), (run.Status, run.Output));
            Assert.Contains($"error: {_temp[output]}: this is the model itself. Name another file with -o.\n", run.Error,
                StringComparison.Ordinal);
        }
        Assert.Equal(before, File.ReadAllBytes(_temp["real/m.gguf"]));
    }

    [Theory]
    [InlineData("my model (2)", "rtn+grid=power", 3, "my-model--2--rtn-grid-power-3bit")]
    [InlineData("Llama-3.2_1B", "gptq", 4, "Llama-3.2_1B-gptq-4bit")]
    [InlineData("größe", "a/b\\c", 8, "gr--e-a-b-c-8bit")]
    public void The_usual_name_holds_letters_and_digits(string folder, string recipe, int bits, string name)
    {
        using var model = Model.Open(TinyNetwork.Write(_temp[folder]) + Path.DirectorySeparatorChar);
        Assert.Equal(name, OutputCheck.DefaultFor(model, recipe, bits));
    }

    [Fact]
    public void A_disk_that_is_too_small_is_told_by_its_figures()
    {
        Assert.Equal("out: the result takes 2.00 kB, and the disk has 1.00 kB free. Make room, or name a folder on another disk with -o.",
            Assert.Throws<IOException>(() => OutputCheck.CheckSpace("out", 2000, 1000)).Message);
        OutputCheck.CheckSpace("out", 1000, 1000);
        Assert.Equal(OutputCheck.FreeBytes(_temp.Path), OutputCheck.FreeBytes(_temp["a/b/c"]), 1e9);
        Assert.True(OutputCheck.FreeBytes(_temp["a/b/c"]) > 0);
    }

    // real/tiny is the model; link is that folder, alias the one above it, chain the alias.
    private string Write()
    {
        string model = TinyNetwork.Write(_temp["real/tiny"]);
        Directory.CreateSymbolicLink(_temp["link"], model);
        Directory.CreateSymbolicLink(_temp["alias"], _temp["real"]);
        Directory.CreateSymbolicLink(_temp["chain"], _temp["alias"]);
        return model;
    }
}
