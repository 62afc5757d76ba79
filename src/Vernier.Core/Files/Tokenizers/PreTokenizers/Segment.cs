namespace Vernier.Files.Tokenizers.PreTokenizers;

/// <summary>A part of a text on its way to the model.</summary>
/// <param name="Text">Well-formed text, never empty.</param>
/// <param name="First">Whether it begins where the whole text begins.</param>
internal readonly record struct Segment(ReadOnlyMemory<char> Text, bool First)
{
    /// <summary>A part of this one; nothing where it would be empty.</summary>
    public void AddPart(int start, int end, List<Segment> parts)
    {
        if (end > start)
            parts.Add(new Segment(Text[start..end], First && start == 0));
    }
}

/// <summary>Cuts text into the words that the model sees one by one.</summary>
internal interface IPreTokenizer
{
    /// <summary>Appends the parts of the segments, in order.</summary>
    void Split(List<Segment> segments, List<Segment> parts);
}
