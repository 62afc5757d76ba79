using System.Text.Json;
using Vernier.Errors;
using Vernier.Files.Tokenizers.AddedTokens;
using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.PreTokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers;

/// <summary>
/// What the files beside tokenizer.json say of token ids, resolved as transformers does: tokenizer_config.json, and where that lists no
/// <c>added_tokens_decoder</c>, the older special_tokens_map.json and added_tokens.json.
/// </summary>
/// <param name="Config">tokenizer_config.json, if there is one.</param>
/// <param name="Map">special_tokens_map.json, if there is one.</param>
/// <param name="Added">added_tokens.json, if there is one.</param>
internal sealed record TokenizerSettings(JsonField? Config, JsonField? Map = null, JsonField? Added = null)
{
    private const string Decoder = "added_tokens_decoder", Additional = "additional_special_tokens";

    private static readonly string[] s_special =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    // Classes that put the tokens around a text by their own flags, whatever the template says.
    private static readonly string[] s_ownTemplates = ["Llama", "CodeLlama", "Gemma"];

    // What changes token ids, and is not done here.
    private static readonly string[] s_refused = ["split_special_tokens", "from_slow", "fix_mistral_regex"];

    private static readonly HashSet<string> s_harmless = new("""
        add_bos_token add_dummy_prefix_space add_eos_token add_prefix_space added_tokens_decoder additional_special_tokens auto_map backend
        chat_template clean_up_tokenization_spaces do_lower_case errors extra_special_tokens init_inputs is_local legacy max_length
        merges_file model_input_names model_max_length model_specific_special_tokens name_or_path pad_to_multiple_of pad_token_type_id
        padding padding_side processor_class response_schema return_token_type_ids sp_model_kwargs spaces_between_special_tokens
        special_tokens_map_file stride strip_accents tokenize_chinese_chars tokenizer_class tokenizer_file trim_offsets truncation
        truncation_side truncation_strategy use_default_system_prompt use_fast verbose vocab_file
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    /// <summary>The settings that are refused unless they are off, and those that may have any value.</summary>
    internal static (IReadOnlyCollection<string> Refused, IReadOnlyCollection<string> Harmless) Names => (s_refused, s_harmless);

    private bool IsCurrent => Config?.Find(Decoder) is not null;

    /// <summary>Refuses what changes token ids and is not done.</summary>
    /// <returns>The members of which nothing is known.</returns>
    public IReadOnlyList<string> Check()
    {
        if (Config is not { } config)
            return [];
        foreach (string name in s_refused)
        {
            if (config.Flag(name))
                throw config.Error(TokenizerRules.UnsupportedSetting, $"'{name}' is true, which changes token ids and is not done here",
                    $"Set {name} to false, if the model was trained so, or use a model with another tokenizer");
        }
        return [.. config.Element.EnumerateObject().Select(member => member.Name).Where(name => !s_harmless.Contains(name)
            && !s_refused.Contains(name) && !name.EndsWith("_token", StringComparison.Ordinal))];
    }

    /// <summary>The member that names a special token, or null.</summary>
    public JsonField? Special(string name) => (IsCurrent ? null : Map?.Find(name)) ?? Config?.Find(name);

    /// <summary>The id of a special token, or null where none is named.</summary>
    public int? SpecialId(string name, Vocabulary vocabulary)
    {
        if (Special(name) is not { } field)
            return null;
        string token = TextOf(field);
        return vocabulary.TryGetId(token, out int id) ? id
            : throw field.Error(TokenizerRules.UnknownSpecialToken, $"the token '{token}' isn't in the vocabulary",
                $"Name a token of tokenizer.json as {name}");
    }

    /// <summary>Whether the flags for the first and the last token count, and the template does not.</summary>
    public static bool FlagsCount(string? tokenizerClass) => tokenizerClass is not null && Array.Exists(s_ownTemplates, name =>
        tokenizerClass == name + "Tokenizer" || tokenizerClass == name + "TokenizerFast");

    /// <summary>The tokens around a text.</summary>
    /// <param name="template">The post-processor's, or null.</param>
    /// <param name="bos">The token that begins a text, if one is named.</param>
    /// <param name="eos">The token that ends it, if one is named.</param>
    public SpecialTokenTemplate Template(SpecialTokenTemplate? template, int? bos, int? eos)
    {
        bool own = FlagsCount(Config?.Find("tokenizer_class")?.AsString());
        return !own && template is not null ? template
            : new SpecialTokenTemplate(Ids("add_bos_token", "bos_token", bos, own && bos is not null),
                Ids("add_eos_token", "eos_token", eos, false));
    }

    /// <summary>The pre-tokenizers with what <c>add_prefix_space</c> changes in them.</summary>
    /// <param name="parts">The pre-tokenizers.</param>
    /// <param name="root">tokenizer.json.</param>
    /// <exception cref="InvalidFileException">It contradicts tokenizer.json.</exception>
    public IReadOnlyList<IPreTokenizer> WithPrefixSpace(IReadOnlyList<IPreTokenizer> parts, JsonField root)
    {
        if (Config?.Find("add_prefix_space") is not { } field)
            return parts;
        bool wanted = field.AsBoolean();
        // Of a sequence the library leaves the parts as they are.
        if (parts is [ByteLevel level] && root.Get("pre_tokenizer").Get("type").AsString() == "ByteLevel")
            return [level with { AddPrefixSpace = wanted }];
        string normalizer = root.Find("normalizer")?.Element.GetRawText() ?? "";
        bool? adds = parts is [Metaspace metaspace] ? metaspace.Scheme != PrependScheme.Never
            : normalizer.Contains("\"Prepend\"", StringComparison.Ordinal) ? true
            : normalizer.Contains("\"Replace\"", StringComparison.Ordinal) && parts.Count == 0 ? false : null;
        return adds is null || adds == wanted ? parts
            : throw field.Error(TokenizerRules.Contradiction, $"add_prefix_space is {(wanted ? "true" : "false")}, and tokenizer.json "
                + $"{(wanted ? "adds no" : "adds a")} space before a text", "Give the files that belong together, or leave the member out");
    }

    /// <summary>The added tokens with what the other files say of them.</summary>
    /// <exception cref="InvalidFileException">They give a token another id.</exception>
    public List<AddedToken> With(List<AddedToken> tokens, Vocabulary vocabulary)
    {
        Dictionary<string, AddedToken> all = tokens.ToDictionary(token => token.Content, StringComparer.Ordinal);
        if (Config?.Find(Decoder) is { } decoder)
        {
            foreach (JsonProperty entry in Members(decoder, entry => entry.Name))
            {
                var token = new JsonField(entry.Value, decoder.File, $"{decoder.Path}.{entry.Name}");
                AddedToken added = Described(token, Known(token, TextOf(token), entry.Name, vocabulary), token.Flag("special"));
                all[added.Content] = added;
            }
        }
        else if (Added is { } older)
        {
            foreach (JsonProperty entry in Members(older, entry => entry.Value.GetRawText()))
            {
                int id = Known(older, entry.Name, entry.Value.GetRawText(), vocabulary);
                all.TryAdd(entry.Name, new AddedToken(id, entry.Name, false, true, false, false, false));
            }
        }
        foreach (JsonField field in s_special.Select(Special).OfType<JsonField>().Concat(Special(Additional)?.Items() ?? []))
        {
            string text = TextOf(field);
            if (!vocabulary.TryGetId(text, out int id))
                continue;
            if (!all.TryGetValue(text, out AddedToken? known))
                all[text] = Described(field, id, special: true);
            else if (!known.Special && tokens.All(token => token.Content != text))
                all[text] = known with { Special = true, Normalized = false };
        }
        return [.. all.Values];
    }

    // In the order of their ids: one that tokenizer.json lacks gets the next.
    private static IEnumerable<JsonProperty> Members(JsonField field, Func<JsonProperty, string> id) =>
        field.Element.ValueKind == JsonValueKind.Object
            ? field.Element.EnumerateObject().OrderBy(entry => int.TryParse(id(entry), out int number) ? number : int.MaxValue)
            : throw field.Wrong("an object");

    private static string TextOf(JsonField field) =>
        (field.Element.ValueKind == JsonValueKind.Object ? field.Get("content") : field).AsString();

    private static AddedToken Described(JsonField field, int id, bool special) => field.Element.ValueKind == JsonValueKind.Object
        ? new AddedToken(id, TextOf(field), special, field.Flag("normalized", missing: !special), field.Flag("single_word"),
            field.Flag("lstrip"), field.Flag("rstrip"))
        : new AddedToken(id, TextOf(field), special, false, false, false, false);

    private static int Known(JsonField field, string text, string id, Vocabulary vocabulary) =>
        vocabulary.TryGetId(text, out int known) && id == $"{known}" ? known
        : id == $"{vocabulary.Size}" && vocabulary.TryAdd(text, known = vocabulary.Size) ? known
        : throw field.Error(TokenizerRules.Contradiction, $"'{text}' has the id {id}, and in tokenizer.json "
            + (vocabulary.TryGetId(text, out known) ? $"{known}" : "none"), "Give the files that belong together");

    private int[] Ids(string flag, string name, int? id, bool missing)
    {
        if (!(Config?.Flag(flag, missing) ?? missing))
            return [];
        return id is int known ? [known]
            : throw Config!.Value.Error(TokenizerRules.UnknownSpecialToken, $"{flag} is true, but there is no {name}",
                $"Name the {name} or set {flag} to false");
    }
}
