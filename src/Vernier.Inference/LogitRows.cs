namespace Vernier.Inference;

/// <summary>For which rows a forward pass gives logits.</summary>
public enum LogitRows
{
    /// <summary>Every token of every segment, in order.</summary>
    All,

    /// <summary>The last token of each segment.</summary>
    Last,
}
