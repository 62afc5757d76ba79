using System.Text;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Inference.Configuration;

namespace Vernier.Tests.Configuration;

/// <summary>Values of a configuration file: what is read, what stands for what is not there, and what is refused.</summary>
public class ConfigObjectTests
{
    private const string File = """
        {"model_type": "llama", "whole": 7, "half": 1.5, "yes": true, "no": false, "text": "abc", "none": null, "inner": {"whole": 8},
        "list": [3, 1, 2], "mixed": [1, "2"], "halves": [0.5, 2.5]}
        """;

    private static readonly ConfigObject s_root = Of(File);

    [Fact]
    public void WhatIsThereIsRead()
    {
        Assert.Equal((7, 1.5, 7.0), (s_root.Integer("whole", 0, 10), s_root.Number("half", 0, 10), s_root.Number("whole", 0, 10)));
        Assert.Equal((true, false), (s_root.Flag("yes", false), s_root.Flag("no", true)));
        Assert.Equal(("abc", "llama"), (s_root.Text("text"), s_root.ModelType));
        ConfigObject inner = s_root.Object("inner")!.Value;
        Assert.Equal((8, "some/config.json"), (inner.Integer("whole", 0, 10), inner.Path));
        Assert.Equal([3, 1, 2], s_root.Integers("list", 1, 3));
        Assert.Equal([7], s_root.Integers("whole", 1, 7));
        Assert.Equal([0.5, 2.5], s_root.Numbers("halves", 2, 0, 2.5)!);
        Assert.Equal("[3, 1, 2]", s_root.Array("list", 3)!.Value.GetRawText());
    }

    [Theory]
    [InlineData("none")]
    [InlineData("absent")]
    public void NullCountsAsAbsent(string name)
    {
        Assert.False(s_root.Has(name));
        Assert.Equal(name == "none", s_root.Mentions(name));
        Assert.Equal((-1, 0.25), (s_root.Integer(name, 0, 10, -1), s_root.Number(name, 0, 10, 0.25)));
        Assert.True(s_root.Flag(name, true));
        Assert.False(s_root.Flag(name, false));
        Assert.Null(s_root.Text(name));
        Assert.Null(s_root.Object(name));
        Assert.Null(s_root.Array(name, 3));
        Assert.Null(s_root.Numbers(name, 3, 0, 1));
        Assert.Empty(s_root.Integers(name, 0, 1));
        Refused(ModelRules.ConfigMissing, $"'{name}' is missing", () => s_root.Integer(name, 0, 10));
        Refused(ModelRules.ConfigMissing, $"'{name}' is missing", () => s_root.Number(name, 0, 10));
    }

    [Fact]
    public void AWholeNumberMayBeAsLargeAsBothBounds()
    {
        Assert.Equal(7, s_root.Integer("whole", 7, 7));
        Refused(ModelRules.ConfigRange, "'whole' is '7', not an integer from 8 to 9", () => s_root.Integer("whole", 8, 9));
        Refused(ModelRules.ConfigRange, "'whole' is '7', not an integer from 0 to 6", () => s_root.Integer("whole", 0, 6));
        Refused(ModelRules.ConfigRange, "'half' is '1.5', not an integer from 0 to 6", () => s_root.Integer("half", 0, 6));
    }

    [Fact]
    public void ANumberLiesAboveItsLowerBound()
    {
        Assert.Equal(1.5, s_root.Number("half", 1.4999, 1.5));
        Refused(ModelRules.ConfigRange, "'half' is '1.5', not a number above 1.5 and at most 2", () => s_root.Number("half", 1.5, 2));
        Refused(ModelRules.ConfigRange, "'half' is '1.5', not a number above 0 and at most 1.4", () => s_root.Number("half", 0, 1.4));
        Refused(ModelRules.ConfigRange, "'halves' is '2.5', not a number above 0 and at most 2", () => s_root.Numbers("halves", 2, 0, 2));
        Refused(ModelRules.ConfigRange, "'list' is '3', not an integer from 1 to 2", () => s_root.Integers("list", 1, 2));
    }

    [Fact]
    public void AValueOfAnotherTypeIsNamed()
    {
        Refused(ModelRules.ConfigType, "'text' is not an integer", () => s_root.Integer("text", 0, 10));
        Refused(ModelRules.ConfigType, "'yes' is not a number", () => s_root.Number("yes", 0, 10));
        Refused(ModelRules.ConfigType, "'whole' is not true or false", () => s_root.Flag("whole", true));
        Refused(ModelRules.ConfigType, "'whole' is not a string", () => s_root.Text("whole"));
        Refused(ModelRules.ConfigType, "'list' is not an object", () => s_root.Object("list"));
        Refused(ModelRules.ConfigType, "'inner' is not an array", () => s_root.Array("inner", 1));
        Refused(ModelRules.ConfigType, "'mixed' is not an integer", () => s_root.Integers("mixed", 0, 10));
        Refused(ModelRules.ConfigType, "'mixed' is not a number", () => s_root.Numbers("mixed", 2, 0, 10));
        Refused(ModelRules.ConfigType, "the file is not a JSON object", () => Of("[1]"));
    }

    [Fact]
    public void AListHasItsLength()
    {
        Refused(ModelRules.ConfigLength, "'list' has 3 entries where 2 are needed", () => s_root.Array("list", 2));
        Refused(ModelRules.ConfigLength, "'halves' has 2 entries where 3 are needed", () => s_root.Numbers("halves", 3, 0, 10));
        Assert.Equal(1024, Of($$"""{"ids": [{{Ones(1024)}}]}""").Integers("ids", 0, 1).Length);
        Refused(ModelRules.ConfigLength, "'ids' has 1025 entries, more than 1024",
            () => Of($$"""{"ids": [{{Ones(1025)}}]}""").Integers("ids", 0, 1));

        static string Ones(int count) => string.Join(", ", Enumerable.Repeat("1", count));
    }

    [Fact]
    public void WhatIsQuotedIsOneShortLine()
    {
        Assert.Equal("'a?b?c'", ConfigObject.Quote("a\nb\tc"));
        Assert.Equal($"'{new string('x', 60)}'", ConfigObject.Quote(new string('x', 60)));
        Assert.Equal($"'{new string('x', 60)}...'", ConfigObject.Quote(new string('x', 61)));
    }

    [Fact]
    public void ErrorsNameTheFile()
    {
        InvalidFileException error = s_root.Error(ModelRules.ConfigRope, "it is odd");
        Assert.Equal(("some/config.json", ModelRules.ConfigRope, "it is odd"), (error.File, error.Rule, error.Problem));
        UnsupportedModelException unsupported = s_root.Unsupported(ModelRules.ConfigActivation, "it is new", "Take another");
        Assert.Equal(("some/config.json", ModelRules.ConfigActivation), (unsupported.File, unsupported.Rule));
        Assert.Equal("Take another", unsupported.Remedy);
        Assert.Equal("", Of("""{"model_type": 3}""").ModelType);
        Assert.Equal("", Of("{}").ModelType);
    }

    private static ConfigObject Of(string json)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetBytes(json));
        return ConfigObject.Of(document.RootElement.Clone(), "some/config.json");
    }

    private static void Refused(string rule, string problem, Func<object?> read)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => read());
        Assert.Equal((rule, problem, "some/config.json"), (error.Rule, error.Problem, error.File));
    }
}
