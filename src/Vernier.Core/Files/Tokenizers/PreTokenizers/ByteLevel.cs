using Vernier.Files.Tokenizers.Patterns;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.PreTokenizers;

/// <summary>Cuts as GPT-2 does, and writes the UTF-8 bytes as characters of the <see cref="ByteAlphabet"/>.</summary>
/// <param name="AddPrefixSpace">Puts a space before a segment that doesn't begin with one.</param>
/// <param name="UseRegex">Cuts by the pattern of GPT-2; otherwise nothing is cut.</param>
internal sealed record ByteLevel(bool AddPrefixSpace, bool UseRegex) : IPreTokenizer
{
    private const int BlockSize = 1 << 16;

    private static readonly PatternSplit Gpt2 = new(new Gpt2Pattern(), SplitBehavior.Isolated);

    /// <inheritdoc/>
    public void Split(List<Segment> segments, List<Segment> parts)
    {
        List<Segment> words = AddPrefixSpace ? [.. segments.Select(Prefixed)] : segments;
        if (UseRegex)
        {
            var pieces = new List<Segment>();
            Gpt2.Split(words, pieces);
            words = pieces;
        }
        // The words share blocks of memory, no larger than what is left can need.
        Memory<char> block = default;
        long left = 3 * words.Sum(word => (long)word.Text.Length);
        foreach (Segment word in words)
        {
            int most = checked(3 * word.Text.Length);
            if (block.Length < most)
                block = new char[Math.Max(most, (int)Math.Min(left, BlockSize))];
            int length = ByteAlphabet.Encode(word.Text.Span, block.Span);
            parts.Add(word with { Text = block[..length] });
            block = block[length..];
            left -= most;
        }
    }

    private static Segment Prefixed(Segment segment) =>
        segment.Text.Span[0] == ' ' ? segment : segment with { Text = string.Concat(" ", segment.Text.Span).AsMemory() };
}
