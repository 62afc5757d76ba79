using System.Text.Json;
using Vernier.Files.Tokenizers;

namespace Vernier.Tests;

/// <summary>vernier run.</summary>
public sealed class RunTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Greedy_text_is_that_of_the_reference()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllText(Path.Combine(SharedData.Quill, "reference.json")));
        Tokenizer tokenizer = Tokenizer.Load(SharedData.Quill);
        int[] prompt = Ids(reference.RootElement.GetProperty("logits").GetProperty("input_ids")),
            continuation = Ids(reference.RootElement.GetProperty("greedy_continuation_ids"));
        CommandRun run = CommandRun.Succeeding("run", SharedData.Quill, tokenizer.Decode(prompt), "--greedy", "--max-tokens",
            continuation.Length.ToString());
        Assert.Equal((tokenizer.Decode(continuation) + "\n", ""), (run.Output, run.Error));

        static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];
    }

    [Fact]
    public void A_dash_reads_the_standard_input()
    {
        string[] options = ["--seed", "7", "--max-tokens", "8"];
        CommandRun read = CommandRun.Reading("The king said", ["run", quantized.Folder, "-", .. options]);
        Assert.Equal(CommandRun.Succeeding(["run", quantized.Folder, "The king said", .. options]).Output, read.Output);
        Assert.True(read.Output.Length > 8);
    }

    [Fact]
    public void The_result_for_programs_has_the_names_and_types_that_are_promised()
    {
        JsonElement result = CommandRun.Json("run", quantized.Folder, "The king said", "--seed", "7", "--max-tokens", "8", "--top-k", "40",
            "--top-p", "0.9", "--min-p", "0.01", "--temperature", "1.1");
        JsonSchema.Check(result,
            "model:string prompt:string text:string prompt_tokens:number tokens:number seed:number seconds:number "
            + "tokens_per_second:number peak_memory_bytes:number");
        Assert.Equal((4, 8, 7), (result.GetProperty("prompt_tokens").GetInt32(), result.GetProperty("tokens").GetInt32(),
            result.GetProperty("seed").GetInt32()));
        Assert.Equal(JsonValueKind.Null, CommandRun.Json("run", quantized.Folder, "", "--max-tokens", "0")
            .GetProperty("tokens_per_second").ValueKind);
    }

    [Fact]
    public void What_the_model_recommends_is_the_default()
    {
        string model = Copy();
        File.WriteAllText(Path.Combine(model, "generation_config.json"),
            """{ "temperature": 0, "top_k": 5, "eos_token_id": [13, 4095] }""");
        string greedy = CommandRun.Succeeding("run", quantized.Folder, "It is a truth", "--greedy", "--max-tokens", "40").Output;
        string recommended = CommandRun.Succeeding("run", model, "It is a truth", "--max-tokens", "40").Output;
        Assert.Contains(".", greedy, StringComparison.Ordinal);
        Assert.Equal(greedy[..greedy.IndexOf('.', StringComparison.Ordinal)] + "\n", recommended);
    }

    /// <summary>What it names takes the place of what config.json names, as in transformers; what is not done is said.</summary>
    [Fact]
    public void What_generation_config_names_counts()
    {
        string model = Copy(), file = Path.Combine(model, "generation_config.json");
        string[] run = ["run", model, "It is a truth", "--max-tokens", "12"];
        File.WriteAllText(file, """{ "do_sample": false, "temperature": 5, "unknown": Infinity }""");
        CommandRun greedy = CommandRun.Succeeding(run);
        Assert.Equal(CommandRun.Succeeding([.. run, "--greedy"]).Output, greedy.Output);
        Assert.Equal("", greedy.Error);
        foreach ((string name, double? neutral) in Vernier.Cli.Commands.GenerationDefaults.Neutral)
        {
            string value = neutral is double number ? $"{number + 1}" : "[[5]]";
            File.WriteAllText(file, $$"""{ "{{name}}": {{value}} }""");
            Assert.Equal([$"{name} {value}"], Vernier.Cli.Commands.GenerationDefaults.Load(model, 4096).NotDone);
            File.WriteAllText(file, $$"""{ "{{name}}": {{(neutral is double same ? $"{same}" : "null")}} }""");
            Assert.Empty(Vernier.Cli.Commands.GenerationDefaults.Load(model, 4096).NotDone);
        }
        File.WriteAllText(file, """{ "do_sample": false, "repetition_penalty": 1.1 }""");
        Assert.Equal("generation_config.json asks for what is not done: repetition_penalty 1.1\n", CommandRun.Succeeding(run).Error);
    }

    [Theory]
    [InlineData("[]", "the file is not a JSON object")]
    [InlineData("""{ "temperature": -1 }""", "'temperature' is not a number from 0 to 100")]
    [InlineData("""{ "top_p": "all" }""", "'top_p' is not a number from 0 to 1")]
    [InlineData("""{ "eos_token_id": ["."] }""", "'eos_token_id' is not a token from 0 to 4095, or a list of such")]
    [InlineData("""{ "eos_token_id": [1, 4096] }""", "'eos_token_id' is not a token from 0 to 4095, or a list of such")]
    [InlineData("""{ "bos_token_id": -1 }""", "'bos_token_id' is not a token from 0 to 4095, or a list of such")]
    [InlineData("""{ "temperature": NaN }""", "'temperature' is not a number from 0 to 100")]
    public void A_malformed_recommendation_is_named(string text, string problem)
    {
        string model = Copy(), file = Path.Combine(model, "generation_config.json");
        File.WriteAllText(file, text);
        CommandRun run = CommandRun.Of("run", model, "Hello");
        Assert.Equal((1, $"error: {file}: {problem}. Correct the file, or remove it.\n"), (run.Status, run.Error));
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Equal((2, "error: --greedy and --temperature: say one of them.\n"),
            Failure("run", SharedData.Quill, "x", "--greedy", "--temperature", "1"));
        string prompt = string.Concat(Enumerable.Repeat(" the king", 600));
        Assert.Equal((2, "error: the prompt has 1201 tokens, more than the model's context of 1024. Shorten it.\n"),
            Failure("run", SharedData.Quill, prompt));
        string tiny = TinyNetwork.Write(_temp["tiny"]);
        Assert.Equal((1, $"error: {tiny}: there is no tokenizer.json. Give the folder of a Hugging Face model that has one.\n"),
            Failure("run", tiny, "x"));

        static (int, string) Failure(params string[] arguments) => (CommandRun.Of(arguments).Status, CommandRun.Of(arguments).Error);
    }

    private string Copy()
    {
        string copy = _temp["copy"];
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.EnumerateFiles(quantized.Folder))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }
}
