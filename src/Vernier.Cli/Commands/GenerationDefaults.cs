using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Cli.Commands;

/// <summary>What generation_config.json recommends for a model; null and empty where it says nothing.</summary>
/// <param name="Temperature">The temperature.</param>
/// <param name="TopK">Top-k.</param>
/// <param name="TopP">Top-p.</param>
/// <param name="MinP">Min-p.</param>
/// <param name="EndTokens">Tokens that end a text; a chat model often has more of them here than in config.json.</param>
internal sealed record GenerationDefaults(double? Temperature, int? TopK, double? TopP, double? MinP, IReadOnlyList<int> EndTokens)
{
    private const long MaxFileBytes = 1 << 20;

    /// <summary>Reads the file in a model's folder, if it is there.</summary>
    /// <exception cref="InvalidFileException">The file is no JSON object, or a value lies outside its range.</exception>
    public static GenerationDefaults Load(string folder)
    {
        string path = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(path))
            return new GenerationDefaults(null, null, null, null, []);
        using JsonDocument document = StrictJson.ParseSettings(path, MaxFileBytes);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
            throw Invalid("the file is not a JSON object");
        return new GenerationDefaults(Number("temperature", 0, 100), (int?)Number("top_k", 0, int.MaxValue), Number("top_p", 0, 1),
            Number("min_p", 0, 1), [.. Ends()]);

        double? Number(string name, double least, double most)
        {
            if (!root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
                return null;
            return value.ValueKind == JsonValueKind.Number && value.GetDouble() is double number && number >= least && number <= most
                ? number
                : throw Invalid($"'{name}' is not a number from {least} to {most}");
        }

        IEnumerable<int> Ends()
        {
            if (!root.TryGetProperty("eos_token_id", out JsonElement value) || value.ValueKind == JsonValueKind.Null)
                return [];
            JsonElement[] tokens = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
            return tokens.Select(token => token.ValueKind == JsonValueKind.Number && token.TryGetInt32(out int id) ? id
                : throw Invalid("'eos_token_id' is not a token or a list of tokens"));
        }

        InvalidFileException Invalid(string problem) => new(path, "generation-config", problem, "Correct the file, or remove it");
    }
}
