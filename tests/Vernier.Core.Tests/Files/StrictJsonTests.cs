using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Vernier.Files;

namespace Vernier.Tests;

public class StrictJsonTests
{
    [Theory]
    [InlineData("null")]
    [InlineData(" {\"a\": [1, -2.5e3, true, false, null, \"\"], \"b\": {}}\r\n\t")]
    [InlineData("\"\\ud83d\\ude00\"")]
    [InlineData("{\"a\":1,\"A\":2,\"b\":{\"a\":3}}")]
    public void JsonIsParsed(string text)
    {
        using JsonDocument actual = StrictJson.Parse(Encoding.UTF8.GetBytes(text), "test.json");
        using JsonDocument expected = JsonDocument.Parse(text);
        Assert.True(JsonElement.DeepEquals(expected.RootElement, actual.RootElement));
    }

    [Fact]
    public void SixtyFourLevelsAreParsed() =>
        StrictJson.Parse(Encoding.UTF8.GetBytes(new string('[', 64) + new string(']', 64)), "test.json").Dispose();

    [Fact]
    public void AFileOfTheLargestSizeIsParsed()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["x.json"], "[1,2,3]");
        using JsonDocument json = StrictJson.Parse(folder["x.json"], 7);
        Assert.Equal(3, json.RootElement.GetArrayLength());
    }

    [Fact]
    public void TheFilesOfTheSampleAreParsed()
    {
        foreach (string path in Directory.EnumerateFiles(SharedData.Quill, "*.json"))
            StrictJson.Parse(path, 1_000_000).Dispose();
    }

    /// <summary>Half a million keys take well under a second; comparing each with each would take hours.</summary>
    [Fact]
    public void ManyKeysAreNoBurden()
    {
        byte[] text = Encoding.UTF8.GetBytes("{" + string.Join(',', Enumerable.Range(0, 500_000).Select(i => $"\"{i}\":{i}")) + "}");
        long start = Stopwatch.GetTimestamp();
        StrictJson.Parse(text, "test.json").Dispose();
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 20);
    }
}
