using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Cli.Commands;

/// <summary>What generation_config.json recommends for a model; null and empty where it says nothing.</summary>
/// <param name="Temperature">The temperature.</param>
/// <param name="TopK">Top-k.</param>
/// <param name="TopP">Top-p.</param>
/// <param name="MinP">Min-p.</param>
/// <param name="EndTokens">Tokens that end a text, in place of those of config.json; a chat model often has more of them here.</param>
/// <param name="BeginToken">The token that an empty prompt becomes, in place of that of config.json.</param>
/// <param name="NotDone">What it asks for beside, and is not done.</param>
internal sealed record GenerationDefaults(double? Temperature, int? TopK, double? TopP, double? MinP, IReadOnlyList<int> EndTokens,
    int? BeginToken, IReadOnlyList<string> NotDone)
{
    // What would change what is generated, and the value with which it does not; null alone where there is none.
    private static readonly Dictionary<string, double?> s_neutral = new(StringComparer.Ordinal)
    {
        ["repetition_penalty"] = 1, ["encoder_repetition_penalty"] = 1, ["typical_p"] = 1, ["guidance_scale"] = 1, ["num_beams"] = 1,
        ["num_beam_groups"] = 1, ["top_h"] = 1, ["no_repeat_ngram_size"] = 0, ["encoder_no_repeat_ngram_size"] = 0, ["epsilon_cutoff"] = 0,
        ["eta_cutoff"] = 0, ["penalty_alpha"] = 0, ["min_length"] = 0, ["min_new_tokens"] = 0, ["diversity_penalty"] = 0,
        ["suppress_tokens"] = null, ["begin_suppress_tokens"] = null, ["bad_words_ids"] = null, ["force_words_ids"] = null,
        ["forced_bos_token_id"] = null, ["forced_eos_token_id"] = null, ["sequence_bias"] = null, ["constraints"] = null,
        ["exponential_decay_length_penalty"] = null, ["stop_strings"] = null, ["watermarking_config"] = null, ["dola_layers"] = null,
    };

    /// <summary>The members that are said where they ask for something.</summary>
    internal static IReadOnlyDictionary<string, double?> Neutral => s_neutral;

    private const long MaxFileBytes = 1 << 20;

    /// <summary>Reads the file in a model's folder, if it is there.</summary>
    /// <exception cref="InvalidFileException">The file is no JSON object, or a value lies outside its range.</exception>
    /// <param name="folder">The folder.</param>
    /// <param name="vocabulary">The number of tokens of the model.</param>
    public static GenerationDefaults Load(string folder, int vocabulary)
    {
        string path = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(path))
            return new GenerationDefaults(null, null, null, null, [], null, []);
        using JsonDocument document = StrictJson.ParseSettings(path, MaxFileBytes);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
            throw Invalid("the file is not a JSON object");
        // It asks for the most likely token: no temperature counts.
        bool greedy = root.TryGetProperty("do_sample", out JsonElement sample) && sample.ValueKind == JsonValueKind.False;
        return new GenerationDefaults(greedy ? 0 : Number("temperature", 0, 100), (int?)Number("top_k", 0, int.MaxValue),
            Number("top_p", 0, 1),
            Number("min_p", 0, 1), [.. Tokens("eos_token_id")], Tokens("bos_token_id").Select(id => (int?)id).FirstOrDefault(),
                [.. NotDoneIn(root)]);

        double? Number(string name, double least, double most)
        {
            if (!root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
                return null;
            return value.ValueKind == JsonValueKind.Number && value.GetDouble() is double number && number >= least && number <= most
                ? number
                : throw Invalid($"'{name}' is not a number from {least} to {most}");
        }

        IEnumerable<int> Tokens(string name)
        {
            if (!root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
                return [];
            JsonElement[] tokens = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
            return tokens.Select(token => token.ValueKind == JsonValueKind.Number && token.TryGetInt32(out int id) && id >= 0
                && id < vocabulary ? id : throw Invalid($"'{name}' is not a token from 0 to {vocabulary - 1}, or a list of such"));
        }

        InvalidFileException Invalid(string problem) => new(path, "generation-config", problem, "Correct the file, or remove it");
    }

    private static IEnumerable<string> NotDoneIn(JsonElement root) => root.EnumerateObject()
        .Where(member => s_neutral.TryGetValue(member.Name, out double? neutral) && member.Value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.False => false,
            JsonValueKind.Array => member.Value.GetArrayLength() > 0,
            JsonValueKind.Number => member.Value.GetDouble() != neutral,
            _ => true,
        }).Select(member => $"{member.Name} {member.Value.GetRawText()}");
}
