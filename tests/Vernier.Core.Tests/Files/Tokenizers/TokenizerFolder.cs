using System.Text.Json.Nodes;
using Vernier.Files.Tokenizers;

namespace Vernier.Tests;

/// <summary>A folder with the files of a tokenizer.</summary>
internal sealed class TokenizerFolder : IDisposable
{
    private readonly TempFolder _folder = new();

    public TokenizerFolder(JsonNode tokenizer, string? config = null)
    {
        File.WriteAllText(_folder["tokenizer.json"], tokenizer.ToJsonString());
        if (config is not null)
            File.WriteAllText(_folder["tokenizer_config.json"], config);
    }

    public string Path => _folder.Path;

    public Tokenizer Load() => Tokenizer.Load(_folder.Path);

    /// <summary>Loads one of the small tokenizers.</summary>
    public static Tokenizer Load(string name)
    {
        using var folder = new TokenizerFolder(TokenizerFixtures.Create(name));
        return folder.Load();
    }

    public void Dispose() => _folder.Dispose();
}
