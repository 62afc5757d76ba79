using Vernier.Files.Tokenizers.Patterns;

namespace Vernier.Files.Tokenizers.PreTokenizers;

/// <summary>What becomes of the matches at which a text is cut.</summary>
internal enum SplitBehavior
{
    /// <summary>A match is left out.</summary>
    Removed,

    /// <summary>A match is a part of its own.</summary>
    Isolated,

    /// <summary>A match ends the part before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the part after it.</summary>
    MergedWithNext,

    /// <summary>Matches in a row are one part.</summary>
    Contiguous,
}

/// <summary>Cuts at the matches of a pattern.</summary>
/// <param name="Pattern">The pattern.</param>
/// <param name="Behavior">What becomes of a match.</param>
/// <param name="Invert">Takes what doesn't match for the matches.</param>
internal sealed record PatternSplit(IPattern Pattern, SplitBehavior Behavior, bool Invert = false) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(List<Segment> segments, List<Segment> parts)
    {
        var matches = new List<PatternMatch>();
        var pieces = new List<Piece>();
        foreach (Segment segment in segments)
        {
            matches.Clear();
            Pattern.FindAll(segment.Text.Span, matches);
            pieces.Clear();
            Cover(matches, segment.Text.Length, pieces);
            Add(segment, pieces, parts);
        }
    }

    /// <summary>Turns the matches into pieces that cover the text.</summary>
    private void Cover(List<PatternMatch> matches, int length, List<Piece> pieces)
    {
        int end = 0;
        foreach (PatternMatch match in matches)
        {
            if (match.Start > end)
                pieces.Add(new Piece(end, match.Start, Invert));
            pieces.Add(new Piece(match.Start, match.End, !Invert));
            end = match.End;
        }
        if (length > end)
            pieces.Add(new Piece(end, length, Invert));
    }

    private void Add(Segment segment, List<Piece> pieces, List<Segment> parts)
    {
        int start = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            Piece piece = pieces[i];
            bool last = i == pieces.Count - 1;
            bool ends = Behavior switch
            {
                SplitBehavior.Contiguous => last || pieces[i + 1].IsMatch != piece.IsMatch,
                // Of matches in a row only the first joins what was before.
                SplitBehavior.MergedWithPrevious => last || piece.IsMatch || !pieces[i + 1].IsMatch,
                // Of matches in a row only the last joins what comes after.
                SplitBehavior.MergedWithNext => last || !piece.IsMatch || pieces[i + 1].IsMatch,
                _ => true,
            };
            if (!ends)
                continue;
            if (!(Behavior == SplitBehavior.Removed && piece.IsMatch))
                segment.AddPart(start, piece.End, parts);
            start = piece.End;
        }
    }

    private readonly record struct Piece(int Start, int End, bool IsMatch);
}
