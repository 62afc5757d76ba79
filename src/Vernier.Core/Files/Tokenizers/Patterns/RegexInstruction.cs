namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>What an instruction does.</summary>
internal enum RegexOperation : byte
{
    /// <summary>Reads one code point of the set.</summary>
    Read,

    /// <summary>Goes on where the next code point is in the set.</summary>
    Ahead,

    /// <summary>Goes on where no code point of the set follows: also at the end of the text.</summary>
    NotAhead,

    /// <summary>Tries one way and, should it fail, the other.</summary>
    Split,

    /// <summary>Goes elsewhere.</summary>
    Jump,
}

/// <summary>An instruction of a compiled regular expression; jumps are relative, so that fragments can be put together.</summary>
/// <param name="Operation">What it does.</param>
/// <param name="Set">The set, for the operations that have one.</param>
/// <param name="First">How far to jump, or the way to try first.</param>
/// <param name="Second">The way to try second.</param>
internal readonly record struct RegexInstruction(RegexOperation Operation, RuneSet? Set = null, int First = 0, int Second = 0);
