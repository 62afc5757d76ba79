using Vernier.Cli.Terminal;

namespace Vernier.Tests;

/// <summary>What is said when something is wrong, and with which exit status.</summary>
public sealed class ErrorTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("quantize", "error: Required argument missing for command: 'quantize'.")]
    [InlineData("quantise x",
        "error: Required command was not provided.\nerror: Unrecognized command or argument 'quantise'.\nerror: Unrecognized command or "
        + "argument 'x'.")]
    [InlineData("quantize x --bits 9", "error: --bits: '9' is not a whole number from 2 to 8.")]
    [InlineData("quantize x --bits four", "error: --bits: 'four' is not a whole number from 2 to 8.")]
    [InlineData("quantize x --group 0", "error: --group: '0' is not a whole number from 1 to 1048576, 'channel' or 'tensor'.")]
    [InlineData("quantize x --embedding-bits 1", "error: --embedding-bits: '1' is not a whole number from 2 to 8, or 'none'.")]
    [InlineData("quantize x --grid cubic",
        "error: --grid: 'cubic' is not one of uniform, power, minifloat, normal-float, ggml, codebook, vector, trits, two-level.")]
    [InlineData("quantize x --layout full,half",
        "error: --layout: 'full,half' is not a list, with commas, of symmetric, full, mid-rise, offset, asymmetric.")]
    [InlineData("quantize x --tables 3", "error: --tables: '3' is not one of 1, 2, 4, 8.")]
    [InlineData("quantize x --exponent 7", "error: --exponent: '7' is not a number from 0.2 to 1.2.")]
    [InlineData("quantize x --keep (", "error: --keep: '(' is not a regular expression, without lookarounds and back-references.")]
    [InlineData("quantize x --memory 4XB", "error: --memory: '4XB' is not a size such as 4GB, 500MB or a number of bytes.")]
    [InlineData("quantize x --memory -1", "error: --memory: '-1' is not a size such as 4GB, 500MB or a number of bytes.")]
    [InlineData("quantize x --memory B", "error: --memory: 'B' is not a size such as 4GB, 500MB or a number of bytes.")]
    [InlineData("eval x --seed -1", "error: --seed: '-1' is not a whole number from 0 to 18446744073709551615.")]
    [InlineData("run x", "error: Required argument missing for command: 'run'.")]
    public void A_wrong_command_is_refused_before_anything_is_read(string command, string message)
    {
        CommandRun run = CommandRun.Of(command.Split(' '));
        string help = command.StartsWith("quantise", StringComparison.Ordinal) ? "vernier" : "vernier " + command.Split(' ')[0];
        Assert.Equal((2, "", $"{message}\n'{help} --help' says what there is.\n"), (run.Status, run.Output, run.Error));
    }

    [Theory]
    [InlineData("--recipe foo", "there is no recipe 'foo'. There are: ")]
    [InlineData("--layout asymmetric",
        "the recipe 'nupes-datafree+layout=asymmetric' does not work: a power grid is centred on zero: it has no asymmetric layout.")]
    [InlineData("--grid uniform --layout asymmetric,full",
        "the recipe 'nupes-datafree+grid=uniform+layout=asymmetric,full' does not work: the asymmetric layout can't be chosen among "
        + "others: it stores zero points.")]
    [InlineData("--grid uniform --layout offset",
        "the recipe 'nupes-datafree+grid=uniform+layout=offset' does not work: only a power grid has an exponent, an offset and a choice "
        + "of tables.")]
    [InlineData("--grid uniform --tables 4",
        "--tables: only a power grid, and none with a given layout and exponent, is more than a single table. Leave it out.")]
    [InlineData("--grid uniform --exponent 0.5",
        "--exponent: only a power grid has an exponent. Say --grid power as well, or leave it out.")]
    [InlineData("--grid uniform --exponent-bits 2",
        "--exponent-bits: only a minifloat has bits of exponent. Say --grid minifloat as well, or leave it out.")]
    [InlineData("--recipe mxfp6 --bits 4", "--bits: the grid of the recipe mxfp6 has 6. Leave it out.")]
    [InlineData("--recipe nvfp4 --group 32", "--group: the blocks of the recipe nvfp4 are of 16. Leave it out.")]
    [InlineData("--recipe ptqtp --bits 2", "--bits: the grid of the recipe ptqtp has 3. Leave it out.")]
    public void A_recipe_that_can_not_be_is_refused(string options, string message)
    {
        CommandRun run = CommandRun.Of(["quantize", SharedData.Quill, .. options.Split(' ')]);
        Assert.Equal((2, ""), (run.Status, run.Output));
        Assert.StartsWith("error: " + message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_recipes_that_there_are_are_named() =>
        Assert.Contains("nupes-datafree, ", CommandRun.Of("recipes", "nuppes").Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("quantize")]
    [InlineData("eval")]
    [InlineData("inspect")]
    [InlineData("run")]
    public void A_missing_model_is_named(string command)
    {
        string folder = _temp["nowhere"];
        Fails(1, $"{folder}: there is no such folder. Give the folder of a Hugging Face model in safetensors format, or a .gguf file.",
            command == "run" ? [command, folder, "x"] : [command, folder]);
    }

    [Fact]
    public void A_file_is_no_model() =>
        Fails(1, $"{quantized.Text}: this is a file, not a folder, and no GGUF file. Give the folder of a Hugging Face model in "
            + $"safetensors format, or a .gguf file.", "inspect", quantized.Text);

    [Fact]
    public void An_empty_folder_is_no_model() =>
        Fails(1, $"{_temp.Path}: there is no model.safetensors and no model.safetensors.index.json. Give the folder of a Hugging Face "
            + $"model in safetensors format.", "quantize", _temp.Path);

    [Fact]
    public void An_output_that_is_there_is_kept() =>
        Fails(1, $"{quantized.Folder}: the folder exists and is not empty. Name another, or allow to replace it. With --force it is "
            + $"replaced.", "quantize", SharedData.Quill, "-o", quantized.Folder);

    [Fact]
    public void What_is_no_model_is_not_replaced()
    {
        File.WriteAllText(_temp["letter.txt"], "dear");
        Fails(1, $"{_temp.Path}: this folder is no model, for it has no config.json. Name another folder, or remove it yourself. --force "
            + "replaces models alone.", "quantize", SharedData.Quill, "-o", _temp.Path, "--force");
        Assert.Equal(["letter.txt"], _temp.Names);
    }

    [Fact]
    public void The_model_itself_is_not_replaced()
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        foreach (string output in new[] { model, Path.Combine(model, "out"), _temp.Path })
            Fails(2, $"{output}: the output would lie in the model's folder, or replace it. Name another folder with -o.", "quantize",
                model, "-o", output, "--force");
        Assert.True(File.Exists(Path.Combine(model, "model.safetensors")));
    }

    [Fact]
    public void A_quantized_model_is_not_quantized_again() =>
        Fails(1, $"{Path.Combine(quantized.Folder, "config.json")}: the model is quantized already. Give the original model.", "quantize",
            quantized.Folder, "-o", _temp["out"]);

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void A_weight_that_is_not_finite_is_named_and_nothing_is_left(float bad, string name)
    {
        string model = TinyNetwork.Write(_temp["tiny"], bad: bad);
        CommandRun run = CommandRun.Of("quantize", model, "-o", _temp["out"], "--no-eval");
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.EndsWith($"error: {Path.Combine(model, "model.safetensors")}: tensor '{TinyNetwork.Bad}': the weight at row 2, column 3 "
            + $"is {name}. Repair the checkpoint, or leave this tensor as it is. The option for that is --keep.\n", run.Error,
            StringComparison.Ordinal);
        Assert.Equal(["tiny"], _temp.Names);
    }

    [Fact]
    public void A_recipe_file_is_read_strictly()
    {
        string file = _temp["mine.json"];
        Fails(1, $"{file}: the file does not exist. Check the path, or name a recipe that 'vernier recipes' lists.", "quantize",
            SharedData.Quill, "--recipe", file);
        File.WriteAllText(file, """{ "name": "mine", "colour": "red" }""");
        CommandRun run = CommandRun.Of("quantize", SharedData.Quill, "--recipe", file);
        Assert.Equal(1, run.Status);
        Assert.StartsWith($"error: {file}: the file is no recipe: ", run.Error, StringComparison.Ordinal);
        Assert.EndsWith(". Begin with one that 'vernier recipes NAME' prints.\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_that_does_not_serve_is_named()
    {
        string text = _temp["short.txt"];
        Fails(1, $"{text}: the file does not exist. Give the path of a text with --text.", "eval", SharedData.Quill, "--text", text);
        File.WriteAllText(text, "Too short.");
        Fails(1, $"{text}: the text has 4 tokens, and one window takes 256. Give a longer text, or a smaller --window.", "eval",
            SharedData.Quill, "--text", text);
        File.WriteAllBytes(text, [0xFF, 0xFE, 0x41]);
        Fails(1, $"{text}: the text is not UTF-8. Save it as UTF-8.", "eval", SharedData.Quill, "--text", text);
        Fails(2, "--window: 4096 tokens are more than the model's context of 1024.", "eval", SharedData.Quill, "--text", text, "--window",
            "4096");
        Fails(2, "--stride: it cuts a text, and there is no --text.", "eval", SharedData.Quill, "--stride", "4");
        Fails(2, "--stride: 300 is more than the window of 256 tokens. Windows would leave text out.", "eval", SharedData.Quill, "--text",
            quantized.Text, "--stride", "300");
    }

    [Fact]
    public void Models_that_can_not_be_compared_are_refused()
    {
        string tiny = TinyNetwork.Write(_temp["tiny"]);
        Fails(1, $"{tiny}: its vocabulary has 64 tokens, that of {SharedData.Quill} 4096. Compare with the model that this one was made "
            + $"from.", "eval", SharedData.Quill, "--against", tiny);
        string copy = _temp["copy"];
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.EnumerateFiles(quantized.Folder))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        File.AppendAllText(Path.Combine(copy, "tokenizer.json"), " ");
        Fails(1, $"{Path.Combine(copy, "tokenizer.json")}: it is not the same as {Path.Combine(SharedData.Quill, "tokenizer.json")}. "
            + $"Compare with the model that this one was made from.", "eval", SharedData.Quill, "--against", copy);
    }

    [Fact]
    public void An_architecture_that_does_not_run_is_named()
    {
        string model = TinyNetwork.Write(_temp["mystery"], "mystery");
        CommandRun run = CommandRun.Of("eval", model);
        Assert.Equal(1, run.Status);
        Assert.StartsWith($"error: {Path.Combine(model, "config.json")}: the architecture 'MysteryForCausalLM' can't be run.", run.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_stops_the_work_is_said_in_one_line_without_a_stack_trace()
    {
        Assert.Equal((1, "cancelled"), Boundary(new OperationCanceledException()));
        Assert.Equal((1, "the disk is full"), Boundary(new AggregateException(new IOException("the disk is full"))));
        Assert.Equal((1, "no"), Boundary(new UnauthorizedAccessException("no")));
        Assert.Equal((1, "it is wrong"), Boundary(new ArgumentException("it is wrong", "parameter")));
        Assert.Equal((1, "InvalidOperationException: odd. This is a fault of vernier; please report it with the command."),
            Boundary(new InvalidOperationException("odd.")));
        Assert.StartsWith("the memory of this machine", Boundary(new InsufficientMemoryException()).Message, StringComparison.Ordinal);
    }

    private static (int Status, string Message) Boundary(Exception e)
    {
        using var error = new StringWriter { NewLine = "\n" };
        var console = new CommandConsole(TextReader.Null, TextWriter.Null,
            Spectre.Console.AnsiConsole.Create(new() {
            Ansi = Spectre.Console.AnsiSupport.No, Out = new Spectre.Console.AnsiConsoleOutput(error) }));
        int status = ErrorBoundary.Run(console, () => throw e);
        return (status, error.ToString()["error: ".Length..^1]);
    }

    private static void Fails(int status, string message, params string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);
        Assert.Equal((status, "", $"error: {message}\n"), (run.Status, run.Output, run.Error));
    }
}
