using System.Text;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Tests;

/// <summary>Where JSON breaks a rule, and what is said of files that are not even read.</summary>
public class StrictJsonMessageTests
{
    [Theory]
    [InlineData("{\"a\":1,\n \"b\":}", FileRules.JsonInvalid, "the text is not JSON (line 2, byte 6)")]
    [InlineData("{\"a\":{\"b\":[1,\n NaN]}}", FileRules.JsonNotFinite, "'a.b[1]' is NaN, which is no number of JSON (line 2, byte 2)")]
    [InlineData("[Infinity]", FileRules.JsonNotFinite, "'[0]' is Infinity, which is no number of JSON (line 1, byte 2)")]
    [InlineData("-Infinity", FileRules.JsonNotFinite, "the value is -Infinity, which is no number of JSON (line 1, byte 2)")]
    [InlineData("{NaN:1}", FileRules.JsonInvalid, "the text is not JSON (line 1, byte 2)")]
    [InlineData("[NaN NaN]", FileRules.JsonInvalid, "the text is not JSON (line 1, byte 2)")]
    [InlineData("[NaN,]", FileRules.JsonInvalid, "the text is not JSON (line 1, byte 2)")]
    [InlineData("[-NaN]", FileRules.JsonInvalid, "the text is not JSON (line 1, byte 3)")]
    [InlineData("[1 2]", FileRules.JsonInvalid, "the text is not JSON (line 1, byte 4)")]
    [InlineData("[01]", FileRules.JsonInvalid, "the text is not JSON (line 1, byte 3)")]
    [InlineData("[\"\\ud800\"]", FileRules.JsonInvalid, "the string at byte 1 is not Unicode: it has half of a surrogate pair")]
    [InlineData("[1,\"\\udc00\\ud800\"]", FileRules.JsonInvalid, "the string at byte 3 is not Unicode: it has half of a surrogate pair")]
    [InlineData("{\"a\":{\"b\":1,\"b\":2}}", FileRules.JsonDuplicateKey, "an object has two members of the same name")]
    [InlineData("\uFEFF{}", FileRules.JsonNotUtf8, "the text begins with a byte order mark")]
    public void TheBrokenRuleAndItsPlaceAreSaid(string text, string rule, string problem)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => StrictJson.Parse(Encoding.UTF8.GetBytes(text), "x.json"));
        Assert.Equal((rule, "x.json"), (error.Rule, error.File));
        Assert.StartsWith(problem, error.Problem, StringComparison.Ordinal);
        Assert.Null(error.Tensor);
    }

    /// <summary>In settings they are passed over where nobody asks, and are written as they were.</summary>
    [Theory]
    [InlineData("{\"a\": NaN, \"b\": [Infinity,-Infinity ], \"NaN\": \"Infinity, NaN\", \"q\": \"\\\"NaN,\"}")]
    [InlineData("[1, 2]")]
    [InlineData("-Infinity")]
    public void NumbersThatJsonLacksComeBack(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        using JsonDocument json = StrictJson.ParseSettings(utf8, "x");
        Assert.Equal(text, Encoding.UTF8.GetString(BareNumbers.Restore(BareNumbers.Hide(utf8).Span)));
        if (json.RootElement.ValueKind != JsonValueKind.Object)
            return;
        Assert.Equal("NaN", BareNumbers.NameOf(json.RootElement.GetProperty("a")));
        Assert.Equal(["Infinity", "-Infinity"], json.RootElement.GetProperty("b").EnumerateArray().Select(BareNumbers.NameOf));
        Assert.Null(BareNumbers.NameOf(json.RootElement.GetProperty("NaN")));
        Assert.Equal("\"NaN,", json.RootElement.GetProperty("q").GetString());
    }

    [Theory]
    [InlineData(0xC0, 0xAF)]
    [InlineData(0xED, 0xA0)]
    [InlineData(0xFF, 0x20)]
    [InlineData(0xF5, 0x80)]
    public void BytesThatAreNoUtf8AreRefusedEvenInStrings(byte first, byte second)
    {
        byte[] text = [(byte)'"', first, second, (byte)'"'];
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => StrictJson.Parse(text, "x.json"));
        Assert.Equal((FileRules.JsonNotUtf8, "the text is not UTF-8"), (error.Rule, error.Problem));
    }

    [Fact]
    public void DepthIsCountedAcrossArraysAndObjects()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"a\":[", 32)), end = string.Concat(Enumerable.Repeat("]}", 32));
        StrictJson.Parse(Encoding.UTF8.GetBytes(deep + "1" + end), "x").Dispose();
        byte[] more = Encoding.UTF8.GetBytes(deep + "{}" + end);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => StrictJson.Parse(more, "x"));
        Assert.Equal(FileRules.JsonTooDeep, error.Rule);
        Assert.Equal($"arrays and objects are nested deeper than 64 levels, at byte {deep.Length}", error.Problem);
        // Depth counts before what follows is even looked at, siblings do not count.
        StrictJson.Parse(Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Repeat("[[]]", 500)) + "]"), "x").Dispose();
    }

    [Fact]
    public void NumbersAndStringsKeepWhatTheySay()
    {
        const string Text = """{"big":9223372036854775807,"tiny":1e-400,"text":"\u0000\u00e9\ud83d\ude00\/","":-0}""";
        using JsonDocument json = StrictJson.Parse(Encoding.UTF8.GetBytes(Text), "x");
        JsonElement root = json.RootElement;
        Assert.Equal(long.MaxValue, root.GetProperty("big").GetInt64());
        Assert.Equal(0, root.GetProperty("tiny").GetDouble());
        Assert.Equal("\0é😀/", root.GetProperty("text").GetString());
        Assert.Equal("-0", root.GetProperty("").GetRawText());
    }

    [Fact]
    public void FilesAreRefusedBeforeTheyAreRead()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["long.json"], "[1,2,3]");
        File.WriteAllText(folder["empty.json"], "");
        Refused(folder["long.json"], 6, FileRules.FileTooLarge, "the file is 7 bytes long, and at most 6 are read");
        Refused(folder["long.json"], 0, FileRules.FileTooLarge, "the file is 7 bytes long, and at most 0 are read");
        Refused(folder["empty.json"], 10, FileRules.FileEmpty, "the file is empty");
        Refused(folder["none.json"], 10, FileRules.FileMissing, "the file does not exist");
        Refused(folder.Path, 10, FileRules.FileUnreadable, "this is a folder, not a file");
        Refused(Path.Combine(folder["long.json"], "x"), 10, FileRules.FileMissing, "the file does not exist");
        Refusal.Of<ArgumentOutOfRangeException>("maxBytes", () => StrictJson.Parse(folder["long.json"], -1));
        using JsonDocument json = StrictJson.Parse(folder["long.json"], long.MaxValue);
        Assert.Equal(3, json.RootElement.GetArrayLength());
    }

    private static void Refused(string path, long most, string rule, string problem)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => StrictJson.Parse(path, most));
        Assert.Equal((path, rule, problem), (error.File, error.Rule, error.Problem));
    }
}
