using Vernier.Cli.Commands;

namespace Vernier.Tests;

/// <summary>The help texts, and that what they show works.</summary>
public class HelpTests(QuantizedQuill quantized)
{
    [Theory]
    [InlineData("vernier")]
    [InlineData("quantize")]
    [InlineData("eval")]
    [InlineData("compare")]
    [InlineData("run")]
    [InlineData("export")]
    [InlineData("bench")]
    [InlineData("inspect")]
    [InlineData("recipes")]
    public void Help_is_as_in_the_snapshot(string command)
    {
        CommandRun run = command == "vernier" ? CommandRun.Succeeding("--help") : CommandRun.Succeeding(command, "-h");
        Assert.Empty(run.Error);
        Snapshot.Matches("help-" + command, run.Output);
    }

    [Fact]
    public void Without_a_command_there_is_help_and_the_status_of_a_wrong_command()
    {
        CommandRun run = CommandRun.Of();
        Assert.Equal((2, CommandRun.Of("--help").Output), (run.Status, run.Output));
    }

    [Fact]
    public void The_version_is_that_of_the_build() =>
        Assert.Matches(@"^vernier \d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?\n$", CommandRun.Succeeding("--version").Output);

    [Theory]
    [InlineData("vernier")]
    [InlineData("quantize")]
    [InlineData("eval")]
    [InlineData("compare")]
    [InlineData("run")]
    [InlineData("export")]
    [InlineData("bench")]
    [InlineData("inspect")]
    [InlineData("recipes")]
    public void Examples_work(string command)
    {
        Assert.NotEmpty(Examples.Of(command));
        foreach (string example in Examples.Of(command))
        {
            string[] words = [.. Words(example).Skip(1).TakeWhile(word => word is not (">" or "<")).Select(Place)];
            string[] shorter = words[0] switch
            {
                "quantize" => words.Contains("--dry-run") ? [] : ["--dry-run"],
                "eval" => ["--windows", "2"],
                "export" => ["--force"],
                "run" => words.Contains("--max-tokens") ? [] : ["--max-tokens", "3"],
                _ => [],
            };
            CommandRun run = CommandRun.Reading("Once", [.. words, .. shorter]);
            Assert.True(run.Status == 0, $"{example}: {run.Error}");
            Assert.NotEmpty(run.Output);
        }
    }

    private string Place(string word) => word switch
    {
        "models/quill-6m" => SharedData.Quill,
        "quill-3bit" or "quill-4bit" => quantized.Folder,
        "wiki.txt" => quantized.Text,
        _ when word.StartsWith("quill", StringComparison.Ordinal) => Path.Combine(Path.GetDirectoryName(quantized.Folder)!, word),
        _ => word,
    };

    // Words between blanks; every second piece between quotation marks is one word.
    private static IEnumerable<string> Words(string line) =>
        line.Split('"').SelectMany((piece, i) => i % 2 == 1 ? [piece] : piece.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
