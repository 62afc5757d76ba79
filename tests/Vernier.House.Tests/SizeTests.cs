using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vernier.Tests;

/// <summary>Files and methods stay small, and tests keep up with what they test.</summary>
public class SizeTests
{
    private const int Median = 90, NineInTen = 180, Longest = 350, LongestMethod = 60, Columns = 140;

    private static readonly IReadOnlyList<SourceFile> s_sources = SourceFile.Below("src"), s_tests = SourceFile.Below("tests");

    private static readonly SourceFile[] s_all = [.. s_sources, .. s_tests, .. SourceFile.Below("bench")];

    [Fact]
    public void FilesAreSmall()
    {
        AssertNone(
            from file in s_all
            where file.Lines.Length > Longest
            select $"{file.Path}: {file.Lines.Length} lines, more than {Longest}");
        foreach (IReadOnlyList<SourceFile> files in (IReadOnlyList<SourceFile>[])[s_sources, s_all])
        {
            int[] lines = [.. files.Select(file => file.Lines.Length).Order()];
            Assert.InRange(lines[lines.Length / 2], 1, Median);
            int tenth = lines[lines.Length * 9 / 10];
            var list = files.Where(file => file.Lines.Length > NineInTen).OrderByDescending(file => file.Lines.Length)
                .Select(file => $"{file.Path}: {file.Lines.Length}");
            Assert.True(tenth <= NineInTen, $"nine files in ten have up to {tenth} lines, more than {NineInTen}:\n"
                + string.Join('\n', list));
        }
    }

    [Fact]
    public void MethodsAreShort() => AssertNone(
        from file in s_all
        from node in file.Tree.GetRoot().DescendantNodes()
        where node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax
        let span = file.Tree.GetLineSpan(node.Span)
        let lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1
        where lines > LongestMethod
        select $"{file.Path}({span.StartLinePosition.Line + 1}): a method of {lines} lines, more than {LongestMethod}");

    [Fact]
    public void LinesAreShort() => AssertNone(
        from file in s_all
        from line in file.Lines.Index()
        where line.Item.Length > Columns
        select $"{file.Path}({line.Index + 1}): {line.Item.Length} columns, more than {Columns}");

    [Fact]
    public void TestsKeepUpWithSources()
    {
        int tests = s_tests.Sum(file => file.Lines.Length), sources = s_sources.Sum(file => file.Lines.Length);
        Assert.True(tests >= 0.6 * sources, $"{tests} lines of tests for {sources} lines of sources");
    }

    private static void AssertNone(IEnumerable<string> faults)
    {
        string[] list = [.. faults];
        Assert.True(list.Length == 0, $"{list.Length} of them:\n" + string.Join('\n', list));
    }
}
