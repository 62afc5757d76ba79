using System.Text;
using Vernier.Errors;
using Vernier.Files.Tokenizers.AddedTokens;
using Vernier.Files.Tokenizers.Decoders;
using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.Normalizers;
using Vernier.Files.Tokenizers.PreTokenizers;
using Vernier.Files.Tokenizers.Rules;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers;

/// <summary>
/// A byte-pair-encoding tokenizer of a Hugging Face folder: text to ids and back. Safe for use by several threads.
/// docs/formats/tokenizer.md says what is read and what is refused.
/// </summary>
public sealed class Tokenizer
{
    private readonly BytePairModel _model;
    private readonly NormalizerChain _normalizer;
    private readonly IReadOnlyList<IPreTokenizer> _preTokenizers;
    private readonly IReadOnlyList<DecoderStep> _decoders;
    private readonly SpecialTokenTemplate _template;
    private readonly AddedTokenMatcher _rawTokens;
    private readonly AddedTokenMatcher _normalizedTokens;
    private readonly Dictionary<string, int> _specialTokens = new(StringComparer.Ordinal);
    private readonly HashSet<int> _specialIds = [];

    internal Tokenizer(TokenizerParts parts)
    {
        _model = parts.Model;
        _normalizer = parts.Normalizer;
        _preTokenizers = parts.PreTokenizers;
        _decoders = parts.Decoders;
        _template = parts.Template;
        BosId = parts.BosId;
        EosId = parts.EosId;
        NotUnderstood = parts.NotUnderstood;
        _rawTokens = new AddedTokenMatcher(parts.AddedTokens.Where(token => !token.Normalized).Select(token => (token, token.Content)));
        _normalizedTokens = new AddedTokenMatcher(
            parts.AddedTokens.Where(token => token.Normalized).Select(token => (token, _normalizer.Normalize(token.Content))));
        foreach (AddedToken token in parts.AddedTokens.Where(token => token.Special))
        {
            _specialTokens.Add(token.Content, token.Id);
            _specialIds.Add(token.Id);
        }
    }

    /// <summary>One more than the largest id: how many rows an embedding needs.</summary>
    public int VocabularySize => _model.Vocabulary.Size;

    /// <summary>The id of the token that begins a text, as tokenizer_config.json names it, or null.</summary>
    public int? BosId { get; }

    /// <summary>The id of the token that ends a text, as tokenizer_config.json names it, or null.</summary>
    public int? EosId { get; }

    /// <summary>The members of tokenizer_config.json that nothing is known of; none of them is done.</summary>
    public IReadOnlyList<string> NotUnderstood { get; }

    /// <summary>The special tokens and their ids.</summary>
    public IReadOnlyDictionary<string, int> SpecialTokens => _specialTokens;

    /// <summary>Reads tokenizer.json and, where they are present, tokenizer_config.json, special_tokens_map.json and
    /// added_tokens.json.</summary>
    /// <param name="folder">The folder of the model.</param>
    /// <exception cref="InvalidFileException">
    /// There is no tokenizer.json, or a file breaks one of the <see cref="TokenizerRules"/>, or it asks for something that isn't supported.
    /// </exception>
    public static Tokenizer Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return new Tokenizer(TokenizerReader.Read(folder));
    }

    /// <summary>Reads the texts of a tokenizer.json and a tokenizer_config.json.</summary>
    /// <param name="tokenizer">The tokenizer.json, UTF-8.</param>
    /// <param name="configuration">The tokenizer_config.json, UTF-8.</param>
    /// <param name="path">The file that they come from, for messages.</param>
    /// <exception cref="InvalidFileException">As for <see cref="Load"/>.</exception>
    public static Tokenizer Parse(ReadOnlyMemory<byte> tokenizer, ReadOnlyMemory<byte> configuration, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new Tokenizer(TokenizerReader.Read(tokenizer, configuration, path));
    }

    /// <summary>Turns a text into ids. A lone surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Puts around the text the special tokens that the model was trained with, such as the
    /// beginning-of-text token.</param>
    /// <param name="parseSpecialTokens">
    /// Takes the texts of special tokens, such as <c>&lt;|end_of_text|&gt;</c>, for those tokens, as a chat template needs. By
    /// default they are ordinary text, so that what a user writes can't steer the model. Added tokens that aren't special
    /// are found in any case.
    /// </param>
    /// <returns>The ids, each from 0 to <see cref="VocabularySize"/> - 1.</returns>
    /// <exception cref="InvalidFileException">The normalizer of the file makes the text grow beyond all bounds.</exception>
    public int[] Encode(string text, bool addSpecialTokens = false, bool parseSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = WellFormed.Of(text);
        var ids = new List<int>(text.Length / 4 + 8);
        var word = new Word();
        if (addSpecialTokens)
            ids.AddRange(_template.Before);
        foreach (AddedTokenSpan raw in _rawTokens.Split(text, parseSpecialTokens))
        {
            if (raw.Token is not null)
            {
                ids.Add(raw.Token.Id);
                continue;
            }
            string normalized = _normalizer.Normalize(text[raw.Start..raw.End]);
            foreach (AddedTokenSpan span in _normalizedTokens.Split(normalized, parseSpecialTokens))
            {
                ReadOnlyMemory<char> part = normalized.AsMemory(span.Start, span.End - span.Start);
                if (span.Token is not null)
                    ids.Add(span.Token.Id);
                else
                    EncodePlain(new Segment(part, First: raw.Start == 0 && span.Start == 0), ids, word);
            }
        }
        if (addSpecialTokens)
            ids.AddRange(_template.After);
        return [.. ids];
    }

    /// <summary>Turns ids into text. Ids that the tokenizer doesn't know are left out, and bytes that aren't UTF-8 are U+FFFD.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Leaves out special tokens.</param>
    /// <exception cref="InvalidFileException">The decoder of the file makes the text grow beyond all bounds.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        StreamingDecoder stream = CreateStream(skipSpecialTokens);
        var text = new StringBuilder();
        foreach (int id in ids)
            text.Append(stream.Add(id));
        return text.Append(stream.Finish()).ToString();
    }

    /// <inheritdoc cref="Decode(ReadOnlySpan{int}, bool)"/>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true) => Decode([.. ids], skipSpecialTokens);

    /// <summary>The text of a token as the vocabulary has it, so in the byte-level alphabet where the tokenizer is byte-level; null for an
    /// unknown id.</summary>
    public string? TokenText(int id) => _model.Vocabulary.Text(id);

    /// <summary>Whether an id is that of a special token.</summary>
    public bool IsSpecial(int id) => _specialIds.Contains(id);

    /// <summary>Begins the decoding of ids that come one by one.</summary>
    /// <param name="skipSpecialTokens">Leaves out special tokens.</param>
    public StreamingDecoder CreateStream(bool skipSpecialTokens = true) => new(this, _decoders, skipSpecialTokens);

    private void EncodePlain(Segment segment, List<int> ids, Word word)
    {
        List<Segment> parts = [segment];
        foreach (IPreTokenizer preTokenizer in _preTokenizers)
        {
            var next = new List<Segment>();
            preTokenizer.Split(parts, next);
            parts = next;
        }
        foreach (Segment part in parts)
            _model.Encode(part.Text.Span, ids, word);
    }
}
