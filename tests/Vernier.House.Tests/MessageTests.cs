using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Vernier.Tests;

/// <summary>The libraries know of no command line: their messages name no option of it.</summary>
public partial class MessageTests
{
    [Fact]
    public void LibrariesNameNoOptions()
    {
        string[] faults =
        [
            .. from file in SourceFile.Below("src")
               where file.Project != "src/Vernier.Cli"
               from token in file.Tree.GetRoot().DescendantTokens()
               where IsText(token) && Option().IsMatch(token.Text)
               select $"{file.Path}({file.Tree.GetLineSpan(token.Span).StartLinePosition.Line + 1}): {token.Text}",
        ];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
    }

    [Theory]
    [InlineData("Say --force to replace it", true)]
    [InlineData("(--resume)", true)]
    [InlineData("x--;", false)]
    [InlineData("a -- b", false)]
    public void AnOptionIsFound(string text, bool expected) => Assert.Equal(expected, Option().IsMatch(text));

    private static bool IsText(SyntaxToken token) => token.Kind() is SyntaxKind.StringLiteralToken or SyntaxKind.InterpolatedStringTextToken
        or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken;

    [GeneratedRegex(@"(?<![\w-])--[a-z]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Option();
}
