using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vernier.Tests;

/// <summary>A source file of the repository.</summary>
/// <param name="Path">Its path from the root, with slashes.</param>
/// <param name="Lines">Its lines.</param>
/// <param name="Tree">What it says.</param>
internal sealed record SourceFile(string Path, string[] Lines, SyntaxTree Tree)
{
    /// <summary>The folder that it lies in.</summary>
    public string Folder => Path[..Path.LastIndexOf('/')];

    /// <summary>The folder of its project.</summary>
    public string Project => string.Join('/', Path.Split('/').Take(2));

    /// <summary>The namespace that it declares, or null.</summary>
    public string? Namespace => Tree.GetRoot().DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString();

    /// <summary>The sources below a folder of the repository, ordered by path.</summary>
    /// <param name="top">The folder: src, tests or bench.</param>
    public static IReadOnlyList<SourceFile> Below(string top)
    {
        string root = SharedData.Root;
        return
        [
            .. Directory.EnumerateFiles(System.IO.Path.Combine(root, top), "*.cs", SearchOption.AllDirectories)
                .Select(path => System.IO.Path.GetRelativePath(root, path).Replace('\\', '/'))
                .Where(path => !path.Split('/').Any(part => part is "bin" or "obj"))
                .Order(StringComparer.Ordinal)
                .Select(path => Of(path, File.ReadAllText(System.IO.Path.Combine(root, path)))),
        ];
    }

    /// <summary>A file of a given text.</summary>
    public static SourceFile Of(string path, string text) =>
        new(path, text.TrimEnd('\n').Split('\n'), CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview), path));
}
