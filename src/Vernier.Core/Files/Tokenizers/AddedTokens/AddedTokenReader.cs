using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers.AddedTokens;

/// <summary>Reads the <c>added_tokens</c> of a tokenizer.json.</summary>
internal static class AddedTokenReader
{
    private const string Repair = "Download the tokenizer again";

    /// <summary>Reads the tokens, and adds to the vocabulary those it lacks.</summary>
    public static List<AddedToken> Read(JsonField? field, Vocabulary vocabulary)
    {
        var tokens = new List<AddedToken>();
        if (field is not { } list)
            return tokens;
        List<JsonField> items = [.. list.Items()];
        int count = vocabulary.Count + items.Count;
        var contents = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonField item in items)
        {
            AddedToken token = ReadToken(item, count);
            if (token.Content.Length > AddedTokenMatcher.MaxLength)
            {
                throw item.Error(
                    TokenizerRules.TextTooLong,
                    $"the token is {token.Content.Length} characters long, and at most {AddedTokenMatcher.MaxLength} are accepted",
                    Repair);
            }
            if (!contents.Add(token.Content))
            {
                vocabulary.TryGetId(token.Content, out int first);
                throw item.Error(TokenizerRules.IdConflict, $"'{token.Content}' is added twice, with the ids {first} and {token.Id}",
                    Repair);
            }
            bool same = vocabulary.TryGetId(token.Content, out int id) && id == token.Id;
            if (!same && !vocabulary.TryAdd(token.Content, token.Id))
            {
                throw item.Error(TokenizerRules.IdConflict, vocabulary.TryGetId(token.Content, out int other)
                    ? $"'{token.Content}' can't have the id {token.Id}, as the vocabulary has the id {other} for it"
                    : $"'{token.Content}' can't have the id {token.Id}, as the vocabulary has '{vocabulary.Text(token.Id)}' there", Repair);
            }
            tokens.Add(token);
        }
        return tokens;
    }

    private static AddedToken ReadToken(JsonField item, int count)
    {
        string content = item.Get("content").AsString();
        bool special = item.Flag("special");
        return new AddedToken(
            BytePairReader.ReadId(item.Get("id"), content, count),
            content,
            special,
            item.Flag("normalized", missing: !special),
            item.Flag("single_word"),
            item.Flag("lstrip"),
            item.Flag("rstrip"));
    }
}
