namespace Vernier.Files.Tokenizers.AddedTokens;

/// <summary>A token that is found in the text as it stands, before the model sees the rest.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether it steers the model, and is no part of the text.</param>
/// <param name="Normalized">Whether it is looked for, normalized, in the normalized text.</param>
/// <param name="SingleWord">Whether it counts only where no word character touches it.</param>
/// <param name="StripLeft">Whether it takes the whitespace before it.</param>
/// <param name="StripRight">Whether it takes the whitespace after it.</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool Normalized, bool SingleWord, bool StripLeft, bool StripRight);
