using System.Text;
using Vernier.Files.Tokenizers.Patterns;
using Vernier.Files.Tokenizers.Rules;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.PreTokenizers;

/// <summary>Reads the <c>pre_tokenizer</c> of a tokenizer.json.</summary>
internal static class PreTokenizerReader
{
    /// <summary>
    /// <c>\w+|[^\w\s]+</c> with the <c>\w</c> of Unicode Technical Standard 18, which this pre-tokenizer means and other
    /// expressions don't: joiners are in it, superscripts and fractions aren't.
    /// </summary>
    private const string Words =
        @"(?:[^\W\u00B2\u00B3\u00B9\u00BC-\u00BE]|[\u200C\u200D])+|(?:[^\w\s\u200C\u200D]|[\u00B2\u00B3\u00B9\u00BC-\u00BE])+";

    /// <summary>Reads the steps in order; a sequence becomes its parts.</summary>
    public static List<IPreTokenizer> Read(JsonField field)
    {
        List<IPreTokenizer> steps = [.. field.Parts("pretokenizers").Select(ReadPart)];
        // Each would write the characters of the one before as bytes again.
        return steps.OfType<ByteLevel>().Count() <= 1 ? steps
            : throw field.Unsupported(TokenizerRules.UnsupportedPreTokenizer, "more than one ByteLevel isn't supported");
    }

    private static IPreTokenizer ReadPart(JsonField field) => field.Get("type").AsString() switch
    {
        "ByteLevel" => new ByteLevel(field.Flag("add_prefix_space", missing: true), field.Flag("use_regex", missing: true)),
        "Split" => new PatternSplit(PatternReader.Read(field.Get("pattern")), ReadBehavior(field.Get("behavior")), field.Flag("invert")),
        "Metaspace" => new Metaspace(field.Find("replacement")?.AsCharacter()
            ?? "\u2581", ReadScheme(field), field.Flag("split", missing: true)),
        "Digits" => Cut(Rune.IsNumber, field.Flag("individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => Cut(CharacterClasses.IsPunctuation, field.Find("behavior") is { } behavior ? ReadBehavior(behavior)
            : SplitBehavior.Isolated),
        "Whitespace" => new PatternSplit(new RegexPattern(Words), SplitBehavior.Removed, Invert: true),
        "WhitespaceSplit" => Cut(Rune.IsWhiteSpace, SplitBehavior.Removed),
        "CharDelimiterSplit" => new PatternSplit(new LiteralPattern(field.Get("delimiter").AsCharacter()), SplitBehavior.Removed),
        string type => throw field.Unsupported(TokenizerRules.UnsupportedPreTokenizer, $"the pre-tokenizer '{type}' isn't supported"),
    };

    /// <summary>Reads the scheme of a pre-tokenizer or decoder Metaspace, old or new.</summary>
    public static PrependScheme ReadScheme(JsonField field)
    {
        bool? space = field.Find("add_prefix_space")?.AsBoolean();
        if (field.Find("prepend_scheme") is not { } scheme)
            return space == false ? PrependScheme.Never : PrependScheme.Always;
        PrependScheme result = scheme.AsString() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw scheme.Wrong("always, first or never"),
        };
        return space != false || result == PrependScheme.Never ? result
            : throw scheme.Wrong("never, as add_prefix_space is false,");
    }

    private static PatternSplit Cut(Func<Rune, bool> where, SplitBehavior behavior) => new(new RunePattern(where), behavior);

    private static SplitBehavior ReadBehavior(JsonField field) => field.AsString() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        _ => throw field.Wrong("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous"),
    };
}
