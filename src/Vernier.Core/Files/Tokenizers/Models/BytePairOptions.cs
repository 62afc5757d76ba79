namespace Vernier.Files.Tokenizers.Models;

/// <summary>What byte-pair encoding does beside merging.</summary>
internal sealed record BytePairOptions
{
    /// <summary>The token for a character that has none, or -1: then such a character is left out.</summary>
    public int UnknownId { get; init; } = -1;

    /// <summary>Makes one token of unknown characters in a row.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Writes a character that has no token as its UTF-8 bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Takes a word that is a token as that, whatever the merges would make of it.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Stands before each symbol but the first of a word.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Stands after the last symbol of a word.</summary>
    public string Suffix { get; init; } = "";
}
