using System.Text;
using System.Text.Json;
using Vernier.Errors;
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

    [Fact]
    public void DamagedJsonIsParsedWholeOrRefused()
    {
        byte[] seed = [.. File.ReadAllBytes(Path.Combine(SharedData.Quill, "config.json")), .. "\n"u8];
        int parsed = 0, refused = 0;
        foreach (byte[] input in Mutation.Of(seed, 10_000, 3)
            .Concat(Mutation.Of("""{"\u00e9":["\ud83d\ude00",{"a":-1e5}]}"""u8.ToArray(), 10_000, 4)))
        {
            try
            {
                using JsonDocument json = StrictJson.Parse(input, "test.json");
                Visit(json.RootElement);
                parsed++;
            }
            catch (InvalidFileException)
            {
                refused++;
            }
        }
        Assert.InRange(parsed, 500, 19_500);
        Assert.InRange(refused, 500, 19_500);

        static int Visit(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().Sum(member => member.Name.Length + Visit(member.Value)),
            JsonValueKind.Array => element.EnumerateArray().Sum(Visit),
            JsonValueKind.String => element.GetString()!.Length,
            _ => element.GetRawText().Length,
        };
    }

    /// <summary>Half a million keys take well under a second; comparing each with each would take hours.</summary>
    [Fact]
    public void ManyKeysAreNoBurden()
    {
        byte[] text = Encoding.UTF8.GetBytes("{" + string.Join(',', Enumerable.Range(0, 500_000).Select(i => $"\"{i}\":{i}")) + "}");
        using JsonDocument document = StrictJson.Parse(text, "test.json");
        Assert.Equal(500_000, document.RootElement.EnumerateObject().Count());
    }
}
