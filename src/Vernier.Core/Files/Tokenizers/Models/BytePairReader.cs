using System.Text.Json;
using Vernier.Errors;
using Vernier.Files.Tokenizers.Rules;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Models;

/// <summary>Reads the <c>model</c> of a tokenizer.json.</summary>
internal static class BytePairReader
{
    private const string Repair = "Download the tokenizer again";

    /// <summary>Reads vocabulary, merges and options.</summary>
    /// <exception cref="InvalidFileException">The model isn't byte-pair encoding, or is broken.</exception>
    public static BytePairModel Read(JsonField model)
    {
        string type = model.Find("type")?.AsString() ?? "BPE";
        if (type != "BPE")
            throw model.Error(TokenizerRules.UnsupportedModel, $"the model '{type}' isn't supported",
                "Use a model whose tokenizer is byte-pair encoding (BPE)");
        if (model.Find("dropout") is { } dropout && !IsZero(dropout.Element))
            throw dropout.Error(TokenizerRules.Dropout, "merges are dropped at random, so that a text has no certain tokens",
                "Set dropout to null");
        Vocabulary vocabulary = ReadVocabulary(model.Get("vocab"));
        var options = new BytePairOptions
        {
            UnknownId = ReadUnknown(model, vocabulary),
            FuseUnknown = model.Flag("fuse_unk"),
            ByteFallback = model.Flag("byte_fallback"),
            IgnoreMerges = model.Flag("ignore_merges"),
            Prefix = model.Find("continuing_subword_prefix")?.AsShortString() ?? "",
            Suffix = model.Find("end_of_word_suffix")?.AsShortString() ?? "",
        };
        return new BytePairModel(vocabulary, ReadMerges(model.Get("merges"), vocabulary, options.Prefix), options);
    }

    private static bool IsZero(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == 0;

    private static Vocabulary ReadVocabulary(JsonField field)
    {
        if (field.Element.ValueKind != JsonValueKind.Object)
            throw field.Wrong("an object");
        int count = field.Element.GetPropertyCount();
        var vocabulary = new Vocabulary(count);
        foreach (JsonProperty entry in field.Element.EnumerateObject())
        {
            int id = ReadId(new JsonField(entry.Value, field.File, field.Path), entry.Name, count);
            if (!vocabulary.TryAdd(entry.Name, id))
                throw field.Error(TokenizerRules.IdConflict, $"'{entry.Name}' and '{vocabulary.Text(id)}' both have the id {id}", Repair);
        }
        return vocabulary;
    }

    /// <summary>Reads an id, which may be at most 4 tokens + 1024, so that a table by id stays in proportion to the file.</summary>
    public static int ReadId(JsonField field, string token, int tokens)
    {
        long limit = 4L * tokens + 1024;
        if (field.Element.ValueKind != JsonValueKind.Number || !field.Element.TryGetInt64(out long id))
            throw field.Wrong($"an integer, the id of '{token}',");
        return id >= 0 && id < limit ? (int)id
            : throw field.Error(TokenizerRules.IdOutOfRange, $"the id {id} of '{token}' isn't between 0 and {limit - 1}", Repair);
    }

    private static int ReadUnknown(JsonField model, Vocabulary vocabulary)
    {
        if (model.Find("unk_token") is not { } field)
            return -1;
        string token = field.AsString();
        if (vocabulary.TryGetId(token, out int id))
            return id;
        // With a token for each byte no character is unknown, and files of that kind name one all the same.
        bool needed = !ByteAlphabet.Characters.All(c => vocabulary.TryGetId([c], out _));
        return !needed ? -1 : throw field.Error(TokenizerRules.UnknownSpecialToken, $"the unknown token '{token}' isn't in the vocabulary",
            Repair);
    }

    private static MergeTable ReadMerges(JsonField field, Vocabulary vocabulary, string prefix)
    {
        if (field.Element.ValueKind != JsonValueKind.Array)
            throw field.Wrong("an array");
        var merges = new List<(int, int, int)>(field.Element.GetArrayLength());
        int index = 0;
        foreach (JsonElement item in field.Element.EnumerateArray())
        {
            // A first line such as "#version: 0.2" came along from a merges.txt.
            if (item.ValueKind != JsonValueKind.String || !item.GetString()!.StartsWith("#version", StringComparison.Ordinal))
                merges.Add(ReadMerge(item, index, field, vocabulary, prefix));
            index++;
        }
        return new MergeTable(merges, vocabulary);
    }

    private static (int Left, int Right, int Result) ReadMerge(
        JsonElement item, int index, JsonField field, Vocabulary vocabulary, string prefix)
    {
        string[] pair = item.ValueKind switch
        {
            JsonValueKind.String => item.GetString()!.Split(' '),
            JsonValueKind.Array when item.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String) =>
                [.. item.EnumerateArray().Select(part => part.GetString()!)],
            _ => [],
        };
        if (pair.Length != 2 || !pair[1].StartsWith(prefix, StringComparison.Ordinal))
            throw field.Error(TokenizerRules.MergeMalformed, $"merge {index} isn't a pair of tokens, as in \"a b\" or [\"a\", \"b\"]",
                Repair);
        return (Id(pair[0]), Id(pair[1]), Id(pair[0] + pair[1][prefix.Length..]));

        int Id(string token) => vocabulary.TryGetId(token, out int id) ? id
            : throw field.Error(TokenizerRules.MergeUnknownToken, $"merge {index} needs the token '{token}', which isn't in the vocabulary",
                Repair);
    }
}
