using Vernier.Errors;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>Reads a <c>pattern</c>: <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
internal static class PatternReader
{
    /// <summary>Reads it; the well-known expressions get scanners of their own.</summary>
    public static IPattern Read(JsonField field)
    {
        if (field.Find("String") is { } literal)
            return new LiteralPattern(literal.AsShortString());
        JsonField regex = field.Get("Regex");
        string expression = regex.AsString();
        switch (expression)
        {
            case Gpt2Pattern.Expression:
                return new Gpt2Pattern();
            case Llama3Pattern.Llama3Expression:
                return new Llama3Pattern(maxDigits: 3);
            case Llama3Pattern.QwenExpression:
                return new Llama3Pattern(maxDigits: 1);
        }
        try
        {
            return new RegexPattern(expression);
        }
        catch (FormatException e)
        {
            throw new InvalidFileException(regex.File, TokenizerRules.UnsupportedPattern, $"{regex.Path}: {e.Message}",
                "Write the expression with sets, categories, groups, repetition and look-ahead at one character", innerException: e);
        }
    }
}
