using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vernier.Tests;

/// <summary>
/// Finds what the names in sources mean, as the compiler does: types that are written, and members, extension methods and constructors
/// that are used without their type being written.
/// </summary>
internal sealed class SourceNames
{
    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    /// <summary>What source generators of the build supply: bodies of partial methods, members of JSON contexts.</summary>
    private static readonly string[] s_generated = ["CS8795", "CS0534", "CS9248"];

    private readonly IReadOnlyList<SourceFile> _files;
    private readonly Dictionary<SyntaxTree, SourceFile> _byTree;
    private readonly CSharpCompilation _compilation;

    /// <summary>Binds sources to each other and to the libraries of this process.</summary>
    public SourceNames(IReadOnlyList<SourceFile> files)
    {
        _files = files;
        _byTree = files.ToDictionary(file => file.Tree);
        var options = new CSharpCompilationOptions(OutputKind.ConsoleApplication, allowUnsafe: true);
        var usings = SourceFile.Of("usings.cs", ImplicitUsings);
        _compilation = CSharpCompilation.Create("house", [.. files.Select(file => file.Tree), usings.Tree], References(), options);
    }

    /// <summary>The errors, but for what generators supply: where there are any, uses may be missing.</summary>
    public IEnumerable<string> Errors => _compilation.GetDiagnostics()
        .Where(fault => fault.Severity == DiagnosticSeverity.Error && !s_generated.Contains(fault.Id))
        .Select(fault => fault.ToString());

    /// <summary>Every use of a name of another folder, once a file and name.</summary>
    public IEnumerable<FolderUse> Uses() => _files.SelectMany(UsesOf).Distinct();

    private IEnumerable<FolderUse> UsesOf(SourceFile file)
    {
        SemanticModel model = _compilation.GetSemanticModel(file.Tree);
        foreach (SyntaxNode node in file.Tree.GetRoot().DescendantNodes().Where(IsName))
        {
            SymbolInfo info = model.GetSymbolInfo(node);
            ISymbol? symbol = info.Symbol ?? info.CandidateSymbols.FirstOrDefault();
            if (symbol is null || Declaring(symbol) is not INamedTypeSymbol type)
                continue;
            SourceFile[] declared = [.. type.DeclaringSyntaxReferences.Where(x => _byTree.ContainsKey(x.SyntaxTree))
                .Select(x => _byTree[x.SyntaxTree])];
            if (declared.Length > 0 && !declared.Any(x => x.Folder == file.Folder))
                yield return new(file.Folder, declared[0].Folder, Path.GetFileName(file.Path), type.Name);
        }
    }

    private static bool IsName(SyntaxNode node) =>
        node is SimpleNameSyntax or BaseObjectCreationExpressionSyntax or ElementAccessExpressionSyntax or ConstructorInitializerSyntax;

    /// <summary>The outermost type of a symbol, or null for locals, parameters and namespaces.</summary>
    private static INamedTypeSymbol? Declaring(ISymbol symbol)
    {
        if (symbol is ILocalSymbol or IParameterSymbol or IRangeVariableSymbol or INamespaceSymbol or ILabelSymbol or ITypeParameterSymbol)
            return null;
        INamedTypeSymbol? type = symbol as INamedTypeSymbol ?? (symbol as IMethodSymbol)?.ReducedFrom?.ContainingType
            ?? symbol.ContainingType;
        while (type?.ContainingType is not null)
            type = type.ContainingType;
        return type?.OriginalDefinition;
    }

    private static IEnumerable<MetadataReference> References() => ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator)
        .Where(path => !Path.GetFileName(path).StartsWith("vernier", StringComparison.OrdinalIgnoreCase))
        .Select(path => MetadataReference.CreateFromFile(path));
}
