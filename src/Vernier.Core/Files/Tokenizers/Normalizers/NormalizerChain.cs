using Vernier.Errors;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers.Normalizers;

/// <summary>The normalizers of a tokenizer, one after another.</summary>
/// <param name="file">The file they were read from, for messages.</param>
/// <param name="steps">The normalizers.</param>
internal sealed class NormalizerChain(string file, IReadOnlyList<INormalizer> steps)
{
    /// <summary>Rewrites a text.</summary>
    /// <exception cref="InvalidFileException">
    /// The text would become more than 64 times as long and 4096 characters: one replacement after another can multiply it without end.
    /// </exception>
    public string Normalize(string text)
    {
        long limit = 64L * text.Length + 4096;
        foreach (INormalizer step in steps)
        {
            // A step makes at most 256 characters of one.
            string result = text.Length <= limit / 256 || step is not Replace replace ? step.Normalize(text)
                : Bounded(replace, text, limit);
            if (result.Length > limit)
                throw Expands();
            text = result;
        }
        return text;
    }

    private string Bounded(Replace replace, string text, long limit)
    {
        var matches = new List<Patterns.PatternMatch>();
        replace.Pattern.FindAll(text, matches);
        return text.Length + (long)matches.Count * replace.Content.Length <= limit + matches.Sum(match => (long)match.Length)
            ? replace.Normalize(text) : throw Expands();
    }

    private InvalidFileException Expands() =>
        new(file, TokenizerRules.Expands, "normalizer: the text becomes more than 64 times as long", "Download the tokenizer again");
}
