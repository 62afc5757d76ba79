using System.Text.Json;

namespace Vernier.Inference.Configuration;

/// <summary>How the config.json of a family names what others name otherwise, and what holds where it says nothing.</summary>
/// <param name="defaults">An object in JSON: what stands for members that the file does not mention.</param>
/// <param name="aliases">The name in the file for the name that is asked for.</param>
public sealed class FamilyKeys(string defaults = "{}", params IReadOnlyList<(string Asked, string InFile)> aliases)
{
    private readonly Dictionary<string, string> _aliases = aliases.ToDictionary(alias => alias.Asked, alias => alias.InFile,
        StringComparer.Ordinal);

    /// <summary>What stands for members that the file does not mention.</summary>
    public JsonElement Defaults { get; } = JsonElement.Parse(defaults);

    /// <summary>The name in the file.</summary>
    public string InFile(string asked) => _aliases.GetValueOrDefault(asked, asked);
}
