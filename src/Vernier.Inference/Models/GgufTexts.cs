using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Models;

/// <summary>
/// The texts of a Hugging Face folder and the metadata of a GGUF file, either made of the other. What one side has no place for is kept
/// beside: of the texts in
/// metadata that begin with <c>vernier.</c>: config.json as it was, and what the tokenizer's files have beyond what follows from the
/// metadata; of the metadata in the member <c>gguf</c> of config.json. So both ways lead back.
/// </summary>
internal static class GgufTexts
{
    private const string Original = "vernier.config", TokenizerPatch = "vernier.tokenizer", SettingsPatch = "vernier.tokenizer_config",
        Template = "vernier.chat_template_file", MergePairs = "vernier.merge_pairs", Extra = "gguf";

    /// <summary>The keys under which an export lists what it widened to single precision.</summary>
    private static readonly (string Key, ElementType Type)[] s_widened =
        [("vernier.widened.bf16", ElementType.BF16), ("vernier.widened.f16", ElementType.F16)];

    /// <summary>Keys that an export sets itself.</summary>
    private static readonly string[] s_own =
        ["general.file_type", "general.quantization_version", GgufFile.AlignmentKey, GgufEdits.TokenIds];

    /// <summary>Whether a key is set by an export, or says how the model is split, which an export is not.</summary>
    private static bool IsOwn(string key) => s_own.Contains(key) || key.StartsWith(GgufSplit.Prefix, StringComparison.Ordinal);

    /// <summary>config.json: the original's own, with what another program has changed in the metadata since.</summary>
    public static JsonObject ConfigOf(GgufFile file, GgufArchitecture architecture, GgufMetadata metadata)
    {
        JsonObject config = architecture.ToConfig(metadata, file);
        return Parse(metadata, Original) is JsonObject original ? GgufEdits.Apply(original, config, file, architecture) : config;
    }

    /// <summary>tokenizer.json and tokenizer_config.json.</summary>
    public static (JsonObject Tokenizer, JsonObject Settings) TokenizerOf(GgufFile file)
    {
        var metadata = new GgufMetadata(file.Metadata, file.Path);
        (JsonObject tokenizer, JsonObject settings) = GgufTokenizerReader.ToJson(metadata);
        if (metadata.Has(Template))
            settings.Remove("chat_template");
        JsonObject plain = (JsonObject)tokenizer.DeepClone(), plainSettings = (JsonObject)settings.DeepClone();
        Patch(tokenizer, metadata, TokenizerPatch);
        Patch(settings, metadata, SettingsPatch);
        // Metadata that were changed since count; what was kept beside belongs to others.
        if (!GgufEdits.IsKept(tokenizer, settings, metadata, Parse(metadata, Original)))
            return (plain, plainSettings);
        if (metadata.Has(MergePairs) && tokenizer["model"] is JsonObject model && model["merges"] is JsonArray merges)
            model["merges"] = new JsonArray(
                [.. merges.Select(merge => new JsonArray([.. ((string)merge!).Split(' ', 2).Select(part => JsonValue.Create(part))]))]);
        return (tokenizer, settings);
    }

    /// <summary>The types of tensors that are F32 in the file, by their Hugging Face names.</summary>
    public static Dictionary<string, ElementType> WidenedOf(GgufFile file)
    {
        var metadata = new GgufMetadata(file.Metadata, file.Path);
        var widened = new Dictionary<string, ElementType>(StringComparer.Ordinal);
        foreach ((string key, ElementType type) in s_widened)
        {
            foreach (string name in metadata.Array<string>(key) ?? [])
                widened[name] = type;
        }
        return widened;
    }

    /// <summary>All texts, with the metadata that they have no place for.</summary>
    public static ModelTexts Read(GgufFile file, JsonObject config, ModelConfig model, GgufArchitecture architecture)
    {
        (JsonObject tokenizer, JsonObject settings) = TokenizerOf(file);
        var metadata = new GgufMetadata(file.Metadata, file.Path);
        var texts = new ModelTexts(config, tokenizer, settings, metadata.Has(Template) ? metadata.Text("tokenizer.chat_template")
            : null, file.Path);
        // An export names a model after its folder; other names are kept.
        OrderedDictionary<string, GgufValue> back =
            ToMetadata(texts, model, architecture, metadata.Has(Original) ? metadata.Text("general.name") ?? "" : "", WidenedOf(file));
        var extra = new JsonObject();
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (!IsOwn(key) && !(back.TryGetValue(key, out GgufValue? same) && same.Equals(value)))
                extra[key] = GgufValues.ToJson(value);
        }
        foreach (string key in back.Keys)
        {
            if (!file.Metadata.ContainsKey(key) && !IsOwn(key))
                extra[key] = null;
        }
        if (extra.Count > 0)
            config[Extra] = extra;
        return texts;
    }

    /// <summary>The metadata of a model's texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="config">The configuration that they hold.</param>
    /// <param name="architecture">What llama.cpp has for it.</param>
    /// <param name="name">What the model is called.</param>
    /// <param name="widened">The types of tensors, by their Hugging Face names, that become F32.</param>
    /// <exception cref="InvalidFileException">llama.cpp has no such tokenizer.</exception>
    public static OrderedDictionary<string, GgufValue> ToMetadata(
        ModelTexts texts, ModelConfig config, GgufArchitecture architecture, string name, IReadOnlyDictionary<string, ElementType> widened)
    {
        var metadata = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
        foreach ((string key, GgufValue value) in architecture.ToMetadata(config, name))
            metadata[key] = value;
        foreach ((string key, GgufValue value) in GgufTokenizerWriter.ToMetadata(
            texts.Tokenizer, texts.Settings, config, texts.ChatTemplate, texts.Path))
            metadata[key] = value;
        // Where a text ends in more ways than one, the others are those of a turn.
        if (config.EndTokens.Count > 1 && config.EndTokens[1] < config.VocabularySize)
            metadata["tokenizer.ggml.eot_token_id"] = GgufValue.Of((uint)config.EndTokens[1]);
        if (texts.ChatTemplate is not null)
            metadata[Template] = GgufValue.Of(true);
        foreach ((string key, ElementType type) in s_widened)
        {
            string[] names = [.. widened.Where(pair => pair.Value == type).Select(pair => pair.Key)];
            if (names.Length > 0)
                metadata[key] = GgufValue.Of(names);
        }
        AddPatches(metadata, texts);
        if (texts.Config[Extra] is JsonObject extra)
        {
            foreach ((string key, JsonNode? value) in extra)
            {
                if (value is null)
                    metadata.Remove(key);
                else if (!IsOwn(key) && GgufValues.Parse(value) is GgufValue kept)
                    metadata[key] = kept;
            }
        }
        GgufEdits.AddTokenIds(metadata, config);
        return metadata;
    }

    /// <summary>Adds what the metadata so far do not say of the texts.</summary>
    private static void AddPatches(OrderedDictionary<string, GgufValue> metadata, ModelTexts texts)
    {
        (JsonObject tokenizer, JsonObject settings) = GgufTokenizerReader.ToJson(new GgufMetadata(metadata, texts.Path));
        if (metadata.ContainsKey(Template))
            settings.Remove("chat_template");
        var original = (JsonObject)texts.Tokenizer.DeepClone();
        // Merges are the same however they are written.
        if (original["model"] is JsonObject model && model["merges"] is JsonArray merges)
        {
            if (merges.Count > 0 && merges[0] is JsonArray)
                metadata[MergePairs] = GgufValue.Of(true);
            model["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(GgufTokenizer.MergeText(merge)))]);
        }
        Add(TokenizerPatch, JsonPatch.Between(tokenizer, original));
        Add(SettingsPatch, JsonPatch.Between(settings, texts.Settings));
        var config = (JsonObject)texts.Config.DeepClone();
        config.Remove(Extra);
        Add(Original, config);

        void Add(string key, JsonObject patch)
        {
            if (patch.Count > 0)
                metadata[key] = GgufValue.Of(System.Text.Encoding.UTF8.GetString(
                    BareNumbers.Restore(JsonSerializer.SerializeToUtf8Bytes(patch))));
        }
    }

    private static void Patch(JsonObject target, GgufMetadata metadata, string key)
    {
        if (Parse(metadata, key) is JsonObject patch)
            JsonPatch.Apply(target, patch);
    }

    private static JsonObject? Parse(GgufMetadata metadata, string key)
    {
        if (metadata.Text(key) is not string text)
            return null;
        using JsonDocument json = StrictJson.ParseSettings(System.Text.Encoding.UTF8.GetBytes(text), metadata.Path);
        return json.RootElement.ValueKind == JsonValueKind.Object ? JsonObject.Create(json.RootElement.Clone())!
            : throw metadata.Wrong(key, "a JSON object");
    }
}
