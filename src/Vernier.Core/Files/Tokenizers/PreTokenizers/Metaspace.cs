using Vernier.Files.Tokenizers.Patterns;

namespace Vernier.Files.Tokenizers.PreTokenizers;

/// <summary>Before which segments a <see cref="Metaspace"/> puts its character.</summary>
internal enum PrependScheme
{
    /// <summary>Before each that doesn't begin with it.</summary>
    Always,

    /// <summary>Only at the beginning of the text.</summary>
    First,

    /// <summary>Before none.</summary>
    Never,
}

/// <summary>Writes spaces as a visible character, as SentencePiece does, and cuts before it.</summary>
/// <param name="Replacement">The character, mostly U+2581.</param>
/// <param name="Scheme">Before which segments it is put.</param>
/// <param name="Cut">Cuts before each occurrence; otherwise nothing is cut.</param>
internal sealed record Metaspace(string Replacement, PrependScheme Scheme, bool Cut) : IPreTokenizer
{
    private readonly PatternSplit _split = new(new LiteralPattern(Replacement), SplitBehavior.MergedWithNext);

    /// <inheritdoc/>
    public void Split(List<Segment> segments, List<Segment> parts)
    {
        List<Segment> replaced = [.. segments.Select(Replace)];
        if (Cut)
            _split.Split(replaced, parts);
        else
            parts.AddRange(replaced);
    }

    private Segment Replace(Segment segment)
    {
        string text = segment.Text.ToString().Replace(" ", Replacement, StringComparison.Ordinal);
        bool prepend = Scheme == PrependScheme.Always || (Scheme == PrependScheme.First && segment.First);
        if (prepend && !text.StartsWith(Replacement, StringComparison.Ordinal))
            text = Replacement + text;
        return segment with { Text = text.AsMemory() };
    }
}
