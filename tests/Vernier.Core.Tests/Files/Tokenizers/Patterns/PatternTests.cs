using Vernier.Files.Tokenizers.Patterns;

namespace Vernier.Tests;

/// <summary>The patterns that cut text into words.</summary>
public class PatternTests
{
    public static TheoryData<string, string, string[]> Cases => new()
    {
        { "gpt2", "it's IT'S we'll", ["it", "'s", " IT", "'", "S", " we", "'ll"] },
        { "gpt2", "a  b   c ", ["a", " ", " b", "  ", " c", " "] },
        { "gpt2", "x12345 678", ["x", "12345", " 678"] },
        { "gpt2", "\U0001D49C\U0001D49E \U0001D7D8\U0001D7D9", ["\U0001D49C\U0001D49E", " \U0001D7D8\U0001D7D9"] },
        { "gpt2", "e\u0301a", ["e", "\u0301", "a"] },
        { "gpt2", "a\u0085\u00A0b\u3000c", ["a", "\u0085", "\u00A0", "b", "\u3000", "c"] },
        { "llama3", "it's IT'S 'LL '\u017F", ["it", "'s", " IT", "'S", " '", "LL", " '", "\u017F"] },
        { "llama3", "x'\u017Fx", ["x", "'\u017F", "x"] },
        { "llama3", "12345678 ½²", ["123", "456", "78", " ", "½²"] },
        { "llama3", "(a) !b\u0301c", ["(a", ")", " !", "b", "\u0301c"] },
        { "llama3", "x!?\n\r\ny \n \n  z", ["x", "!?\n\r\n", "y", " \n \n", " ", " z"] },
        { "llama3", "👩\u200D👩🙂 🙂\U0001D49C", ["👩\u200D👩🙂", " 🙂", "\U0001D49C"] },
        { "llama3", "a\u0085b\u00A0\u3000c", ["a", "\u0085b", "\u00A0", "\u3000c"] },
        { "llama3", "\u0967\u0968\u0969\u096A\U0001D7D8", ["\u0967\u0968\u0969", "\u096A\U0001D7D8"] },
        { "qwen", "12 \U0001D7D8\U0001D7D9", ["1", "2", " ", "\U0001D7D8", "\U0001D7D9"] },
    };

    public static TheoryData<string, string> Known => new()
    {
        { "gpt2", Gpt2Pattern.Expression }, { "llama3", Llama3Pattern.Llama3Expression }, { "qwen", Llama3Pattern.QwenExpression },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void KnownPatternsCutAsWritten(string name, string text, string[] parts) => Assert.Equal(parts, Find(Scanner(name), text));

    /// <summary>The expression, run by the general engine, defines what each hand-written scanner does.</summary>
    [Theory]
    [MemberData(nameof(Known))]
    public void ScannersAgreeWithTheirExpressions(string name, string expression)
    {
        IPattern scanner = Scanner(name), regex = new RegexPattern(expression);
        var random = new Random(4);
        for (int i = 0; i < 10_000; i++)
        {
            string text = RandomText.Next(random);
            string[] parts = Find(scanner, text);
            Assert.Equal(Find(regex, text), parts);
            Assert.Equal(text, string.Concat(parts));
        }
    }

    [Theory]
    [InlineData("a|ab", "abab", "a,a")]
    [InlineData("(ab|a)c?", "abcac", "abc,ac")]
    [InlineData("a+?b|a", "aab", "aab")]
    [InlineData("a{2,3}", "aaaaaaa", "aaa,aaa")]
    [InlineData("a{2,}", "aaaaab aa", "aaaaa,aa")]
    [InlineData("a{2}", "aaaaa", "aa,aa")]
    [InlineData("[^a-c\\d]+", "abxyz12q", "xyz,q")]
    [InlineData("[\\]\\-x]+", "a]-xb", "]-x")]
    [InlineData("\\p{Lu}\\p{Ll}*", "HelloWorldX", "Hello,World,X")]
    [InlineData("\\P{L}", "a1b", "1")]
    [InlineData("\\p{^L}", "a1b", "1")]
    [InlineData("[\\S]+(?=!)", "ab! cd", "ab")]
    [InlineData("\\s+(?!\\S)", "a  b ", " , ")]
    [InlineData("(?i:straSSe|K)", "STRASSE \u212A\u017F", "STRASSE,\u212A")]
    [InlineData(".", "a\n😀", "a,😀")]
    [InlineData("\\x41|\\x{1F600}|\\u0062", "Ab😀", "A,b,😀")]
    [InlineData("x*", "axxb", ",xx,")]
    public void ExpressionsMatchLeftmostByPriority(string expression, string text, string matches) =>
        Assert.Equal(matches, string.Join(',', Find(new RegexPattern(expression), text)));

    [Fact]
    public void ExpressionsAgreeWithTheRuntimeWherePlanesAndFoldingDontMatter()
    {
        var random = new Random(6);
        string[] atoms = ["a", "b", "[ab]", "[^a]", "(?:ab|b)", "(?:a|ab)", "c", "\\w", "."],
            counts = ["", "", "*", "+", "?", "*?", "+?", "{1,2}", "{2,}"];
        for (int i = 0; i < 3000; i++)
        {
            string expression = string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ =>
                atoms[random.Next(atoms.Length)] + counts[random.Next(counts.Length)]
                    + (random.Next(5) == 0 ? "|" : random.Next(6) == 0 ? "(?!b)" : "")));
            string text = string.Concat(Enumerable.Range(0, random.Next(16)).Select(_ => "abc"[random.Next(3)]));
            string[] expected = [.. System.Text.RegularExpressions.Regex.Matches(
                text, expression, System.Text.RegularExpressions.RegexOptions.CultureInvariant, TimeSpan.FromSeconds(10))
                .Where(match => match.Length > 0).Select(match => match.Value)];
            Assert.Equal(expected, Find(new RegexPattern(expression), text).Where(part => part.Length > 0));
        }
    }

    [Theory]
    [InlineData("(a*)*b")]
    [InlineData("(?:a+)+b")]
    [InlineData("(?:a|a)*b|a")]
    [InlineData("a*a*a*a*b")]
    public void NoExpressionTakesMoreThanLinearTime(string expression)
    {
        try
        {
            var pattern = new RegexPattern(expression);
            Assert.InRange(Find(pattern, new string('a', 200_000)).Length, 0, 200_000);
        }
        catch (FormatException e)
        {
            Assert.Contains("can be empty", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("(", "an unmatched '('")]
    [InlineData(")", "an unmatched ')'")]
    [InlineData("[a", "an end where more is needed")]
    [InlineData("[]", "a set within a set")]
    [InlineData("[b-a]", "a range like this")]
    [InlineData("[a[b]]", "a set within a set")]
    [InlineData("[a&&b]", "a set within a set")]
    [InlineData("a**", "possessive repetition, or repetition of a repetition")]
    [InlineData("a++", "possessive repetition, or repetition of a repetition")]
    [InlineData("a{2}?", "'?' after a fixed number of repetitions")]
    [InlineData("a{3,2}", "a brace that isn't {m}, {m,} or {m,n} with numbers up to 1000")]
    [InlineData("a{99999}", "a brace that isn't {m}, {m,} or {m,n} with numbers up to 1000")]
    [InlineData("(?:a{1000}){1000}", "more parts than any tokenizer needs")]
    [InlineData("*a", "'*' at this place")]
    [InlineData("^a$", "'^' at this place")]
    [InlineData("\\b", "the escape '\\b'")]
    [InlineData("\\1", "the escape '\\1'")]
    [InlineData("\\", "an end where more is needed")]
    [InlineData("\\p{Han}", "the property 'Han'")]
    [InlineData("\\pL", "a property without braces")]
    [InlineData("\\x{110000}", "a code point like this")]
    [InlineData("\\ud800", "a code point like this")]
    [InlineData("(?<=a)b", "a group of this kind")]
    [InlineData("(?!ab)", "look-ahead at more than one character")]
    [InlineData("(?i)a", "a group of this kind")]
    [InlineData("(?>a)", "a group of this kind")]
    public void WhatIsNotSupportedIsSaid(string expression, string what) =>
        Refusal.Of<FormatException>($"{what} isn't supported", () => new RegexPattern(expression));

    private static IPattern Scanner(string name) => name switch
    {
        "gpt2" => new Gpt2Pattern(),
        "llama3" => new Llama3Pattern(maxDigits: 3),
        _ => new Llama3Pattern(maxDigits: 1),
    };

    private static string[] Find(IPattern pattern, string text)
    {
        var matches = new List<PatternMatch>();
        pattern.FindAll(text, matches);
        return [.. matches.Select(match => text.Substring(match.Start, match.Length))];
    }
}
